"""The Provenance that comes along with a write, in the header X-Provenance: it is about whatever that write makes.

Its targets are versions, which are known when the write is planned; from there on it is a creation like any other, in the same
transaction. A write that makes no version needs none, and makes none. https://hl7.org/fhir/R4/provenance.html#header
"""

from collections.abc import Sequence
from dataclasses import replace

from service.fhir import rewrite
from service.records.change import Change, Create
from service.records.context import Context
from service.records.write import CREATED, UPDATED, Write

PROVENANCE = "Provenance"


def is_attestation(change: Change) -> bool:
    """Whether the change is the Provenance of the others."""
    return isinstance(change, Create) and change.attests


def attested(ctx: Context, writes: Sequence[Write]) -> list[Write]:
    """`writes` with their Provenance completed, if there is one among them; without it where it would be about nothing."""
    if not any(is_attestation(write.change) for write in writes):
        return list(writes)
    name = ctx.service.definitions.type_name
    made = [write for write in writes if write.outcome in (CREATED, UPDATED) and not is_attestation(write.change)]
    targets = [f"{name(write.key[0])}/{write.key[1]}/_history/{write.version}" for write in made if write.key]
    others = [write for write in writes if not is_attestation(write.change)]
    return [*others, *(_about(targets, write) for write in writes if targets and is_attestation(write.change))]


def _about(targets: Sequence[str], write: Write) -> Write:
    assert write.document is not None
    tree = {**write.document.tree, "target": [{"reference": target} for target in targets]}
    return replace(write, document=rewrite.spliced(write.document, tree))
