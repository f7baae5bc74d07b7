"""Signatures in a Provenance: kept as they come, and verified where that can be done.

It can be done for a JWS (`sigFormat` application/jose) in a Provenance of exactly one target that names a version of a resource here, with
a key that the client that sends it is registered with as a JWK Set. What does not hold is refused; a key that is not known is a warning.
Signatures in other formats are not looked at. docs/provenance.md says which bytes are signed.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from service.errors import Forbidden, Gone, Issue, NotFound
from service.fhir import canonical, reference
from service.records import read
from service.records.context import Context
from service.records.provenance import PROVENANCE
from service.records.write import Write
from service.security.keys import PublicKey, parse
from service.security.signed import BadSignature, NoSignature, Signed
from service.storage import clients
from service.storage.database import Transaction

FORMAT = "application/jose"
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")


def judged(ctx: Context, tx: Transaction, write: Write, writes: Sequence[Write]) -> list[Issue]:
    """What is wrong with the signatures of a Provenance that `writes` make; nothing for any other resource."""
    if write.change.type != PROVENANCE or not write.writes or write.document is None:
        return []
    listed = write.document.tree.get("signature", [])
    found = [(place, one) for place, one in enumerate(listed) if one.get("sigFormat") == FORMAT and "data" in one]
    return [issue for place, one in found for issue in _issues(ctx, tx, write, writes, (place, one))]


def _issues(ctx: Context, tx: Transaction, write: Write, writes: Sequence[Write], placed: tuple[int, Mapping[str, Any]]) -> Iterator[Issue]:
    where = f"{PROVENANCE}.signature[{placed[0]}].data"
    try:
        signed = Signed.parse(_decoded(placed[1]["data"]))
        key = _key(ctx, tx, signed)
        if key is None:
            says = f"{where} was kept, not verified: the key {signed.key_id[:80]!r} is none that this client is registered with."
            yield Issue("warning", "not-found", "signature-key", says, where, write.entry)
            return
        target = _target(ctx, tx, write, writes)
        if target is None:
            says = f"{where} was kept, not verified: it needs one target, a version that is here, as in Observation/1/_history/2."
            yield Issue("warning", "not-supported", "signature-target", says, where, write.entry)
            return
        signed.require(canonical.signed_bytes(target), key)
    except NoSignature as none:
        yield Issue("warning", "not-supported", "signature", f"{where} was kept, not verified: {none}", where, write.entry)
    except BadSignature as bad:
        says = f"{where} does not hold: {bad} Sign the bytes that docs/provenance.md describes, or leave the signature out."
        yield Issue("error", "security", "signature", says, where, write.entry)


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        raise NoSignature("it is not base64.") from None


def _key(ctx: Context, tx: Transaction, signed: Signed) -> PublicKey | None:
    client = clients.find(tx, ctx.client)
    if client is None or client.disabled is not None or client.jwks is None:
        return None
    return parse(client.jwks.encode()).find(signed.key_id, signed.algorithm)


def _target(ctx: Context, tx: Transaction, write: Write, writes: Sequence[Write]) -> str | None:
    """The JSON of the one version that the Provenance is about, in the caller's reach; None when it is not about that."""
    assert write.document is not None
    targets = write.document.tree.get("target", [])
    literal = reference.parse(str(targets[0].get("reference", ""))) if len(targets) == 1 else None
    if literal is None or literal.version is None or not literal.is_local(ctx.service.settings.base_url):
        return None
    if literal.type not in ctx.service.definitions.types or not _NUMBER.fullmatch(literal.version):
        return None
    key, number = (ctx.service.definitions.type_number(literal.type), literal.id), int(literal.version)
    for other in writes:
        if other.key == key and other.writes and other.version == number and other.document is not None:
            return other.document.text
    try:
        return read.vread(ctx.within(tx), literal.type, literal.id, number).text
    except (NotFound, Gone, Forbidden):
        return None
