"""The measurements of a subject by code, in one unit: what `Observation/$stats` counts.

A code is looked for in `Observation.code` and in the components. Of a panel, which has no value of its own, the components and the
members (`hasMember`) are measured, each under its own code. Every element counts once. What is entered in error or cancelled is left out.
Elements without a plain number (absent, text, `<5`, with a modifier extension) count in the total only.
https://hl7.org/fhir/R4/observation-operation-stats.html
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from service.errors import BadRequest, Unprocessable
from service.fhir import reference, temporal, units
from service.fhir.document import stored
from service.fhir.units import UCUM
from service.records import authority
from service.records.context import Context
from service.records.shown import Shown
from service.records.steady import steadily
from service.search import links
from service.search.execute import Found, matching
from service.search.parameter import Registry
from service.search.parse import Options, parse
from service.search.types.escapes import escaped
from service.search.viewer import Viewer
from service.storage.database import Transaction

MOST = 10_000
"""Observations that one question may look at."""
LEFT_OUT = ("entered-in-error", "cancelled")
_TYPE = "Observation"
_TIMES = ("effectiveDateTime", "effectiveInstant")

Code = tuple[str | None, str]
"""(system, code); system None is any."""
Tree = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Unit:
    """How a value is measured: the printed unit, and system and code where there are."""

    text: str = ""
    system: str = ""
    code: str = ""

    @property
    def name(self) -> str:
        """What to call it in a message."""
        return self.code or self.text or "no unit"


@dataclass(frozen=True, slots=True)
class Measurement:
    """A number with its unit, when it was measured (microseconds, None unknown), and the Observation that says so."""

    value: Decimal
    unit: Unit
    at: int | None
    observation: str


@dataclass(slots=True)
class Series:
    """The measurements of one code. `concept` is the code as it was recorded, `total` counts those without a plain number too."""

    code: Code
    concept: Tree
    measurements: list[Measurement] = field(default_factory=list)
    total: int = 0

    def in_unit(self, wanted: str | None) -> tuple[Unit, list[tuple[int | None, Fraction]]]:
        """The unit of all (`wanted`, a UCUM code, or that of the newest), and (instant, value) of each in it.

        Raises Unprocessable that names the Observation whose value cannot be converted.
        """
        if not self.measurements:
            return Unit(), []
        newest = max(self.measurements, key=lambda one: (one.at is not None, one.at or 0))
        unit = Unit(wanted, UCUM, wanted) if wanted else newest.unit
        return unit, [(one.at, _converted(one, unit, self.code)) for one in self.measurements]


@dataclass(frozen=True, slots=True)
class Question:
    """Which measurements: of `pairs`, a search of Observations, those of `codes`."""

    pairs: tuple[tuple[str, str], ...]
    codes: tuple[Code, ...]


def series(ctx: Context, asked: Question) -> tuple[list[Series], list[Found]]:
    """A series for every code that was asked for, or for every part of a panel; and the Observations that they come from, newest first."""
    rows, members = steadily(ctx, lambda registry: _read(ctx, registry, asked))
    trees = {row.fhir_id: stored(row.body).tree for row in rows}
    collected = _Collected(ctx, asked.codes, {id: stored(row.body).tree for id, row in members.items()})
    for id, tree in trees.items():
        collected.add(id, tree)
    sources = {row.res_id: row for row in (*rows, *members.values()) if row.fhir_id in collected.used}
    shown = Shown(ctx)
    found = [shown.found("s", Found(_TYPE, row.fhir_id, row.version, row.last_updated, row.body)) for row in sources.values()]
    times = {one.id: _instant(ctx, stored(one.text).tree) or 0 for one in found}
    return collected.result(), sorted(found, key=lambda one: (times[one.id], one.id), reverse=True)


def _read(ctx: Context, registry: Registry, asked: Question) -> tuple[list[Any], dict[str, Any]]:
    """The rows of the Observations, and by id those of the members of panels among them."""
    with ctx.snapshot() as tx:
        rows = _rows(ctx, tx, registry, asked)
        return rows, {row.fhir_id: row for row in _members(ctx, tx, [stored(row.body).tree for row in rows])}


def _rows(ctx: Context, tx: Transaction, registry: Registry, asked: Question) -> list[Any]:
    wanted = ",".join(escaped(code) if system is None else f"{escaped(system)}|{escaped(code)}" for system, code in asked.codes)
    pairs = [*asked.pairs, ("combo-code", wanted), ("status:not", ",".join(LEFT_OUT))]
    query = parse(registry, _TYPE, pairs, Options(time_zone=ctx.service.settings.time_zone))
    authority.reachable(ctx, registry, query)
    found = matching(tx, registry, query, MOST + 1, ctx.access)
    if len(found) > MOST:
        raise BadRequest.of("too-costly", "stats-size", f"This concerns more than {MOST} Observations. Ask for a shorter period.")
    return list(links.bodies(tx, [one.res_id for one in found]))


def _members(ctx: Context, tx: Transaction, trees: Iterable[Tree]) -> list[Any]:
    """The members of panels, without those that are left out."""
    number = ctx.service.definitions.type_number(_TYPE)
    ids = {literal.id for tree in trees for literal in _member_literals(ctx, tree)}
    visible = Viewer(tx, ctx.service.registry, ctx.access, "s").visible({(number, id) for id in ids})
    nodes = links.standing(tx, visible)
    rows = links.bodies(tx, [node.res_id for node in nodes])
    return [row for row in rows if stored(row.body).tree.get("status") not in LEFT_OUT]


def _member_literals(ctx: Context, tree: Tree) -> Iterator[reference.Literal]:
    for member in tree.get("hasMember", ()):
        literal = reference.parse(member.get("reference", ""))
        if literal and literal.type == _TYPE and literal.is_local(ctx.service.settings.base_url):
            yield literal


class _Collected:
    """Puts the elements of Observations into their series, each once."""

    def __init__(self, ctx: Context, codes: Sequence[Code], members: Mapping[str, Tree]) -> None:
        self._ctx = ctx
        self._codes = codes
        self._members = members
        self._series: dict[Code, Series] = {}
        self._panels: set[Code] = set()
        self._seen: set[tuple[str, int]] = set()
        self.used: set[str] = set()

    def add(self, id: str, tree: Tree) -> None:
        """Everything in the Observation `id` that has one of the codes."""
        code = self._asked(tree.get("code", {}))
        if code is not None and not _has_value(tree) and (tree.get("component") or tree.get("hasMember")):
            self._panels.add(code)
            self._add_panel(id, tree)
        elif code is not None:
            self._take(code, id, -1, tree, tree)
        for number, component in enumerate(tree.get("component", ())):
            found = self._asked(component.get("code", {}))
            if found is not None:
                self._take(found, id, number, component, tree)

    def result(self) -> list[Series]:
        """The series in the order of the codes; those of panels after them. A code that nothing has gets an empty one."""
        plain = [code for code in self._codes if code not in self._panels or code in self._series]
        listed = [self._series.pop(code) if code in self._series else Series(code, _concept(code)) for code in plain]
        return [*listed, *self._series.values()]

    def _add_panel(self, id: str, tree: Tree) -> None:
        for number, component in enumerate(tree.get("component", ())):
            self._take(self._own(component), id, number, component, tree)
        for literal in _member_literals(self._ctx, tree):
            if literal.id in self._members:
                member = self._members[literal.id]
                self._take(self._own(member), literal.id, -1, member, member)

    def _own(self, element: Tree) -> Code:
        """The code under which an element of a panel is counted: one that was asked for, or its first."""
        concept = element.get("code", {})
        first: Tree = next(iter(concept.get("coding", ())), {})
        return self._asked(concept) or (first.get("system", ""), first.get("code", concept.get("text", "")))

    def _asked(self, concept: Tree) -> Code | None:
        codings = [(one.get("system", ""), one.get("code")) for one in concept.get("coding", ())]
        return next((code for code in self._codes if any(_is(code, coding) for coding in codings)), None)

    def _take(self, code: Code, id: str, place: int, element: Tree, observation: Tree) -> None:
        if (id, place) in self._seen:
            return
        self._seen.add((id, place))
        self.used.add(id)
        series = self._series.setdefault(code, Series(code, element.get("code") or _concept(code)))
        series.total += 1
        quantity = None if "modifierExtension" in element or "modifierExtension" in observation else _quantity(element)
        if quantity is not None:
            unit = Unit(quantity.get("unit", ""), quantity.get("system", ""), quantity.get("code", ""))
            value = Decimal(quantity["value"])
            series.measurements.append(Measurement(value, unit, _instant(self._ctx, observation), id))


def _is(code: Code, coding: tuple[str, str | None]) -> bool:
    return code[1] == coding[1] and code[0] in (None, coding[0])


def _concept(code: Code) -> Tree:
    return {"coding": [{"system": code[0], "code": code[1]} if code[0] else {"code": code[1]}]}


def _has_value(tree: Tree) -> bool:
    return any(name.startswith("value") for name in tree)


def _quantity(element: Tree) -> Tree | None:
    """A plain number with its unit; None for anything else."""
    if "valueInteger" in element:
        return {"value": element["valueInteger"], "system": UCUM, "code": "1"}
    quantity = element.get("valueQuantity")
    if not isinstance(quantity, Mapping) or "value" not in quantity or "comparator" in quantity or "modifierExtension" in quantity:
        return None
    return quantity


def _instant(ctx: Context, tree: Tree) -> int | None:
    """When it was observed: the beginning of what `effective` covers."""
    zone = ctx.service.settings.zone
    text = next((tree[name] for name in _TIMES if name in tree), None)
    if text is not None:
        return temporal.interval(text, zone).lo
    covered = temporal.period(tree.get("effectivePeriod", {}), zone) or temporal.timing(tree.get("effectiveTiming", {}), zone)
    return covered.lo if covered else None


def _converted(one: Measurement, unit: Unit, code: Code) -> Fraction:
    if (one.unit.system, one.unit.code) == (unit.system, unit.code) and (unit.code or one.unit.text == unit.text):
        return Fraction(one.value)
    try:
        if one.unit.system == unit.system == UCUM:
            return units.convert(one.value, one.unit.code, unit.code)
        why = "only units of UCUM can be converted"
    except (units.UnknownUnit, units.Incommensurable) as error:
        why = str(error)
    raise Unprocessable.of(
        "business-rule",
        "stats-unit",
        f"Observation/{one.observation} has {code[1]} in {one.unit.name[:40]}, which cannot be given in {unit.name[:40]}: {why}. "
        "Correct it, or narrow the question.",
        "Observation.value",
    )
