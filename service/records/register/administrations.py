"""The rows of the administration log: written in the commit that they follow from, and made again from the record at any time.

A row tells of one administration what does not change with other records: who, when, what, by whose order. Its segments are read with it,
so that a commit of a segment writes the row of its parent. What became of the draws, and what names and addresses are, is asked when the
log is read.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

from service.fhir.document import stored
from service.ledger import posting, reading
from service.ledger.entry import GIVEN, LATE
from service.ledger.scene import ADMINISTRATION, SEGMENT, Tree
from service.records.context import Context, Service
from service.records.register.administration_row import TYPE, row
from service.records.register.scene import RecordScene
from service.security.caller import Caller
from service.storage import register
from service.storage.database import Transaction
from service.storage.register import Administration

_PIECE = 200


@dataclass(frozen=True, slots=True)
class _Past:
    """What the versions up to one say: when it was first written down that something was given, and whether that was changed since."""

    version: int
    status: str
    recorded: int
    is_amended: bool = False


def follow(tx: Transaction, scene: RecordScene) -> None:
    """Write the rows of the administrations that a commit changes, or whose segments it changes. Its lines are appended already."""
    versions = {one.reference: one.version for one in scene.writes if one.role == ADMINISTRATION and one.after is not None}
    parents = dict.fromkeys([*versions, *_parents(scene)])
    if not parents:
        return
    known = register.find(tx, [one.removeprefix(f"{TYPE}/") for one in parents])
    late, made = set(_late(scene)), []
    for reference in parents:
        tree, before = scene.get(reference), known.get(reference.removeprefix(f"{TYPE}/"))
        if tree is None or scene.role(tree) != ADMINISTRATION:
            continue
        past = _Past(versions.get(reference) or _version(tree), str(tree.get("status", "")), tx.stamp)
        if before is not None:
            past = _after(_Past(before.version, before.status, before.recorded, before.is_amended), past)
        is_late = reference in late or (before is not None and before.is_late)
        made.append(_dated(row(scene, tx, tree), past, is_late))
    register.keep(tx, made, known)


def rebuild(service: Service) -> int:
    """Make all rows again from the record; how many there are. Some at once, each in a transaction: until the last, the log is not whole.

    What is written meanwhile keeps the row that its own commit made.
    """
    ctx = Context(service, Caller.internal("register"))
    with service.database.write() as tx:
        register.clear(tx)
    with ctx.snapshot() as tx:
        pieces = list(_derived(ctx, tx))
    for made in pieces:
        with service.database.write() as tx:
            known = register.find(tx, [one.administration for one in made])
            register.keep(tx, [one for one in made if one.administration not in known], ())
    return sum(map(len, pieces))


def check(service: Service) -> Iterator[str]:
    """Every difference between the rows and what the record says that they must be, one sentence each; none when they are the same."""
    ctx = Context(service, Caller.internal("register"))
    with ctx.snapshot() as tx:
        for made in _derived(ctx, tx):
            known = register.find(tx, [one.administration for one in made])
            for should in made:
                held = known.get(should.administration)
                names = [one.name for one in fields(should) if held is None or getattr(held, one.name) != getattr(should, one.name)]
                if names:
                    yield f"{TYPE}/{should.administration}: its row in the log differs in {', '.join(names)}."


def _parents(scene: RecordScene) -> Iterator[str]:
    """`MedicationAdministration/id` of what the segments of the commit are parts of, now and before."""
    for one in scene.writes:
        for tree in (one.after, one.before) if one.role == SEGMENT else ():
            yield from reading.referred((tree or {}).get("partOf"), TYPE)


def _late(scene: RecordScene) -> Iterator[str]:
    lines = (line for book in scene.books.values() for line in (*book.entries, *book.fresh))
    return (line.reference for line in lines if line.kind == GIVEN and LATE in line.flags.split())


def _version(tree: Tree) -> int:
    return int(tree.get("meta", {}).get("versionId") or 1)


def _after(before: _Past | None, past: _Past) -> _Past:
    if before is None or not (posting.posts(ADMINISTRATION, {"status": before.status}) or before.status == "entered-in-error"):
        return past
    return replace(past, recorded=before.recorded, is_amended=before.is_amended or before.version != past.version)


def _dated(made: Administration, past: _Past, is_late: bool) -> Administration:
    return replace(made, version=past.version, recorded=past.recorded, is_amended=past.is_amended, is_late=is_late)


def _derived(ctx: Context, tx: Transaction) -> Iterator[list[Administration]]:
    """The rows, some at once, as the record says that they must be."""
    late, scene, made = register.late(tx), RecordScene(ctx, tx, {}, {}), []
    past: _Past | None = None
    for one in register.versions_of(tx, ctx.service.definitions.type_number(TYPE)):
        tree = stored(one.body).tree if one.body else {"resourceType": TYPE}
        past = _after(past if one.version > 1 else None, _Past(one.version, str(tree.get("status", "")), one.last_updated))
        if one.version == one.newest and scene.role(tree) == ADMINISTRATION:
            made.append(_dated(row(scene, tx, tree), past, f"{TYPE}/{one.fhir_id}" in late))
        if len(made) >= _PIECE:
            yield made
            scene, made = RecordScene(ctx, tx, {}, {}), []
    yield made
