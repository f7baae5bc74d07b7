"""What a value set has: https://hl7.org/fhir/R4/valueset.html#compositions."""

from typing import Any

import pytest
from hypothesis import given

from service.terminology import expansion
from service.terminology.code_system import CodeSystem
from service.terminology.expansion import Limits
from service.terminology.lookup import Unanswerable
from tests.unit.terminology.composed import OTHER, SHELVES, UNIVERSE
from tests.unit.terminology.shelf import SETS, SYSTEM, Shelf, codes, concept, system, value_set, where

LETTERS = system(concept("a", concept("b"), concept("c")), concept("d", kind="x"), concept("e", inactive="true"))


def expanded(shelf: Shelf, name: str, **limits: int) -> list[str]:
    """The codes of `SETS/name`, those of other systems with a star."""
    found = expansion.expanded(shelf, f"{SETS}/{name}", Limits(**limits)).members
    return sorted(code if of == SYSTEM else f"{code}*" for of, code in found)


def of(*resources: Any) -> Shelf:
    """The letters, and what else is needed."""
    return Shelf([LETTERS, *resources])


def named(*names: str, **members: Any) -> Any:
    """An include of value sets."""
    return {"valueSet": [f"{SETS}/{name}" for name in names], **members}


BASE = [
    value_set("abc", where("concept", "is-a", "a")),
    value_set("cd", codes("c", "d")),
    value_set("mixed", codes("a", "d"), codes("a", "z", of=OTHER)),
]


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (value_set("v", {"system": SYSTEM}), ["a", "b", "c", "d", "e"]),
        (value_set("v", codes("a"), codes("z", of=OTHER)), ["a", "z*"]),
        (value_set("v", named("abc"), named("cd")), ["a", "b", "c", "d"]),
        (value_set("v", named("abc", "cd")), ["c"]),
        (value_set("v", named("mixed", system=SYSTEM)), ["a", "d"]),
        (value_set("v", named("mixed", system=OTHER)), ["a*", "z*"]),
        (value_set("v", named("mixed", **codes("d", "e"))), ["d"]),
        (value_set("v", named("mixed", **where("concept", "is-a", "a"))), ["a"]),
        (value_set("v", {"system": SYSTEM}, exclude=[named("cd")]), ["a", "b", "e"]),
        (value_set("v", named("mixed"), exclude=[{"system": OTHER}]), ["a", "d"]),
        (value_set("v", {"system": SYSTEM}, exclude=[codes("a"), where("kind", "=", "x")]), ["b", "c", "e"]),
        (value_set("v", {"system": SYSTEM}, inactive=False), ["a", "b", "c", "d"]),
        (value_set("v", codes("d", "e"), inactive=False), ["d"]),
        (value_set("v", codes("d", "e"), inactive=True), ["d", "e"]),
        (value_set("v", codes("d"), lockedDate="2026-03-14"), ["d"]),
    ],
)
def test_a_composition(made: Any, found: list[str]) -> None:
    assert expanded(of(*BASE, made), "v") == found


def test_members_say_what_is_known_of_them() -> None:
    made = value_set("v", {"system": SYSTEM, "concept": [{"code": "a", "display": "An A"}, {"code": "e"}, {"code": "unknown"}]})
    members = expansion.expanded(of(made), f"{SETS}/v").members
    assert [(one.display, one.inactive) for one in members.values()] == [("An A", False), ("The e", True), (None, False)]


def test_without_details_a_code_system_is_left_alone_where_codes_are_listed() -> None:
    made = value_set("v", codes("a", "e"))
    shelf = Untouched([made])
    members = expansion.expanded(shelf, f"{SETS}/v", Limits(details=False)).members
    assert [(one.code, one.display) for one in members.values()] == [("a", None), ("e", None)]
    with pytest.raises(AssertionError):
        expansion.expanded(shelf, f"{SETS}/v")


class Untouched(Shelf):
    """A shelf whose code systems nobody may ask for."""

    def code_system(self, url: str, version: str | None) -> CodeSystem | None:
        raise AssertionError(url, version)


def test_a_contained_value_set() -> None:
    inner = {**value_set("inner", codes("b")), "id": "i"}
    assert expanded(of({**value_set("v", {"valueSet": ["#i"]}), "contained": [inner]}), "v") == ["b"]
    with pytest.raises(Unanswerable, match="not contained"):
        expanded(of(value_set("v", {"valueSet": ["#i"]})), "v")


def stored(*contains: Any, **members: Any) -> Any:
    """A ValueSet with an expansion alone."""
    return {"resourceType": "ValueSet", "url": f"{SETS}/v", "status": "active", "expansion": {"contains": list(contains), **members}}


def test_a_stored_expansion_when_there_is_no_compose() -> None:
    rows = [
        {"display": "group", "contains": [{"system": SYSTEM, "code": "a"}, {"system": OTHER, "code": "a"}]},
        {"system": SYSTEM, "code": "b", "abstract": True, "contains": [{"system": SYSTEM, "code": "c"}]},
    ]
    assert expanded(of(stored(*rows)), "v") == ["a", "a*", "c"]
    assert expanded(of({**value_set("v", codes("d")), "expansion": stored(*rows)["expansion"]}), "v") == ["d"]


@pytest.mark.parametrize(
    "members",
    [
        {"total": 9},
        {"offset": 1},
        {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/valueset-unclosed", "valueBoolean": True}]},
    ],
)
def test_a_part_of_an_expansion_is_no_expansion(members: Any) -> None:
    with pytest.raises(Unanswerable, match="only a part"):
        expanded(of(stored({"system": SYSTEM, "code": "a"}, **members)), "v")


def test_one_version_of_a_value_set_and_of_a_code_system() -> None:
    old = system(concept("old"), version="1")
    shelf = Shelf([old, {**LETTERS, "version": "2"}, {**value_set("v", {"system": SYSTEM, "version": "1"}), "version": "7"}])
    assert expanded(shelf, "v|7") == ["old"]
    with pytest.raises(Unanswerable, match=r"v\|8' is not stored"):
        expanded(shelf, "v|8")
    shelf.resources.append(value_set("w", {"system": SYSTEM, "version": "3"}))
    with pytest.raises(Unanswerable, match=r"s\|3' is not stored"):
        expanded(shelf, "w")


def test_a_fragment_is_used_and_named() -> None:
    shelf = Shelf([{**LETTERS, "content": "fragment"}, value_set("v", where("concept", "is-a", "a"))])
    found = expansion.expanded(shelf, f"{SETS}/v")
    assert (len(found.members), found.fragments) == (3, frozenset({SYSTEM}))


@pytest.mark.parametrize("content", ["not-present", "example"])
def test_a_code_system_without_usable_content_has_only_what_is_listed(content: str) -> None:
    letters = {**LETTERS, "content": content}
    assert expanded(Shelf([letters, value_set("v", codes("a"))]), "v") == ["a"]
    with pytest.raises(Unanswerable, match=content) as error:
        expanded(Shelf([letters, value_set("v", {"system": SYSTEM})]), "v")
    assert error.value.rule == "code-system-content"


@pytest.mark.parametrize(
    ("resources", "code", "text"),
    [
        ([], "not-found", "not stored"),
        ([value_set("v", named("gone"))], "not-found", "gone"),
        ([value_set("v", {"system": OTHER})], "not-found", OTHER),
        ([value_set("v", {})], "invalid", "neither a system nor a value set"),
        ([value_set("v", named("w")), value_set("w", named("v"))], "invalid", f"{SETS}/v > {SETS}/w > {SETS}/v"),
        ([value_set("v", named("v"))], "invalid", "circle"),
        ([{"resourceType": "ValueSet", "url": f"{SETS}/v", "status": "active"}], "not-found", "has no codes"),
        ([value_set("v", {"system": SYSTEM}, lockedDate="2020-01-01")], "not-supported", "lockedDate"),
    ],
)
def test_what_cannot_be_expanded(resources: list[Any], code: str, text: str) -> None:
    with pytest.raises(Unanswerable, match=text) as error:
        expanded(of(*resources), "v")
    assert error.value.code == code


def test_limits() -> None:
    nested = [value_set(f"v{number}", named(f"v{number + 1}")) for number in range(5)]
    shelf = of(*nested, value_set("v5", {"system": SYSTEM}))
    assert len(expanded(shelf, "v0", codes=5, depth=6)) == 5
    for limits in ({"codes": 4}, {"depth": 5}, {"on_the_way": 4}):
        with pytest.raises(Unanswerable) as error:
            expanded(shelf, "v0", **limits)
        assert error.value.code == "too-costly"


HIGHER = {"a": "", "b": "a", "c": "a", "d": "c", "e": ""}
"""The code that each code lies directly below."""


@given(SHELVES)
def test_it_is_what_each_code_alone_would_say(made: tuple[tuple[list[Any], list[Any]], ...]) -> None:
    sets = [value_set(f"v{number}", *include, exclude=exclude) for number, (include, exclude) in enumerate(made)]
    nested = (concept("a", concept("b"), concept("c", concept("d"))), concept("e"))
    shelf = Shelf([system(*nested), system(*nested, url=OTHER), *sets])
    for number in range(len(made)):
        members = expansion.expanded(shelf, f"{SETS}/v{number}").members
        assert set(members) == {pair for pair in UNIVERSE if _has(made, number, pair)}


def _has(made: Any, number: int, pair: tuple[str, str]) -> bool:
    """The definition, read for one code."""
    include, exclude = made[number]
    return any(_fits(made, part, pair) for part in include) and not any(_fits(made, part, pair) for part in exclude)


def _fits(made: Any, part: Any, pair: tuple[str, str]) -> bool:
    name, code = pair
    if not all(_has(made, int(url[-1]), pair) for url in part.get("valueSet", ())):
        return False
    if part.get("system", name) != name:
        return False
    if "concept" in part:
        return any(row["code"] == code for row in part["concept"])
    return all(_passes(row["op"], code, row["value"]) for row in part.get("filter", ()))


def _passes(op: str, code: str, value: str) -> bool:
    line = _line(code)
    if op in ("=", "in"):
        return code == value
    if op == "not-in":
        return code != value
    if op == "generalizes":
        return code in _line(value)
    return {"is-a": value in line, "descendent-of": value in line[1:], "is-not-a": value not in line}[op]


def _line(code: str) -> list[str]:
    """The code and all above it."""
    return [code, *_line(HIGHER[code])] if code else []
