"""`Observation/$lastn`: of each code the newest Observations of a patient, or of a visit.

Observations with a coding in common have the same code, and so do those that a third one connects; a text without codings is a
code of its own, compared exactly. Newest is by the effective time (of a period, its beginning), then by the order in which they were made;
what has no time comes last. Observations of the same time as the last one that is shown are shown too.
https://hl7.org/fhir/R4/observation-operation-lastn.html
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.errors import BadRequest
from service.fhir.document import stored
from service.records import authority
from service.records.context import Context
from service.records.shown import Shown
from service.records.steady import steadily
from service.search import links
from service.search.execute import Found, matching
from service.search.links import Node
from service.search.main_date import MISSING
from service.search.parameter import Registry
from service.search.parse import Options, parse
from service.search.query import Chain, Match, Query, Target
from service.storage.database import Transaction
from service.storage.versions import Key

MOST = 10_000
"""Observations that one question may look at."""
_TYPE = "Observation"
_ANCHORS = ("patient", "subject", "encounter")


@dataclass(frozen=True, slots=True)
class Newest:
    """What was asked, as understood, and the Observations: group by group, each newest first."""

    query: Query
    found: tuple[Found, ...]


def newest(ctx: Context, pairs: Sequence[tuple[str, str]], most: int) -> Newest:
    """The newest `most` of each code among the Observations that `pairs`, a search, find.

    Raises BadRequest for a search that names no patient and no visit, that asks for pages or order, or that finds too much.
    """
    return steadily(ctx, lambda registry: _newest_by(ctx, registry, pairs, most))


def _newest_by(ctx: Context, registry: Registry, pairs: Sequence[tuple[str, str]], most: int) -> Newest:
    query = parse(registry, _TYPE, pairs, Options(time_zone=ctx.service.settings.time_zone))
    authority.reachable(ctx, registry, query)
    _require_plain(query)
    anchor = _anchor(query)
    keys = () if _is_one(anchor) else registry.for_type(_TYPE)[anchor.parameter].keys
    with ctx.snapshot() as tx:
        matches = matching(tx, registry, query, MOST + 1, ctx.access)
        _require_few(len(matches), MOST)
        nodes = links.described(tx, [one.res_id for one in matches])
        about = dict(links.targets(tx, [node.res_id for node in nodes], keys)) if keys else {}
        codes = _codes(tx, registry, nodes)
        chosen = [node for group in _groups(nodes, about, codes) for node in _newest(group, most)]
        _require_few(len(chosen), ctx.service.settings.include_max)
        rows = {row.res_id: row for row in links.bodies(tx, [node.res_id for node in chosen])}
    shown = Shown(ctx)
    return Newest(query, tuple(shown.found("s", _found(rows[node.res_id])) for node in chosen))


def _anchor(query: Query) -> Match | Chain:
    """The clause that names the patients, or else the visits, whose Observations are grouped apart."""
    named = {clause.parameter: clause for clause in query.where if isinstance(clause, Match | Chain)}
    found = next((named[code] for code in _ANCHORS if code in named), None)
    if found is None:
        raise BadRequest.of(
            "required", "lastn-subject", f"$lastn needs whose Observations are meant. Give {', '.join(_ANCHORS[:-1])} or {_ANCHORS[-1]}."
        )
    return found


def _is_one(anchor: Match | Chain) -> bool:
    """Whether the clause names one resource, so that all that is found is about it."""
    return isinstance(anchor, Match) and len(anchor.values) == 1 and isinstance(anchor.values[0], Target) and bool(anchor.values[0].type)


def _require_plain(query: Query) -> None:
    """$lastn has an order and a size of its own, and its answer is whole."""
    given = {
        "_sort": query.sort,
        "_count": query.asked_count is not None,
        "_include or _revinclude": query.includes,
        "_total": query.total,
        "_cursor": query.cursor,
        "_summary=count": query.summary == "count",
        "_explain": query.explain,
    }
    for name, value in given.items():
        if value:
            raise BadRequest.of("not-supported", "operation-parameter", f"$lastn does not take {name}. Leave it out.", f"http.{name}")


def _require_few(count: int, most: int) -> None:
    if count > most:
        raise BadRequest.of(
            "too-costly", "lastn-size", f"This concerns more than {most} Observations. Narrow it, by code, category, date or encounter."
        )


def _codes(tx: Transaction, registry: Registry, nodes: Sequence[Node]) -> Mapping[int, Sequence[Hashable]]:
    """What each resource observes: its codings, or its text."""
    res_ids = [node.res_id for node in nodes]
    found: dict[int, list[Hashable]] = {}
    for res_id, coding in links.codes(tx, res_ids, registry.for_type(_TYPE)["code"].keys):
        found.setdefault(res_id, []).append(coding)
    for row in links.bodies(tx, [res_id for res_id in res_ids if res_id not in found]):
        found[row.res_id] = [stored(row.body).tree.get("code", {}).get("text", "")]
    return found


def _groups(nodes: Sequence[Node], about: Mapping[int, Key], codes: Mapping[int, Sequence[Hashable]]) -> list[list[Node]]:
    """The Observations by whom they are about and what they observe: each group newest first, the group with the newest first."""
    same = _connected(codes.values())
    groups: dict[tuple[Key | None, Hashable], list[Node]] = {}
    for node in sorted(nodes, key=_age, reverse=True):
        groups.setdefault((about.get(node.res_id), same[codes[node.res_id][0]]), []).append(node)
    order = {one: number for number, one in enumerate(dict.fromkeys(about.get(node.res_id) for node in nodes))}
    found = sorted(groups.items(), key=lambda item: _age(item[1][0]), reverse=True)
    return [group for _, group in sorted(found, key=lambda item: order[item[0][0]])]


def _connected(codes: Iterable[Sequence[Hashable]]) -> Mapping[Hashable, Hashable]:
    """For each code one that stands for all that are connected with it."""
    parent: dict[Hashable, Hashable] = {}

    def root(code: Hashable) -> Hashable:
        while parent.setdefault(code, code) != code:
            parent[code] = parent[parent[code]]
            code = parent[code]
        return code

    for together in codes:
        for code in together:
            parent[root(code)] = root(together[0])
    return {code: root(code) for code in list(parent)}


def _newest(group: Sequence[Node], most: int) -> list[Node]:
    """The first `most`, and those that happened when the last of them did."""
    kept = list(group[:most])
    kept += [node for node in group[most:] if kept[-1].lo != MISSING and (node.lo, node.hi) == (kept[-1].lo, kept[-1].hi)]
    return kept


def _age(node: Node) -> tuple[int, int]:
    return node.lo, node.res_id


def _found(row: Any) -> Found:
    return Found(_TYPE, row.fhir_id, row.version, row.last_updated, row.body)
