"""Every way of breaking one rule of a profile, derived from its merged tree and done to a resource that keeps them all.

Each mutant differs from the resource in one place and names the rule that it breaks. Rules that R4 itself has are left out: a mutant is
of use only where R4's own gate accepts it.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from service.fhir.element import Element
from service.fhir.profile.element import Node, Profile
from tests.properties import profile_slices
from tests.properties.profile_samples import DEFINITIONS

Json = Any
Keys = tuple[str | int, ...]

_QUANTITY = {"value": 1, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}
_NEVER = {"system": "http://example.org/codes", "code": "never"}
SAMPLES: dict[str, Json] = {
    "boolean": False,
    "integer": 7,
    "decimal": Decimal("1.5"),
    "positiveInt": 7,
    "unsignedInt": 7,
    "string": "text",
    "markdown": "text",
    "time": "10:00:00",
    "date": "2026-11-17",
    "dateTime": "2026-11-17T10:00:00Z",
    "instant": "2026-11-17T10:00:00Z",
    "uri": "http://example.org/some",
    "Annotation": {"text": "text"},
    "CodeableConcept": {"coding": [_NEVER]},
    "Coding": _NEVER,
    "Duration": {"value": 1, "unit": "min", "system": "http://unitsofmeasure.org", "code": "min"},
    "Extension": {"url": "http://example.org/extension", "valueBoolean": True},
    "Identifier": {"system": "http://example.org/ids", "value": "1"},
    "Period": {"start": "2026-11-17T10:00:00Z"},
    "Quantity": _QUANTITY,
    "Range": {"low": _QUANTITY},
    "Ratio": {"numerator": _QUANTITY, "denominator": _QUANTITY},
    "Reference": {"reference": "https://elsewhere.example/fhir/thing"},
    "SampledData": {"origin": _QUANTITY, "period": 10, "dimensions": 1, "data": "1 2 3"},
    "Timing": {"event": ["2026-11-17T10:00:00Z"]},
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A resource with one rule broken. `place` is the element, `inside` the object that holds it (an indexed FHIRPath)."""

    rule: str
    place: str
    inside: str
    tree: Json


def mutants(profile: Profile, tree: Json) -> Iterator[Mutant]:
    """Every mutant of a resource that meets a profile."""
    for rule, node, keys, change in _Breaker(tree).object(profile.root, ()):
        made = deepcopy(tree)
        change(made)
        yield Mutant(rule, node.id, _path(profile.type, keys), made)


Change = Callable[[Json], None]
Broken = tuple[str, Node, Keys, Change]


@dataclass(frozen=True, slots=True)
class _Breaker:
    """Walks a resource along the tree of its profile. `keys` lead from the resource to a value."""

    whole: Json

    def object(self, node: Node, keys: Keys, told: frozenset[str] = frozenset()) -> Iterator[Broken]:
        """What may be broken inside an object; `told` are the elements on which its being in a slice depends."""
        holder = _at(self.whole, keys)
        if not isinstance(holder, dict):
            return
        for child in node.children.values():
            if child.base is not None:
                yield from self._element(child, child.base, keys, told)

    def _element(self, node: Node, base: Element, keys: Keys, told: frozenset[str]) -> Iterator[Broken]:
        values = _values(base, _at(self.whole, keys), keys)
        if node.id not in told:
            for rule, change in _counts(node, base, keys, values):
                yield rule, node, keys, change
        for place, kind in values:
            yield from self._value(node, base, place, kind, told)
        how = profile_slices.slicing(node)
        if how is None:
            return
        taken: set[Keys] = set()
        for part in node.slices.values():
            answers = [(place, kind, profile_slices.belongs(part, how, _at(self.whole, place), kind)) for place, kind in values]
            if any(answer is None for _, _, answer in answers):
                return
            own = [(place, kind) for place, kind, answer in answers if answer]
            taken |= {place for place, _ in own}
            inside = told | profile_slices.telling(part, how)
            if base.repeats and part.id not in told:
                yield from ((rule, part, keys, change) for rule, change in _slice_counts(part, own))
            for place, kind in own:
                yield from self._value(part, base, place, kind, frozenset(inside))
        if how.rules == "closed" and base.repeats and base.types and base.types[0].code in SAMPLES:
            yield "slice-unmatched", node, keys, _appending((*keys, base.name), SAMPLES[base.types[0].code])

    def _value(self, node: Node, base: Element, place: Keys, kind: str | None, told: frozenset[str]) -> Iterator[Broken]:
        value = _at(self.whole, place)
        if node.id not in told:
            for rule, change in _rules(node, base, place, kind, value):
                yield rule, node, place[:-1], change
        yield from self.object(node, place, told)
        for root in profile_slices.inner(node):
            yield from self.object(root, place, frozenset({"Extension.url"}))


def _counts(node: Node, base: Element, keys: Keys, values: "list[tuple[Keys, str | None]]") -> Iterator[tuple[str, Change]]:
    minimum, maximum = node.minimum or 0, node.maximum
    if minimum > base.minimum and len(values) >= minimum:
        yield "required-element", _removing([place for place, _ in values[minimum - 1 :]])
    if maximum == 0 and base.maximum != 0:
        names = [(name, kind.code) for name, kind in base.properties.items() if kind and kind.code in SAMPLES]
        for name, code in names[:1]:
            yield "prohibited-element", _setting((*keys, name), [SAMPLES[code]] if base.repeats else SAMPLES[code])
    elif maximum is not None and base.repeats and maximum != base.maximum and values:
        yield "too-many", _repeating(values[0][0], maximum + 1 - len(values))


def _slice_counts(part: Node, own: "list[tuple[Keys, str | None]]") -> Iterator[tuple[str, Change]]:
    if part.minimum and len(own) >= part.minimum:
        yield "slice-minimum", _removing([place for place, _ in own[part.minimum - 1 :]])
    if part.maximum and own:
        yield "slice-maximum", _repeating(own[0][0], part.maximum + 1 - len(own))


def _rules(node: Node, base: Element, place: Keys, kind: str | None, value: Json) -> Iterator[tuple[str, Change]]:
    for name, rule in (("fixed-value", node.fixed), ("pattern-value", node.pattern)):
        if rule is not None and (other := _unlike(rule.value, value, base)) is not None:
            yield name, _setting(place, other)
    yield from _types(node, base, place, kind)
    yield from _targets(node, base, place, value)
    if node.binding and not (node.fixed or node.pattern):
        yield from _binding(node, base, place, value)
    for name, rule, step in (("minValue", "value-range", -1), ("maxValue", "value-range", 1)):
        for fact, limit in node.facts.items():
            if fact.startswith(name) and isinstance(limit, int | Decimal) and isinstance(value, int | Decimal):
                yield rule, _setting(place, limit + step)
    if isinstance(longest := node.facts.get("maxLength"), int) and isinstance(value, str):
        yield "max-length", _setting(place, "x" * (longest + 1))


def _types(node: Node, base: Element, place: Keys, kind: str | None) -> Iterator[tuple[str, Change]]:
    allowed = {rule.code for rule in node.types}
    others = [one.code for one in base.types if one.code not in allowed and one.code in SAMPLES]
    if allowed and base.choice and kind and others:
        old, new = base.name + kind[0].upper() + kind[1:], base.name + others[0][0].upper() + others[0][1:]

        def change(tree: Json) -> None:
            holder = _at(tree, place[:-1])
            del holder[old]
            holder[new] = deepcopy(SAMPLES[others[0]])

        yield "profile-type", change


def _targets(node: Node, base: Element, place: Keys, value: Json) -> Iterator[tuple[str, Change]]:
    kinds = {url.rpartition("/")[2] for rule in node.types if rule.code == "Reference" for url in rule.targets}
    narrowed = base.type("Reference")
    if not kinds or narrowed is None or not isinstance(value, dict) or "reference" not in value:
        return
    core = {name for name in kinds if name in DEFINITIONS.structures}
    if core != kinds or "Resource" in core:
        return
    others = sorted((set(narrowed.targets) - {"Resource"} or {"Basic", "Patient", "Device"}) - core)
    if others:
        yield "target-profile", _setting(place, {"reference": f"{others[0]}/another"})


def _binding(node: Node, base: Element, place: Keys, value: Json) -> Iterator[tuple[str, Change]]:
    strength, url = node.binding or ("", "")
    codes = profile_slices.value_set(url)
    if codes is None or strength not in ("required", "extensible"):
        return
    rule = "required-binding" if strength == "required" else "extensible-binding"
    if isinstance(value, str):
        other = _other_code(base, {code for _, code in codes}) if base.binding and base.binding.strength == "required" else "never"
        if other is not None:
            yield rule, _setting(place, other)
    elif isinstance(value, dict) and "coding" in value:
        yield rule, _setting(place, {"coding": [_NEVER]})
    elif isinstance(value, dict) and "code" in value:
        yield rule, _setting(place, {**value, "system": _NEVER["system"], "code": "never"})


def _unlike(stated: Json, value: Json, base: Element) -> Json | None:
    """A value of the same type that is not the stated one: of an object, one of the stated members is changed."""
    if isinstance(stated, dict):
        changed = [(name, part) for name in stated if (part := _unlike(stated[name], value.get(name), base)) is not None]
        return {**value, changed[-1][0]: changed[-1][1]} if changed else None
    if isinstance(stated, list):
        return [deepcopy(_NEVER)] if isinstance(stated[0], dict) and "code" in stated[0] else None
    if isinstance(stated, bool):
        return not stated
    if isinstance(stated, str):
        bound = base.binding is not None and base.binding.strength == "required"
        return _other_code(base, {stated}) if bound else "never"
    return stated + 1 if isinstance(stated, int | Decimal) else None


def _other_code(base: Element, taken: set[str]) -> str | None:
    pairs = DEFINITIONS.codes(base.binding.value_set) if base.binding else None
    return next((code for _, code in sorted(pairs or ()) if code not in taken), None)


def _values(base: Element, holder: Json, keys: Keys) -> list[tuple[Keys, str | None]]:
    found: list[tuple[Keys, str | None]] = []
    for name, kind in base.properties.items():
        if name in holder:
            code = kind.code if kind else None
            places = [(*keys, name, index) for index in range(len(holder[name]))] if base.repeats else [(*keys, name)]
            found += [(place, code) for place in places]
    return found


def _at(tree: Json, keys: Keys) -> Json:
    for key in keys:
        tree = tree[key]
    return tree


def _removing(places: list[Keys]) -> Change:
    def change(tree: Json) -> None:
        for place in reversed(places):
            del _at(tree, place[:-1])[place[-1]]
            if isinstance(place[-1], int) and not _at(tree, place[:-1]):
                del _at(tree, place[:-2])[place[-2]]

    return change


def _setting(place: Keys, value: Json) -> Change:
    def change(tree: Json) -> None:
        _at(tree, place[:-1])[place[-1]] = deepcopy(value)

    return change


def _repeating(place: Keys, times: int) -> Change:
    def change(tree: Json) -> None:
        _at(tree, place[:-1]).extend(deepcopy(_at(tree, place)) for _ in range(times))

    return change


def _appending(place: Keys, value: Json) -> Change:
    def change(tree: Json) -> None:
        _at(tree, place[:-1]).setdefault(place[-1], []).append(deepcopy(value))

    return change


def _path(root: str, keys: Keys) -> str:
    return root + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
