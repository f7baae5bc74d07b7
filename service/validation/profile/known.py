"""Expressions of invariants that are asked on every vital sign, as predicates: each says what its FHIRPath says, a hundred times faster.

Tests hold every one of them to the FHIRPath engine.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from service.validation.profile.item import NOTHING, Item
from service.validation.run import Run

Json = Any
Holds = Callable[[Item, Run], bool]


def _has(node: Mapping[str, Json], name: str) -> bool:
    """Whether an element, of one type or of many, is there."""
    if name in node or "_" + name in node:
        return True
    size = len(name)
    for member in node:
        if name in member and member.removeprefix("_").startswith(name) and member.removeprefix("_")[size : size + 1].isupper():
            return True
    return False


def _is_day_or_finer(item: Item, _run: Run) -> bool:
    """As its sentence says, a rule about dateTimes alone; read to the letter, the expression would refuse a Period."""
    return item.kind != "dateTime" or (isinstance(item.value, str) and len(item.value) >= len("YYYYMMDD"))


def _has_value_or_parts(item: Item, _run: Run) -> bool:
    node = item.content
    return any(_has(node, name) for name in ("component", "hasMember", "value", "dataAbsentReason"))


def _has_value(item: Item, _run: Run) -> bool:
    node = item.content
    return _has(node, "value") or _has(node, "dataAbsentReason")


def _has_time(item: Item, _run: Run) -> bool:
    """The time of an Observation, if it is a dateTime, is more than a date."""
    value = item.content.get("effectiveDateTime")
    return not isinstance(value, str) or len(value) > len("YYYY-MM-DD")


def _has_source(item: Item, _run: Run) -> bool:
    """Somebody or something made the Observation."""
    return "performer" in item.content or "device" in item.content


def _is_diastolic_lower(item: Item, _run: Run) -> bool:
    """Every diastolic pressure of a panel is below the systolic one; the profile itself refuses two systolic ones."""
    parts = item.content.get("component", ())
    systolic = [number for part in parts if (number := _number(part, "8480-6")) is not None]
    diastolic = [number for part in parts if (number := _number(part, "8462-4")) is not None]
    return len(systolic) != 1 or all(number < systolic[0] for number in diastolic)


def _number(part: Mapping[str, Json], loinc: str) -> Json:
    """The number of a component that has a LOINC code."""
    for coding in part.get("code", NOTHING).get("coding", ()):
        if coding.get("code") == loinc and coding.get("system") == "http://loinc.org":
            return part.get("valueQuantity", NOTHING).get("value")
    return None


_PRESSURE = "component.where(code.coding.where(system = 'http://loinc.org' and code = '{0}').exists()).value.ofType(Quantity)"


def _is_in_ucum(item: Item, _run: Run) -> bool:
    """A Quantity that names a system names UCUM."""
    return bool(item.content.get("valueQuantity", NOTHING).get("system", _UCUM) == _UCUM)


def _ends_with_a_level(item: Item, _run: Run) -> bool:
    """A suicide-risk screener has a coded value, if it has one."""
    node = item.content
    return not _has_coding(node, {("http://loinc.org", "93373-9")}) or "valueCodeableConcept" in node or not _has(node, "value")


def _at_most(pairs: Collection[tuple[str, str]], top: int) -> Holds:
    """The score of an Observation that has one of the codes is at most `top`."""

    def holds(item: Item, _run: Run) -> bool:
        node = item.content
        if not _has_coding(node, pairs):
            return True
        number = node.get("valueInteger", node.get("valueQuantity", NOTHING).get("value"))
        return number is None or bool(number <= top)

    return holds


def _has_coding(node: Mapping[str, Json], pairs: Collection[tuple[str, str]]) -> bool:
    codings = node.get("code", NOTHING).get("coding", ())
    return any((coding.get("system"), coding.get("code")) in pairs for coding in codings)


def known(expression: str) -> Holds | None:
    """The predicate of an expression that is known; None for any other."""
    limit = _LIMIT.fullmatch(expression)
    return _at_most(frozenset(_CODE.findall(limit["codes"])), int(limit["top"])) if limit else KNOWN.get(expression)


_UCUM = "http://unitsofmeasure.org"
_CODE = re.compile(r"system = '([^']*)' and code = '([^']*)'")
_ONE = rf"\(?{_CODE.pattern.replace('(', '(?:')}\)?"
_LIMIT = re.compile(
    rf"code\.coding\.where\((?P<codes>{_ONE}(?: or {_ONE})*)\)\.exists\(\)"
    r" implies \(value\.ofType\(integer\) \| value\.ofType\(Quantity\)\.value\)\.all\(\$this <= (?P<top>\d+)\)"
)
"""The rules that keep a score within its scale."""

KNOWN: Mapping[str, Holds] = {
    "value.ofType(Quantity).system.empty() or value.ofType(Quantity).system = 'http://unitsofmeasure.org'": _is_in_ucum,
    "code.coding.where(system = 'http://loinc.org' and code = '93373-9').exists()"
    " implies (value.ofType(CodeableConcept).exists() or value.empty())": _ends_with_a_level,
    "effective.ofType(dateTime).all(toString().length() > 10)": _has_time,
    "performer.exists() or device.exists()": _has_source,
    f"{_PRESSURE.format('8462-4')}.where(value >= %resource.{_PRESSURE.format('8480-6')}.value).empty()": _is_diastolic_lower,
    "($this as dateTime).toString().length() >= 8": _is_day_or_finer,
    "(component.empty() and hasMember.empty()) implies (dataAbsentReason.exists() or value.exists())": _has_value_or_parts,
    "value.exists() or dataAbsentReason.exists()": _has_value,
}
