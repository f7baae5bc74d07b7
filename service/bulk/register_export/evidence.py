"""The records behind lines of the ledger: what they follow from, what was in the vials and syringes, and who vouched for it."""

from collections.abc import Iterable, Iterator, Sequence

from service.fhir.document import stored
from service.ledger import reading
from service.records.context import Context
from service.search import links
from service.search.links import CHUNK
from service.search.viewer import Viewer
from service.storage import register_exports
from service.storage.database import Transaction
from service.storage.versions import Key

_OWN_CODES = {"DetectedIssue": "cs-discrepancy", "List": "cs-inventory"}

Keys = set[Key]


def behind(ctx: Context, vials: Iterable[str], sources: Iterable[str]) -> Keys:
    """The keys of everything that tells of `vials` (ids) and of the resources `sources` (`Type/id`), as far as the caller may see it."""
    number = ctx.service.definitions.type_number
    found = {(number("Medication"), one) for one in vials}
    for one in sources:
        type, _, id = one.partition("/")
        found.add((number(type), id))
    found |= _pointing(ctx, ("Medication", "ingredient"), found)
    found |= _pointing(ctx, ("MedicationAdministration", "part-of"), found)
    for type, code in (("List", "item"), ("DetectedIssue", "implicated")):
        found |= _own(ctx, type, _visible(ctx, _pointing(ctx, (type, code), found)))
    for code in ("focus", "based-on"):
        found |= _visible(ctx, _pointing(ctx, ("Task", code), found))
    return found | _visible(ctx, _pointing(ctx, ("Provenance", "target"), found))


def contents(ctx: Context, keys: Iterable[Key]) -> Iterator[str]:
    """Every version of the resources, as it is stored."""
    for piece in links.pieces(sorted(keys)):
        with ctx.service.database.glance() as tx:
            held = [body for _, _, body in register_exports.contents(tx, piece)]
        yield from held


def _pointing(ctx: Context, parameter: tuple[str, str], targets: Keys) -> Keys:
    """The resources of a type that refer to one of `targets` by a search parameter, of which there must be an index."""
    keys = ctx.service.registry.keys_of(*parameter)
    number = ctx.service.definitions.type_number(parameter[0])
    found: Keys = set()
    for piece in _pieces(sorted(targets)):
        with ctx.service.database.read() as tx:
            found.update(node.key for node in links.pointing(tx, keys, piece) if node.type == number)
    return found


def _visible(ctx: Context, keys: Keys) -> Keys:
    found: Keys = set()
    for piece in _pieces(sorted(keys)):
        with ctx.service.database.read() as tx:
            found |= set(Viewer(tx, ctx.service.registry, ctx.access).visible(piece))
    return found


def _own(ctx: Context, type: str, keys: Keys) -> Keys:
    """Those that are records of controlled substances: an alert of blood pressure names the same infusion."""
    found: Keys = set()
    for piece in _pieces(sorted(keys)):
        with ctx.service.database.read() as tx:
            found |= _tagged(tx, type, piece)
    return found


def _tagged(tx: Transaction, type: str, keys: Sequence[Key]) -> Keys:
    trees = ((key, stored(body).tree) for key, _, body in register_exports.contents(tx, keys))
    return {key for key, tree in trees if reading.is_tagged(tree) or reading.local_code(tree.get("code")) == _OWN_CODES[type]}


def _pieces(keys: Sequence[Key]) -> Iterator[Sequence[Key]]:
    return (keys[start : start + CHUNK] for start in range(0, len(keys), CHUNK))
