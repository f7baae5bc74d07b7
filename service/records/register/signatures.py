"""When people signed for a record: the signatures of the Provenance that is about it (https://hl7.org/fhir/R4/provenance.html)."""

from collections.abc import Collection, Mapping
from typing import Any

from service.fhir import temporal
from service.fhir.document import stored
from service.ledger import reading
from service.records.context import Context
from service.search import links
from service.storage.database import Transaction

_TYPE = "Provenance"

Signed = Mapping[tuple[str, str], int]
"""(the record, the person), both `Type/id` -> the instant of the first signature, in microseconds."""


def signed(ctx: Context, tx: Transaction, references: Collection[str]) -> Signed:
    """The signatures for the resources `references`, of any of their versions."""
    found: dict[tuple[str, str], int] = {}
    for tree in about(ctx, tx, references):
        targets = {one for one in map(reading.target, tree.get("target", ())) if one and one in references}
        for signature in tree.get("signature", ()):
            who, when = reading.target(signature.get("who")) or "", _instant(ctx, signature.get("when"))
            for one in targets:
                if when is not None:
                    found[one, who] = min(when, found.get((one, who), when))
    return found


def about(ctx: Context, tx: Transaction, references: Collection[str]) -> list[Mapping[str, Any]]:
    """Every Provenance that is about one of the resources `references`, oldest first."""
    definitions = ctx.service.definitions
    parts = [one.partition("/") for one in references]
    targets = {(definitions.type_number(type), id) for type, _, id in parts if type in definitions.types}
    nodes = links.pointing(tx, ctx.service.registry.keys_of(_TYPE, "target"), targets)
    own = [node.res_id for node in nodes if node.type == definitions.type_number(_TYPE)]
    return [stored(row.body).tree for row in links.bodies(tx, own)]


def _instant(ctx: Context, text: object) -> int | None:
    return temporal.interval(text, ctx.service.settings.zone).lo if isinstance(text, str) else None
