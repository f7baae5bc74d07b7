"""Who may use the demonstration: a client for each role, with keys of its own, and a token that is good for a working day.

Keys and tokens lie in a folder that only its owner may read, one file each. Started again, the demonstration takes the keys that are there;
tokens are made anew. A file with a token is a header line, so that `curl -H @FILE` sends it.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fhir.resources.R4B.reference import Reference
from joserfc.jwk import ECKey

from service.demo import people, premises
from service.records import clients, tokens
from service.records.clients import Registration
from service.records.context import Context
from service.records.find import find
from service.security import clinical
from service.security.roles import ROLES
from service.storage.clients import Client

FOLDER = Path("var/demo")
SECONDS = 8 * 60 * 60

_PRIVATE = 0o600
_FOLDER = 0o700

STAFF = {
    "clinician": people.PSYCHIATRIST,
    "custodian": people.ROOM_NURSES[3],
    "auditor": people.ANESTHESIOLOGIST,
    "privacy-officer": people.WITNESS,
}
"""Who has which role of the people's ones."""

VENDOR = "vendor"
"""Who writes to the guide: reads the definitions, and lets resources be checked."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A client of the demonstration: its id, its token, and the files that hold its private key (a JWK) and the header with the token."""

    client: str
    token: str
    key: Path
    header: Path


def admit(ctx: Context, folder: Path = FOLDER) -> Mapping[str, Admitted]:
    """Register the clients, or give them the keys of `folder`, and make their tokens; by the names of their roles, and the vendor."""
    folder.mkdir(mode=_FOLDER, parents=True, exist_ok=True)
    known = {client.id: client for client in clients.every(ctx.service)}
    return {name: _admitted(ctx, name, folder, known) for name in (*ROLES, VENDOR)}


def _admitted(ctx: Context, name: str, folder: Path, known: Mapping[str, Client]) -> Admitted:
    id, path = f"demo-{name}", folder / f"{name}.jwk"
    jwks = json.dumps({"keys": [_key(path, id).as_dict(private=False)]}).encode()
    if id not in known:
        clients.register(ctx.service, _registration(ctx, name, jwks))
    elif known[id].jwks != jwks.decode():
        clients.rotate(ctx.service, id, jwks)
    user = literal(ctx, STAFF[name].reference) if name in STAFF else None
    issued = tokens.issue(ctx.service, id, seconds=SECONDS, user=user)
    header = folder / name
    write_private(header, f"Authorization: Bearer {issued.text}\n")
    return Admitted(id, issued.text, path, header)


def _registration(ctx: Context, name: str, jwks: bytes) -> Registration:
    if name == VENDOR:
        types = sorted(clinical.DEFINITIONS & ctx.service.definitions.types.keys())
        return Registration(f"demo-{name}", " ".join(f"system/{type}.rs" for type in (*types, "Observation")), jwks=jwks)
    device = literal(ctx, premises.monitor(1)) if name.startswith("gateway") else None
    return Registration(f"demo-{name}", role=name, name=ROLES[name].purpose, jwks=jwks, device=device)


def _key(path: Path, id: str) -> ECKey:
    """The private key in the file `path`, made if it is not there: for ES384, on the curve P-384."""
    if path.exists():
        return ECKey.import_key(json.loads(path.read_text()))
    key = ECKey.generate_key("P-384", {"kid": id, "alg": "ES384", "use": "sig"}, private=True)
    write_private(path, json.dumps(key.as_dict(private=True)))
    return key


def write_private(path: Path, text: str) -> None:
    """A file that only its owner may read, from its first byte on."""
    path.unlink(missing_ok=True)
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
    try:
        os.write(number, text.encode())
    finally:
        os.close(number)


def literal(ctx: Context, reference: Reference) -> str:
    """The literal reference to what the clinic refers to by an identifier."""
    type, _, query = str(reference.reference).partition("?")
    name, _, value = query.partition("=")
    _, page = find(ctx, type, ((name, value),), lenient=False)
    return f"{type}/{page.matches[0].id}"
