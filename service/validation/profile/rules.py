"""The rules of one value: fixed values, patterns, types, lengths and ranges, and what a reference may point to."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from service.fhir.document import encode
from service.fhir.profile.element import TypeRule, ValueRule
from service.validation.profile.checks import Rule
from service.validation.profile.compare import contains, equals
from service.validation.profile.item import Item, of_resource
from service.validation.run import Run
from service.validation.target import target_type

Json = Any
_ABSTRACT = frozenset({"Resource", "DomainResource", "Element", "BackboneElement"})
_LONGEST_SHOWN = 300
_OF_FHIRPATH = "http://hl7.org/fhirpath/"


def fixed(rule: ValueRule) -> Rule:
    """The value must be this one exactly."""
    shown = encode(rule.value)[:_LONGEST_SHOWN]

    def check(item: Item, run: Run) -> None:
        if not equals(item.value, rule.value):
            run.error("value", "fixed-value", item.path, f"must be {shown} exactly")

    return check


def pattern(rule: ValueRule) -> Rule:
    """The value must contain this."""
    shown = encode(rule.value)[:_LONGEST_SHOWN]

    def check(item: Item, run: Run) -> None:
        if not contains(item.value, rule.value):
            run.error("value", "pattern-value", item.path, f"must have {shown}")

    return check


def kinds(types: Sequence[TypeRule]) -> frozenset[str] | None:
    """The types that a value may have; None where the profile leaves them open, or names FHIRPath's own type of a primitive."""
    codes = frozenset(rule.code for rule in types)
    return None if not codes or codes & _ABSTRACT or any(code.startswith(_OF_FHIRPATH) for code in codes) else codes


def longest(length: int) -> Rule:
    """A string must have at most `length` characters."""

    def check(item: Item, run: Run) -> None:
        if isinstance(item.value, str) and len(item.value) > length:
            run.error("value", "max-length", item.path, f"has {len(item.value)} characters, and may have {length} at most")

    return check


def bound(limit: ValueRule, least: bool) -> Rule:
    """A number, a Quantity in the same unit, or a date of the same precision must not be below (`least`) or above the limit."""
    word = "less" if least else "more"
    shown = encode(limit.value)[:_LONGEST_SHOWN]

    def check(item: Item, run: Run) -> None:
        value, edge = _comparable(item.value, limit.value)
        if value is not None and edge is not None and (value < edge if least else value > edge):
            run.error("value", "value-range", item.path, f"may not be {word} than {shown}")

    return check


def _comparable(value: Json, limit: Json) -> tuple[Json, Json]:
    if isinstance(limit, Mapping):
        same = isinstance(value, Mapping) and all(value.get(name) == limit.get(name) for name in ("system", "code"))
        return (value.get("value"), limit.get("value")) if same else (None, None)
    if isinstance(limit, int | Decimal):
        return (value, limit) if isinstance(value, int | Decimal) and not isinstance(value, bool) else (None, None)
    return (value, limit) if isinstance(value, str) and isinstance(limit, str) and len(value) == len(limit) else (None, None)


def target(types: frozenset[str], profiles: Sequence[str], conforms: Callable[[Item, str, Run], bool]) -> Rule:
    """A reference must point to one of the resource types; what is at hand (contained, in the same Bundle) must meet one of the profiles.

    A resource that is stored is not read again: it was held to its own profiles when it was written.
    """
    shown = " or ".join(sorted(types))

    def check(item: Item, run: Run) -> None:
        reference = item.value.get("reference") if isinstance(item.value, Mapping) else None
        stated = item.value.get("type") if isinstance(item.value, Mapping) else None
        name = (target_type(reference, run) if isinstance(reference, str) else None) or stated
        if types and isinstance(name, str) and name and name not in types:
            run.error("value", "target-profile", item.path, f"must refer to {shown} in this profile, not to a {name}")
            return
        found = run.target(reference) if isinstance(reference, str) else None
        if found is not None and profiles and not any(conforms(of_resource(found, item.path), url, run) for url in profiles):
            wanted = " or ".join(profiles)
            run.error("value", "target-profile", item.path, f"refers to a resource that does not meet {wanted}")

    return check
