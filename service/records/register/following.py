"""What a commit means for the register: judged on the whole commit, before anything is written, and recorded in the same transaction.

    judge     the writes get their roles, their vials are locked, lines are derived, every rule is asked      -> Judged, or it is refused
    record    the lines are numbered, chained and appended; the vials move on

A visit and a vial's book are locked by name for as long as the transaction runs: two commits about one vial come one after the other.
Visits come first: which vials a visit has is known for certain only when nobody else writes to it.
docs/decisions/0029-the-ledger-in-the-commit.md
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from operator import attrgetter

from service.errors import Issue, MethodNotAllowed, Unprocessable
from service.fhir.document import Document
from service.ledger import posting, reading
from service.ledger.book import Book
from service.ledger.entry import Entry
from service.ledger.rules import RULES, amendments, signatures
from service.ledger.scene import CONTROLLED, OTHER, VISIT, Tree, Written
from service.records.context import Context
from service.records.register import administrations, balancing, consequences, numbering
from service.records.register.consequences import Consequence
from service.records.register.scene import RecordScene, local
from service.records.write import DELETED, Write
from service.storage import ledger
from service.storage.database import Transaction
from service.storage.ledger import Vial

TYPES = frozenset({"Encounter", "List", "Medication", "MedicationAdministration", "MedicationDispense", "Observation", "SupplyDelivery"})
"""The types whose resources can be part of the register."""
PROVENANCE = "Provenance"
"""It is none of it, but holds the signatures of witnesses."""
_CELLS = attrgetter(*(one.name for one in fields(Entry)))
_ENDED = ("finished", "cancelled", "entered-in-error")


@dataclass(slots=True)
class Judged:
    """What a commit comes to. `warnings` by the place of the change; `scene` has the books with their new lines."""

    scene: RecordScene
    warnings: dict[int, list[Issue]] = field(default_factory=dict)
    claims: Sequence[tuple[str, str, str]] = ()
    consequences: Sequence[Consequence] = ()

    @property
    def moved(self) -> list[Book]:
        """The books that get new lines."""
        return [book for book in self.scene.books.values() if book.fresh]

    @property
    def newest(self) -> int:
        """When the newest line of these books was recorded: the commit comes later."""
        return max((book.entries[-1].recorded for book in self.moved if book.entries), default=0)


def judge(ctx: Context, tx: Transaction, writes: Sequence[Write]) -> Judged | None:
    """What the commit comes to; None where it is none of the register's business. Raises Unprocessable with every rule that is broken."""
    if not any(write.writes and (write.change.type in TYPES or _witnesses(write)) for write in writes):
        return None
    scene = _scene(ctx, tx, writes)
    concerned = [one for one in scene.writes if one.role in CONTROLLED or finishes(one) or reopens(one)]
    signed = [one for one in scene.writes if one.type == PROVENANCE and signatures.witnesses(one.after)]
    if not concerned and not signed:
        return None
    judged, issues = Judged(scene), []
    if concerned:
        _hold(scene, concerned)
        issues += balancing.followed(scene, concerned)
        judged.claims, taken = numbering.claims(ctx, tx, concerned)
        issues += [*taken, *(issue for one in concerned for issue in numbering.untagged(one))]
    for one in (*concerned, *signed):
        for rule in RULES:
            issues += rule(scene, one)
    _raise(issues)
    judged.consequences, told = consequences.opened(scene, concerned)
    issues += told
    for issue in issues:
        judged.warnings.setdefault(issue.entry or 0, []).append(issue)
    return judged


def record(tx: Transaction, judged: Judged) -> None:
    """Number, chain and append the new lines with the stamp of `tx`, and move their vials on. Raises Collision when somebody was faster."""
    added, advanced, lines = [], [], []
    for book in judged.moved:
        sealed = book.sealed(tx.stamp, judged.scene.policies_of(book.vial))
        row = _row(book, sealed, judged.scene)
        if book.entries:
            advanced.append((row, len(book.entries)))
        else:
            added.append(row)
        lines += sealed
    ledger.add(tx, added)
    if advanced or lines or judged.claims:
        ledger.extend(tx, advanced, list(map(_CELLS, lines)), judged.claims)
    administrations.follow(tx, judged.scene)


def _scene(ctx: Context, tx: Transaction, writes: Sequence[Write]) -> RecordScene:
    after: dict[str, Tree | None] = {}
    before: dict[str, Tree | None] = {}
    for write in writes:
        if write.writes and write.key:
            reference = f"{write.change.type}/{write.key[1]}"
            after[reference] = {**_tree(ctx, write.document), "id": write.key[1]} if write.document else None
            before[reference] = local(ctx, write.before.body) if write.before and write.before.body else None
    scene = RecordScene(ctx, tx, after, before)
    scene.foresee()
    scene.writes = [_written(scene, write) for write in writes if write.writes and write.key]
    return scene


def _tree(ctx: Context, document: Document) -> Tree:
    """What will be stored; it was read already, unless it names this server."""
    return local(ctx, document.text) if ctx.service.settings.base_url in document.text else document.tree


def _written(scene: RecordScene, write: Write) -> Written:
    assert write.key is not None
    reference = f"{write.change.type}/{write.key[1]}"
    after, before = scene.after[reference], scene.before[reference]
    return Written(
        entry=write.entry,
        type=write.change.type,
        id=write.key[1],
        role=role(scene, write.change.type, after, before),
        after=after,
        before=earlier(scene, write.change.type, after, before),
        version=write.version,
        if_match=getattr(write.change, "if_match", None) is not None,
    )


def role(scene: RecordScene, type: str, after: Tree | None, before: Tree | None) -> str:
    """By what it says now; what was a controlled-substance record stays one."""
    if type not in TYPES:
        return OTHER
    earlier = scene.role(before) if before is not None else OTHER
    return earlier if earlier in CONTROLLED or after is None else scene.role(after)


def earlier(scene: RecordScene, type: str, after: Tree | None, before: Tree | None) -> Tree | None:
    """What the register knew of it: nothing where it becomes a record of the register only now, and everything of it is new."""
    is_new = after is not None and before is not None and type in TYPES and scene.role(before) == OTHER and scene.role(after) in CONTROLLED
    return None if is_new else before


def _hold(scene: RecordScene, concerned: Sequence[Written]) -> None:
    """Lock the visits, then the vials. Which vials a visit has, and a record has posted to, is asked when the visits are locked."""
    visits = _visits(concerned)
    if any(one.role == VISIT or one.before is not None for one in concerned):
        ledger.hold(scene.tx, [visits])
        visits = []
    ledger.hold(scene.tx, [visits, [f"vial {one}" for one in vials(scene, concerned)]])
    scene.settle()


def _witnesses(write: Write) -> bool:
    return write.change.type == PROVENANCE and write.document is not None and signatures.witnesses(write.document.tree)


def finishes(written: Written) -> bool:
    """Whether a visit ends by this commit (finished, cancelled, entered in error): nothing may be open any more."""
    return written.role == VISIT and _has_ended(written.after) and not _has_ended(written.before)


def reopens(written: Written) -> bool:
    """Whether a visit that had ended goes on by this commit."""
    return written.role == VISIT and written.after is not None and _has_ended(written.before) and not _has_ended(written.after)


def _has_ended(visit: Tree | None) -> bool:
    return (visit or {}).get("status") in _ENDED


def refuse_deletions(ctx: Context, tx: Transaction, writes: Sequence[Write]) -> None:
    """Raises MethodNotAllowed where a controlled-substance record, or what explains one, would be deleted (CS-31)."""
    if not any(write.outcome == DELETED and write.change.type in TYPES | amendments.BESIDE for write in writes):
        return
    scene = _scene(ctx, tx, writes)
    gone = [one for one in scene.writes if one.after is None]
    found = [amendments.deletion(one) for one in gone if one.role in CONTROLLED]
    found += [amendments.deletion_beside(one) for one in gone if amendments.is_beside(scene, one)]
    if found:
        raise MethodNotAllowed(found, entry=found[0].entry)


def vials(scene: RecordScene, concerned: Sequence[Written]) -> Sequence[str]:
    """The vials that the commit may change: those of its records, now and before, and of the draws of visits that it finishes."""
    found: set[str] = set()
    for one in concerned:
        for tree, get in ((one.after, scene.get), (one.before, scene.prior)):
            if tree is not None:
                found.update(posting.vials(one.role, tree, scene.vial_of, get))
    changed = [one.reference for one in concerned if one.before is not None and one.role != VISIT]
    finished = [one.reference for one in concerned if one.role == VISIT]
    scene.wanted = sorted(found | scene.posted(finished, changed))
    return scene.wanted


def _visits(concerned: Sequence[Written]) -> list[str]:
    trees = [tree for one in concerned for tree in (one.after, one.before) if tree is not None and one.role != VISIT]
    named = {visit for tree in trees if (visit := reading.visit(tree))}
    return [f"visit {one}" for one in sorted(named | {one.reference for one in concerned if one.role == VISIT})]


def _raise(issues: Sequence[Issue]) -> None:
    errors = [issue for issue in issues if issue.severity in ("error", "fatal")]
    if errors:
        raise Unprocessable(errors, entry=errors[0].entry)


def _row(book: Book, sealed: Sequence[Entry], scene: RecordScene) -> Vial:
    facts, safe = book.facts, book.place() or ""
    return Vial(
        vial=book.vial,
        substance=facts.substance,
        name=facts.name,
        form=facts.form,
        schedule=facts.schedule,
        strength_ug_per_ml=facts.strength_ug_per_ml,
        content_ug=facts.content_ug or 0,
        ndc=facts.ndc,
        lot=facts.lot,
        expires=facts.expires,
        serial=facts.serial,
        site=scene.site_of(safe),
        safe=safe,
        remaining_ug=book.held(),
        entries=sealed[-1].number,
        head=sealed[-1].hash,
    )
