"""Invariants of datatypes (https://hl7.org/fhir/R4/datatypes.html, https://hl7.org/fhir/R4/metadatatypes.html)."""

from decimal import Decimal
from typing import Any

from service.validation.chronology import certainly_after
from service.validation.invariant import (
    Rule,
    all_or_none,
    at_most_one,
    contextual,
    custom,
    either,
    every,
    exactly_one,
    is_one_of,
    no,
    some,
    strings,
    when,
)
from service.validation.run import Run
from service.validation.structure import Node

UCUM = "http://unitsofmeasure.org"


def number(value: Any) -> Decimal | None:
    """A JSON number as a Decimal; None for anything else."""
    if isinstance(value, Decimal):
        return value
    return Decimal(value) if type(value) is int else None


def at_least(element: str, smallest: int) -> Rule:
    """The number is not below `smallest`, when there is one."""
    return custom(lambda node: (found := number(node.get(element))) is None or found >= smallest)


def _period(node: Node) -> bool:
    return not ("start" in node and "end" in node and certainly_after(node["start"], node["end"]))


def _range(node: Node) -> bool:
    low, high = node.get("low"), node.get("high")
    if not isinstance(low, dict) or not isinstance(high, dict) or _unit(low) != _unit(high):
        return True
    least, most = number(low.get("value")), number(high.get("value"))
    return least is None or most is None or least <= most


def _unit(quantity: Node) -> tuple[Any, ...]:
    return (quantity["system"], quantity["code"]) if "code" in quantity and "system" in quantity else (None, quantity.get("unit"))


def _is_positive(node: Node) -> bool:
    value = number(node.get("value"))
    return value is None or value > 0


def _is_whole(node: Node) -> bool:
    value = node.get("value")
    return not (isinstance(value, Decimal) and "." in str(getattr(value, "text", value)))


def _reference(node: Node, run: Run) -> bool:
    text = node.get("reference")
    return not isinstance(text, str) or text[:1] != "#" or len(text) == 1 or text[1:] in run.contained


def _is_off_meal(node: Node) -> bool:
    return not {"C", "CM", "CD", "CV"}.intersection(strings(node.get("when")))


_CODED = either(some("code"), no("value"))
_IN_UCUM = is_one_of("system", UCUM, None)

RULES: dict[str, Rule] = {
    "age-1": every(_CODED, _IN_UCUM, custom(_is_positive)),
    "att-1": either(no("data"), some("contentType")),
    "cnt-3": every(_CODED, _IN_UCUM, is_one_of("code", "1", None), custom(_is_whole)),
    "cpt-2": either(no("value"), some("system")),
    "dis-1": every(_CODED, _IN_UCUM),
    "drq-1": exactly_one("path", "searchParam"),
    "drq-2": exactly_one("path", "searchParam"),
    "drt-1": when(some("code"), every(is_one_of("system", UCUM), some("value"))),
    "exp-1": some("expression", "reference"),
    "ext-1": exactly_one("extension", "value"),
    "per-1": custom(_period),
    "qty-3": either(no("code"), some("system")),
    "rat-1": every(all_or_none("numerator", "denominator"), some("numerator", "extension")),
    "ref-1": contextual(_reference),
    "rng-2": custom(_range),
    "tim-1": either(no("duration"), some("durationUnit")),
    "tim-2": either(no("period"), some("periodUnit")),
    "tim-4": at_least("duration", 0),
    "tim-5": at_least("period", 0),
    "tim-6": either(no("periodMax"), some("period")),
    "tim-7": either(no("durationMax"), some("duration")),
    "tim-8": either(no("countMax"), some("count")),
    "tim-9": either(no("offset"), every(some("when"), custom(_is_off_meal))),
    "tim-10": at_most_one("timeOfDay", "when"),
    "trd-1": at_most_one("data", "timing"),
    "trd-2": when(some("condition"), some("data")),
    "trd-3": every(
        when(is_one_of("type", "named-event"), some("name")),
        when(is_one_of("type", "periodic"), some("timing")),
        when(custom(lambda node: str(node.get("type")).startswith("data-")), some("data")),
    ),
}
