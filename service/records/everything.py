"""`$everything`: a record whole, page by page, each resource once. What belongs to it is said by `patient_record` and `visit_chart`.

A record has sections: the resource asked for, what belongs to it, who answers for that (Provenance), and what it needs to be understood
(people, places, products). Within a section resources come in the order in which they were made, which no update disturbs, so a walk
under concurrent writes shows every resource that does not change exactly once. Sections are read when a page reaches them.
https://hl7.org/fhir/R4/patient-operation-everything.html
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.records import patient_record, visit_chart
from service.records import read as records
from service.records.context import Context
from service.records.shown import Shown
from service.records.supporting import supporting
from service.search import links
from service.search.execute import Found
from service.search.links import Node
from service.search.main_date import MISSING
from service.search.paging import Position
from service.search.viewer import Viewer
from service.storage.database import Transaction, horizon

Core = Callable[[Context, Transaction, Node], list[Node]]
Pairs = tuple[tuple[str, str], ...]

_RECORDS: Mapping[str, Core] = {"Patient": patient_record.core, "Encounter": visit_chart.core}
_SIGNATURES: Mapping[str, Callable[[Context, Transaction, Sequence[Node]], list[Node]]] = {
    "Patient": patient_record.signatures,
    "Encounter": visit_chart.signatures,
}
_TIMELESS = frozenset({"Patient", "RelatedPerson", "Person"})
"""Types whose date is a birthday: they belong to care of any time."""
_LASTING = frozenset({"AllergyIntolerance", "Condition", "Consent", "Coverage", "FamilyMemberHistory"})
"""Types whose date is a beginning without an end: they belong to all care after it."""
_SUPPORTING = 3


@dataclass(frozen=True, slots=True)
class Everything:
    """What is asked: the record of `type`/`id`, or what of it changed `since`, is of one of `types` (none: any), or belongs to care from
    `start` to `end`. Instants in microseconds. `name` are the restrictions as text: a cursor belongs to them."""

    type: str
    id: str
    count: int
    since: int | None = None
    types: frozenset[str] = frozenset()
    start: int | None = None
    end: int | None = None
    cursor: str | None = None
    name: Pairs = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page: what belongs to the record, what is there to understand it, the cursor of the next page, and the instant up to which
    nothing is missing, to be given as the next `_since`. `total` counts what belongs to the record, where the page holds all."""

    matches: tuple[Found, ...]
    included: tuple[Found, ...]
    next: str | None
    horizon: int
    total: int | None = None


def everything(ctx: Context, asked: Everything) -> Sheet:
    """One page of a record. Raises NotFound or Gone for what it is of, BadRequest for a cursor that belongs to something else."""
    name = (("$everything", f"{asked.type}/{asked.id}"), ("", ctx.access.key), *sorted(asked.name))
    position = ctx.service.cursors.read(name, asked.cursor) if asked.cursor is not None else None
    with ctx.snapshot(pull=position is None) as tx:
        records.read(ctx.within(tx), asked.type, asked.id)
        until = position.horizon if position and position.horizon is not None else horizon(tx)
        walk = _Walk(ctx, tx, asked, until)
        nodes = list(_after(walk.sections(), position, asked.count + 1))
        texts = {row.res_id: row for row in links.bodies(tx, [node.res_id for _, node in nodes[: asked.count]])}
    shown = nodes[: asked.count]
    looked = Shown(ctx)
    found = [(rank, looked.found("r", _found(ctx, texts[node.res_id]))) for rank, node in shown]
    matches = tuple(one for rank, one in found if rank < _SUPPORTING)
    more = len(nodes) > len(shown)
    return Sheet(
        matches=matches,
        included=tuple(one for rank, one in found if rank == _SUPPORTING),
        next=ctx.service.cursors.write(name, Position((shown[-1][0],), shown[-1][1].res_id, until)) if more and shown else None,
        horizon=until,
        total=len(matches) if position is None and not more else None,
    )


def _after(sections: Iterator[Sequence[Node]], position: Position | None, count: int) -> Iterator[tuple[int, Node]]:
    """At most `count` nodes after the position, with the rank of their section. Sections beyond them are not read."""
    rank, last = (int(position.values[0] or 0), position.res_id) if position else (0, 0)
    found = 0
    for number, section in enumerate(sections):
        if number < rank:
            continue
        begin = bisect_right(section, last, key=lambda node: node.res_id) if number == rank else 0
        for node in section[begin : begin + count - found]:
            found += 1
            yield number, node
        if found >= count:
            return


@dataclass(frozen=True, slots=True)
class _Walk:
    """The sections of one record, as far as they are asked for."""

    ctx: Context
    tx: Transaction
    asked: Everything
    until: int

    def sections(self) -> Iterator[Sequence[Node]]:
        """The four sections, each sorted by res_id; together they name each resource once."""
        number = self.ctx.service.definitions.type_number(self.asked.type)
        focus = links.standing(self.tx, [(number, self.asked.id)])
        yield self._shown(focus)
        belongs = self._visible(_RECORDS[self.asked.type](self.ctx, self.tx, focus[0]))
        core = [node for node in belongs if self._in_time(node) and node not in focus]
        yield self._shown(core)
        known = {node.res_id for node in (*focus, *core)}
        signed = [*focus, *core]
        signs = self._visible(_SIGNATURES[self.asked.type](self.ctx, self.tx, signed))
        signatures = [node for node in signs if node.res_id not in known]
        yield self._shown(signatures)
        yield self._needed([*signed, *signatures])

    def _needed(self, nodes: Sequence[Node]) -> list[Node]:
        """What the record needs to be understood: with `since`, what changed of it and all that what changed in the record refers to."""
        nodes = [node for node in nodes if self._type(node) not in self.ctx.access.partial]
        needed = self._visible(supporting(self.ctx, self.tx, nodes))
        if self.asked.since is None:
            return self._shown(needed)
        newly = {node.res_id for node in supporting(self.ctx, self.tx, [node for node in nodes if self._is_new(node)])}
        return [node for node in needed if self._is_typed(node) and (self._is_new(node) or node.res_id in newly)]

    def _visible(self, nodes: Sequence[Node]) -> list[Node]:
        """Those that the caller may read."""
        visible = Viewer(self.tx, self.ctx.service.registry, self.ctx.access).visible({node.key for node in nodes})
        return [node for node in nodes if node.key in visible]

    def _shown(self, nodes: Sequence[Node]) -> list[Node]:
        return [node for node in nodes if self._is_typed(node) and self._is_new(node)]

    def _is_typed(self, node: Node) -> bool:
        return not self.asked.types or self._type(node) in self.asked.types

    def _is_new(self, node: Node) -> bool:
        return self.asked.since is None or self.asked.since <= node.last_updated <= self.until

    def _in_time(self, node: Node) -> bool:
        """Whether the node belongs to care of the time asked for; what has no date belongs to any."""
        if node.lo == MISSING or self._type(node) in _TIMELESS:
            return True
        if self.asked.end is not None and node.lo > self.asked.end:
            return False
        return self.asked.start is None or node.hi >= self.asked.start or self._type(node) in _LASTING

    def _type(self, node: Node) -> str:
        return self.ctx.service.definitions.type_name(node.type)


def _found(ctx: Context, row: Any) -> Found:
    return Found(ctx.service.definitions.type_name(row.type), row.fhir_id, row.version, row.last_updated, row.body)
