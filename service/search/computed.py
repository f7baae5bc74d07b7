"""Parameters of the clinic that no expression can state: an alias of a chain, and values computed from the record itself.

A SearchParameter in `fhir_profiles/clinic/` says by an extension which it is:

    ALIAS       valueString `medication.lot-number`: the parameter is rewritten to that chain when a search is read
    COMPUTED    valueCode `recorded` or `entry-lag`: the rule below that makes its rows

`recorded` is the instant at which the service stored the first version; where a resource carries the extension of RECORDED_BY with an
earlier time, as imported history does, that. `entry-lag` is `recorded` minus the beginning of `effective`, in seconds (UCUM `s`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from service import clock
from service.fhir import temporal
from service.fhir.temporal import BEGINNING, SECOND
from service.search.keys import parameter_key
from service.search.types import date, quantity
from service.search.types.protocol import Action, Json, Reading, Rows, SearchParameter, Source

ALIAS = "https://clinic.example/fhir/StructureDefinition/search-parameter-alias"
COMPUTED = "https://clinic.example/fhir/StructureDefinition/search-parameter-computed"
RECORDED_BY: Mapping[str, tuple[str, ...]] = {
    "MedicationAdministration": (
        "http://hl7.org/fhir/5.0/StructureDefinition/extension-MedicationAdministration.recorded",
        "https://clinic.example/fhir/StructureDefinition/recorded",
    ),
    "Observation": ("https://clinic.example/fhir/StructureDefinition/recorded",),
}
"""The extensions that state when a resource was first recorded elsewhere. R5 has `recorded` for MedicationAdministration, and nothing that
could be ported back for Observation; the clinic's own extension serves both."""

_SYSTEM = "http://unitsofmeasure.org"
_DATE, _LAG = "recorded", "entry-lag"
_ELEMENTS = {_DATE: "instant", _LAG: "Duration"}

Row = Mapping[str, Any]
Computation = Callable[[Json, int | None, Rows], None]
"""Adds the rows of a resource with the stamp of its first version (microseconds), None when that is not known."""


@dataclass(frozen=True, slots=True)
class Computed:
    """A parameter without expression, and what makes its rows; an alias has none."""

    parameter: SearchParameter
    rows: Computation | None = None


def is_computed(row: Row) -> bool:
    """Whether the SearchParameter is one of these."""
    return _stated(row, ALIAS) is not None or _stated(row, COMPUTED) is not None


def computed(type: str, row: Row, reading: Reading) -> Computed:
    """The parameter of `type` that the SearchParameter defines. Raises ValueError for a rule that does not exist."""
    code, alias, rule = row["code"], _stated(row, ALIAS), _stated(row, COMPUTED)
    if alias is not None:
        return Computed(SearchParameter(type, code, row["type"], row["url"], alias=alias))
    if rule not in _ELEMENTS or type not in RECORDED_BY:
        raise ValueError(f"{row['url']} asks for the computation {rule!r} on {type}, which does not exist")
    key, element = parameter_key(type, code), _ELEMENTS[rule]
    found = SearchParameter(type, code, row["type"], row["url"], keys=(key,), elements=frozenset({element}), single=True)
    source = Source(element, key, key, key, key, reading.zone, reading.literals)
    make = _recorded_rows(type, reading, date.extractor(source)) if rule == _DATE else _lag_rows(type, reading, quantity.extractor(source))
    return Computed(found, make)


def _stated(row: Row, url: str) -> str | None:
    found = (one for one in row.get("extension", ()) if one.get("url") == url)
    return next((one.get("valueString") or one.get("valueCode") for one in found), None)


def _recorded_rows(type: str, reading: Reading, add: Action) -> Computation:
    def make(tree: Json, created: int | None, rows: Rows) -> None:
        text = _recorded(type, tree, created, reading)
        if text is not None:
            add(text, rows)

    return make


def _lag_rows(type: str, reading: Reading, add: Action) -> Computation:
    def make(tree: Json, created: int | None, rows: Rows) -> None:
        text, start = _recorded(type, tree, created, reading), _start(tree, reading)
        if text is not None and start is not None:
            seconds = Decimal(temporal.interval(text, reading.zone).lo - start) / SECOND
            add({"value": seconds, "system": _SYSTEM, "code": "s", "unit": "s"}, rows)

    return make


def _recorded(type: str, tree: Json, created: int | None, reading: Reading) -> str | None:
    """When the resource was first recorded. What claims to be later than its arrival here is not believed."""
    for one in tree.get("extension") or ():
        text = one.get("valueDateTime") if isinstance(one, dict) and one.get("url") in RECORDED_BY[type] else None
        if isinstance(text, str) and (lo := _instant(text, reading)) is not None and (created is None or lo <= created):
            return text
    return None if created is None else clock.to_text(created)


def _instant(text: str, reading: Reading) -> int | None:
    try:
        return temporal.interval(text, reading.zone).lo
    except ValueError:
        return None


def _start(tree: Json, reading: Reading) -> int | None:
    """The beginning of `effective[x]`; None when it has none."""
    try:
        if isinstance(text := tree.get("effectiveDateTime") or tree.get("effectiveInstant"), str):
            return temporal.interval(text, reading.zone).lo
        if isinstance(period := tree.get("effectivePeriod"), dict):
            covered = temporal.period(period, reading.zone)
        else:
            covered = temporal.timing(tree.get("effectiveTiming") or {}, reading.zone)
    except ValueError:
        return None
    return covered.lo if covered and covered.lo != BEGINNING else None
