"""The whole story of a line of the register: the vial, its receipt, the draw, the syringe, what was given and in which segments, what was
wasted or returned, who signed, what was found wrong, and every version of each with its place in the audit trail.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from service.errors import NotFound
from service.fhir.document import stored
from service.ledger import entry as kinds
from service.ledger import reading
from service.ledger.entry import Entry
from service.records.context import Context
from service.records.register import differences, lines, signatures
from service.records.register.differences import Difference
from service.records.register.lines import Filter
from service.records.register.rows import Line
from service.records.register.sheets import Sheets, Tree
from service.records.register.tie import Tie
from service.search import links
from service.storage import ledger_lines
from service.storage.database import Transaction

DISCREPANCY = "cs-discrepancy"
_MOST = 10_000
"""Lines of one vial."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version: when it was written (microseconds), by which verb, its event in the audit trail, and what it says differently than the
    one before it."""

    number: int
    recorded: int
    method: str
    audit_id: str | None
    changes: Sequence[Difference]


@dataclass(frozen=True, slots=True)
class Signature:
    """Somebody signed: `Type/id` of the Provenance and of who, the kind, and when, as FHIR writes it."""

    provenance: str
    who: str
    kind: str
    when: str


@dataclass(frozen=True, slots=True)
class Chapter:
    """One resource of the story. `tree` is what it says now, None where the caller may not read it or it is gone."""

    title: str
    reference: str
    tree: Tree | None
    versions: Sequence[Version] = ()
    signatures: Sequence[Signature] = ()
    lines: Sequence[Line] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """A line, all lines of its vial by number, whether they tie out, and the chapters."""

    line: Line
    lines: Sequence[Line]
    tie: Tie
    chapters: Sequence[Chapter]
    trees: Sheets = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Told:
    """What the story is made of, while it is made: the titles by reference (`Type/id`), in the order of telling."""

    ctx: Context
    tx: Transaction
    trees: Sheets
    titles: dict[str, str]

    def add(self, title: str, references: Iterable[str | None]) -> list[str]:
        """Tell of these next, if they are not told of yet; those that there are."""
        found = [one for one in references if one]
        for one in found:
            self.titles.setdefault(one, title)
        return found

    def pointing(self, type: str, parameter: str, references: Collection[str]) -> list[str]:
        """The resources of `type` that refer to one of `references`, oldest first."""
        definitions = self.ctx.service.definitions
        parts = [one.partition("/") for one in references]
        targets = [(definitions.type_number(kind), id) for kind, _, id in parts if kind in definitions.types]
        nodes = links.pointing(self.tx, self.ctx.service.registry.keys_of(type, parameter), targets)
        return [f"{type}/{node.id}" for node in nodes if node.type == definitions.type_number(type)]


def story(ctx: Context, tx: Transaction, vial: str, number: int) -> Story:
    """The story of line `number` of a vial. Raises Forbidden, NotFound."""
    leaf = lines.leaf(ctx, tx, Filter(vial=vial), None, _MOST)
    of_vial = [one for one in leaf.lines if one.entry.vial == vial]
    own = next((one for one in of_vial if one.entry.number == number), None)
    if own is None:
        raise NotFound.of(
            "not-found", "unknown-id", f"The register has no line {number} of Medication/{vial[:64]}. Filter it to find others."
        )
    tie = next(one.tie for one in leaf.vials if one.vial.vial == vial)
    ordered = sorted(of_vial, key=lambda one: one.entry.number)
    told = _Told(ctx, tx, leaf.trees, {})
    _tell(told, own.entry, [one.entry for one in ordered])
    return Story(own, ordered, tie, list(_chapters(told, ordered)), leaf.trees)


def _tell(told: _Told, own: Entry, every: Sequence[Entry]) -> None:
    """Which resources, in the order in which things happened."""
    told.add("Vial", [f"Medication/{own.vial}"])
    told.add("Receipt", _sources(every, lambda one: one.kind == kinds.RECEIVED))
    if own.draw:
        of_draw = [one for one in every if one.draw == own.draw]
        told.add("Draw", [f"MedicationDispense/{own.draw}"])
        given = list(_sources(of_draw, lambda one: one.kind == kinds.GIVEN))
        told.trees.load(given)
        told.add("Syringe", (reading.medication(tree) for one in given if (tree := told.trees.get(one))))
        for one in told.add("Given", given):
            told.add("Segment", told.pointing("MedicationAdministration", "part-of", [one]))
        for kind, title in ((kinds.WASTED, "Wasted"), (kinds.RETURNED, "Returned"), (kinds.UNACCOUNTED, "Unaccounted")):
            told.add(title, _sources(of_draw, lambda one, kind=kind: one.kind == kind))  # type: ignore[misc]
        told.add("Also of the draw", _sources(of_draw, lambda _: True))
    told.add(own.kind.capitalize(), [own.reference])
    told.add("Visit", [own.encounter])
    issues = told.pointing("DetectedIssue", "implicated", [one for one in told.titles if one != own.encounter])
    told.trees.load(issues)
    told.add("Discrepancy", (one for one in issues if _is_discrepancy(told.trees.get(one))))
    told.add("Task", told.pointing("Task", "focus", [one for one in told.titles if one != own.encounter]))


def _is_discrepancy(tree: Tree | None) -> bool:
    return tree is not None and reading.local_code(tree.get("code")) == DISCREPANCY


def _sources(every: Iterable[Entry], wanted: Callable[[Entry], bool]) -> Iterator[str]:
    return (one.reference for one in every if wanted(one))


def _chapters(told: _Told, ordered: Sequence[Line]) -> Iterator[Chapter]:
    signed = _signed(told)
    versions = _versions(told)
    for reference, title in told.titles.items():
        own = [one for one in ordered if one.entry.reference == reference]
        tree, written = versions.get(reference, (None, ()))
        yield Chapter(title, reference, tree, written, signed.get(reference, ()), own)


def _versions(told: _Told) -> dict[str, tuple[Tree | None, Sequence[Version]]]:
    """What each says now, and its versions, as far as the caller may read it."""
    definitions, access = told.ctx.service.definitions, told.ctx.access
    parts = {one: one.partition("/") for one in told.titles}
    keys = {(definitions.type_number(type), id): one for one, (type, _, id) in parts.items() if type in definitions.types}
    found: dict[str, tuple[Tree | None, Sequence[Version]]] = {}
    for key, written in ledger_lines.told(told.tx, keys).items():
        type, body = parts[keys[key]][0], written[-1].body
        tree = stored(body).tree if body else None
        if tree is None or body is None or not access.sees("r", type, tree):
            continue
        told.ctx.trail.saw(type, body)
        found[keys[key]] = tree, _changed(written)
    return found


def _changed(written: Sequence[ledger_lines.Told]) -> list[Version]:
    found: list[Version] = []
    before: Tree | None = None
    for one in written:
        tree = stored(one.body).tree if one.body else None
        changes = differences.differences(before or {}, tree or {}) if found else []
        found.append(Version(one.version, one.last_updated, one.method, one.audit_id, changes))
        before = tree
    return found


def _signed(told: _Told) -> Mapping[str, list[Signature]]:
    """Who signed for each: the signatures of a Provenance, and those who witnessed by one without any."""
    found: dict[str, list[Signature]] = {}
    for tree in signatures.about(told.ctx, told.tx, told.titles.keys()):
        targets = {one for one in map(reading.target, tree.get("target", ())) if one in told.titles}
        for one in targets:
            found.setdefault(str(one), []).extend(_signatures(tree))
    told.trees.load([*(one.who for every in found.values() for one in every), *told.titles])
    return found


def _signatures(tree: Tree) -> Iterator[Signature]:
    name = f"Provenance/{tree.get('id', '')}"
    for one in tree.get("signature", ()):
        kind = next((coding.get("display") or coding.get("code", "") for coding in one.get("type", ())), "")
        yield Signature(name, reading.target(one.get("who")) or "", kind, one.get("when", ""))
    if not tree.get("signature"):
        for agent in tree.get("agent", ()):
            kind = next((code for _, code in reading.codings(agent.get("type"))), "")
            yield Signature(name, reading.target(agent.get("who")) or "", kind, tree.get("recorded", ""))
