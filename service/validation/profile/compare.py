"""Fixed values and patterns (https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.fixed_x_, ...pattern_x_)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Json = Any


def equals(value: Json, fixed: Json) -> bool:
    """Whether a value is the fixed one: the same members, arrays in the same order, numbers by their value."""
    if isinstance(fixed, Mapping):
        return isinstance(value, Mapping) and value.keys() == fixed.keys() and all(equals(value[name], fixed[name]) for name in fixed)
    if isinstance(fixed, list):
        return isinstance(value, list) and len(value) == len(fixed) and all(map(equals, value, fixed))
    return type(value) is not bool and value == fixed if type(fixed) is not bool else value is fixed


def contains(value: Json, pattern: Json) -> bool:
    """Whether a value has all that the pattern has; each element of an array in the pattern is found in any place of the value's."""
    if isinstance(pattern, Mapping):
        return isinstance(value, Mapping) and all(name in value and contains(value[name], pattern[name]) for name in pattern)
    if isinstance(pattern, list):
        return isinstance(value, list) and all(any(contains(one, part) for one in value) for part in pattern)
    return equals(value, pattern)


def dug(value: Json, names: Sequence[str]) -> Iterator[Json]:
    """The values inside a fixed value or pattern along names; arrays are gone through."""
    if isinstance(value, list):
        for one in value:
            yield from dug(one, names)
    elif not names:
        yield value
    elif isinstance(value, Mapping) and names[0] in value:
        yield from dug(value[names[0]], names[1:])
