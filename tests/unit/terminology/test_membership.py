"""Whether a code is in a value set, is not, or cannot be known: https://hl7.org/fhir/R4/terminologies.html."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service.terminology import expansion
from service.terminology.lookup import Unanswerable
from service.terminology.membership import IN, OUT, UNKNOWN, listed, membership, of_system, of_tree
from tests.unit.terminology.composed import OTHER, SHELVES, UNIVERSE
from tests.unit.terminology.shelf import SETS, SYSTEM, Shelf, codes, concept, system, value_set, where

NOWHERE = "https://nowhere.example/codes"
SNOMED, LOINC, UCUM = "http://snomed.info/sct", "http://loinc.org", "http://unitsofmeasure.org"
LETTERS = (concept("a", concept("b"), concept("c", concept("d"))), concept("e", inactive="true"))


def judged(made: Any, *others: Any, of: str | None = SYSTEM, asked: str = "abcdez") -> str:
    """What is said of each code: + in, - out, ? unknown."""
    shelf = Shelf([system(*LETTERS), *others, made])
    signs = {IN: "+", OUT: "-", UNKNOWN: "?"}
    return "".join(signs[membership(shelf, made["url"], of, code).answer] for code in asked)


@pytest.mark.parametrize(
    ("include", "said"),
    [
        (codes("a", "z"), "+----+"),
        ({"system": SYSTEM}, "+++++-"),
        (where("concept", "is-a", "c"), "--++--"),
        (where("concept", "is-a", "unknown"), "??????"),
        (codes("a", of=NOWHERE), "------"),
        ({"system": NOWHERE}, "------"),
        ({"valueSet": [f"{SETS}/nowhere"]}, "??????"),
        ({"valueSet": [f"{SETS}/v"]}, "??????"),
        ({"system": SYSTEM, "version": "9"}, "??????"),
        ({**codes("a"), "version": "9"}, "+-----"),
        ({**codes("a", "b"), "valueSet": [f"{SETS}/nowhere"]}, "??----"),
        ({"system": NOWHERE, "valueSet": [f"{SETS}/nowhere"]}, "------"),
        ({}, "??????"),
    ],
)
def test_an_include_alone(include: Any, said: str) -> None:
    assert judged(value_set("v", include)) == said


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (value_set("v", codes("a", "b"), exclude=[codes("b")]), "+-----"),
        (value_set("v", codes("a", "b"), exclude=[{"valueSet": [f"{SETS}/nowhere"]}]), "??----"),
        (value_set("v", {"system": SYSTEM}, exclude=[{"system": SYSTEM}]), "------"),
        (value_set("v", {"system": SYSTEM}, inactive=False), "++++--"),
        (value_set("v", codes("d", "e", "z"), inactive=False), "---+-+"),
        (value_set("v", {"system": SYSTEM}, lockedDate="2026-03-14"), "??????"),
        (value_set("v", codes("a"), lockedDate="2026-03-14"), "+-----"),
        (value_set("v", codes("a"), {"valueSet": [f"{SETS}/nowhere"]}), "+?????"),
    ],
)
def test_a_composition(made: Any, said: str) -> None:
    assert judged(made) == said


def test_what_is_not_stored_is_unknown_for_its_own_codes_only() -> None:
    made = value_set("v", codes("a"), {"system": NOWHERE, "filter": [{"property": "concept", "op": "is-a", "value": "x"}]})
    shelf = Shelf([system(*LETTERS), made])
    verdict = membership(shelf, f"{SETS}/v", NOWHERE, "x")
    assert verdict.answer is UNKNOWN
    assert verdict.reason == f"the code system {NOWHERE} is not stored here"
    assert membership(shelf, f"{SETS}/v", SYSTEM, "b").answer is OUT
    assert membership(shelf, f"{SETS}/v", OTHER, "x").answer is OUT


@pytest.mark.parametrize(("content", "said"), [("fragment", "+++++?"), ("example", "+++++?"), ("not-present", "??????")])
def test_a_part_of_a_code_system_knows_the_codes_that_it_holds(content: str, said: str) -> None:
    part = system(*LETTERS, content=content)
    shelf = Shelf([part, value_set("v", {"system": SYSTEM}), value_set("c", where("concept", "is-a", "c"))])
    signs = {IN: "+", OUT: "-", UNKNOWN: "?"}
    assert "".join(signs[membership(shelf, f"{SETS}/v", SYSTEM, code).answer] for code in "abcdez") == said
    assert membership(shelf, f"{SETS}/c", SYSTEM, "d").answer is (UNKNOWN if content == "not-present" else IN)
    assert membership(shelf, f"{SETS}/c", SYSTEM, "b").answer is UNKNOWN, "what lies between may be missing"


def test_a_supplement_does_not_say_which_codes_there_are() -> None:
    extra = {**system(concept("z"), url=f"{SYSTEM}-names"), "content": "supplement", "supplements": SYSTEM}
    assert judged(value_set("v", {"system": SYSTEM}), extra) == "+++++-"


def test_a_code_without_its_system_is_looked_for_in_all_of_the_value_set() -> None:
    made = value_set("v", codes("a"), {"valueSet": [f"{SETS}/w"]})
    assert judged(made, value_set("w", codes("z", of=OTHER)), of=None) == "+----+"
    assert judged(made, value_set("w", {"system": OTHER}), of=None) == "+?????"
    assert judged(made, of=None) == "+?????"


def test_case_is_ignored_where_the_code_system_ignores_it() -> None:
    made = [value_set("whole", {"system": SYSTEM}), value_set("some", codes("A"))]
    for case_sensitive, answer in ((False, IN), (True, OUT)):
        shelf = Shelf([system(*LETTERS, caseSensitive=case_sensitive), *made])
        assert membership(shelf, f"{SETS}/whole", SYSTEM, "B").answer is answer
        assert membership(shelf, f"{SETS}/some", SYSTEM, "a").answer is answer
        assert (listed(shelf, f"{SETS}/some") is None) is not case_sensitive


def test_what_is_known_of_a_code_comes_with_it() -> None:
    named = {"system": SYSTEM, "concept": [{"code": "a", "display": "Alpha", "designation": [{"value": "Aleph"}]}, {"code": "e"}]}
    group = {**concept("g"), "property": [{"code": "notSelectable", "valueBoolean": True}]}
    shelf = Shelf([system(*LETTERS, group), value_set("v", named), value_set("w", {"system": SYSTEM})])
    alpha, e, g = (membership(shelf, f"{SETS}/{name}", SYSTEM, code) for name, code in (("v", "a"), ("v", "e"), ("w", "g")))
    assert (alpha.display, [row["value"] for row in alpha.designations], alpha.inactive) == ("Alpha", ["Aleph"], False)
    assert (e.display, e.inactive, e.abstract) == ("The e", True, False)
    assert (g.abstract, g.inactive) == (True, False)


EXPANSION = {
    "contains": [{"system": NOWHERE, "code": "x", "display": "The x", "inactive": True}, {"system": NOWHERE, "code": "g", "abstract": True}]
}


def test_a_stored_expansion_decides_what_the_definition_cannot() -> None:
    made = {**value_set("v", {"system": NOWHERE}, codes("a")), "expansion": EXPANSION}
    assert judged(made, of=NOWHERE, asked="xyg") == "+--"
    assert judged(made, asked="ab") == "+-"
    assert judged({**made, "expansion": {**EXPANSION, "total": 9}}, of=NOWHERE, asked="xyg") == "+??"
    assert judged({**made, "compose": None}, of=NOWHERE, asked="xyg") == "+--"
    assert expansion.expanded(Shelf([made]), f"{SETS}/v").members.keys() == {(NOWHERE, "x")}
    assert [
        one.code for one in expansion.expanded(Shelf([{**made, "compose": {"include": [codes("a")]}}]), f"{SETS}/v").members.values()
    ] == ["a"]


def test_a_contained_value_set_and_one_that_was_sent() -> None:
    inner = {**value_set("inner", codes("b")), "id": "i"}
    made = {**value_set("v", {"valueSet": ["#i"]}), "contained": [inner]}
    assert of_tree(Shelf(), made, SYSTEM, "b").answer is IN
    assert of_tree(Shelf(), value_set("v", {"valueSet": ["#i"]}), SYSTEM, "b").answer is UNKNOWN


@pytest.mark.parametrize(
    ("url", "of", "asked", "said"),
    [
        ("http://snomed.info/sct?fhir_vs", SNOMED, ["1"], "?"),
        ("http://snomed.info/sct?fhir_vs=isa/1", SNOMED, ["1"], "?"),
        ("http://snomed.info/sct?fhir_vs=isa/1", LOINC, ["1"], "-"),
        ("http://snomed.info/sct/900000000000207008/version/20260101?fhir_vs", SNOMED, ["1"], "?"),
        ("http://snomed.info/sct?fhir_vs=refset/1", LOINC, ["1"], "-"),
        ("http://loinc.org/vs", LOINC, ["1"], "?"),
        ("http://loinc.org/vs/LL1", LOINC, ["1"], "?"),
        ("http://loinc.org/vs/LL1", SNOMED, ["1"], "-"),
        ("http://snomed.info/sct?other", SNOMED, ["1"], "?"),
        (f"{SYSTEM}/all", SYSTEM, ["a", "z"], "+-"),
        (f"{SYSTEM}/all|1", SYSTEM, ["a", "z"], "+-"),
        (f"{SYSTEM}/all|2", SYSTEM, ["a", "z"], "??"),
    ],
)
def test_implicit_value_sets(url: str, of: str, asked: list[str], said: str) -> None:
    shelf = Shelf([system(*LETTERS, valueSet=f"{SYSTEM}/all", version="1")])
    signs = {IN: "+", OUT: "-", UNKNOWN: "?"}
    assert "".join(signs[membership(shelf, url, of, code).answer] for code in asked) == said


def test_implicit_value_sets_of_code_systems_that_are_stored() -> None:
    shelf = Shelf([system(*LETTERS, url=SNOMED, valueSet=None)])
    answers = {
        "http://snomed.info/sct?fhir_vs": "+++++-",
        "http://snomed.info/sct?fhir_vs=isa/c": "--++--",
        "http://snomed.info/sct?fhir_vs=refset/c": "??????",
        "http://snomed.info/sct?fhir_vs=ecl/%3C%20c": "??????",
    }
    signs = {IN: "+", OUT: "-", UNKNOWN: "?"}
    for url, said in answers.items():
        assert "".join(signs[membership(shelf, url, SNOMED, code).answer] for code in "abcdez") == said, url


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        (UCUM, "mg/kg/h", "mmHg"),
        ("urn:ietf:bcp:47", "de-CH", "de_CH"),
        ("urn:ietf:bcp:13", "application/pdf", "pdf"),
        ("urn:iso:std:iso:4217", "USD", "usd"),
        ("http://hl7.org/fhir/sid/ndc", "67457-001-10", "6745700110"),
    ],
)
def test_codes_that_are_decided_by_how_they_are_written(name: str, right: str, wrong: str) -> None:
    shelf = Shelf([value_set("v", {"system": name}), value_set("f", {**where("x", "=", "y", of=name)})])
    assert membership(shelf, f"{SETS}/v", name, right).answer is IN
    assert membership(shelf, f"{SETS}/v", name, wrong).answer is OUT
    assert of_system(shelf, name, right).answer is IN
    assert of_system(shelf, name, wrong).answer is OUT
    assert membership(shelf, f"{SETS}/f", name, right).answer is UNKNOWN
    assert listed(shelf, f"{SETS}/v") is None
    assert (membership(shelf, f"{SETS}/v", name, right).reason is None) is (name == UCUM)


def test_the_same_drug_package_written_otherwise() -> None:
    shelf = Shelf([value_set("v", codes("67457-001-10", of="http://hl7.org/fhir/sid/ndc"))])
    for code, answer in (("67457000110", IN), ("67457-0001-10", IN), ("67457-001-10", IN), ("67457-001-11", OUT)):
        assert membership(shelf, f"{SETS}/v", "http://hl7.org/fhir/sid/ndc", code).answer is answer


def test_of_a_code_system() -> None:
    shelf = Shelf([system(*LETTERS, version="1")])
    assert of_system(shelf, SYSTEM, "a").display == "The a"
    assert of_system(shelf, SYSTEM, "z").answer is OUT
    assert of_system(shelf, SYSTEM, "a", "2").answer is UNKNOWN
    assert of_system(shelf, NOWHERE, "a").answer is UNKNOWN


def test_a_value_set_is_compiled_once() -> None:
    shelf = Shelf([system(*LETTERS), value_set("v", {"system": SYSTEM})])
    assert membership(shelf, f"{SETS}/v", SYSTEM, "a").answer is IN
    shelf.resources.clear()
    assert membership(shelf, f"{SETS}/v", SYSTEM, "b").answer is IN


def test_value_sets_that_name_each_other_many_times_over_are_asked_once_each() -> None:
    asked: list[str] = []

    class Counting(Shelf):
        def code_system(self, url: str, version: str | None) -> Any:
            asked.append(url)
            return super().code_system(url, version)

    layers = [value_set(f"v{number}", *[{"valueSet": [f"{SETS}/v{number + 1}"]}] * 3) for number in range(18)]
    bottom = value_set("v18", codes("a"), inactive=False)
    shelf = Counting([system(*LETTERS), *layers, bottom])
    assert membership(shelf, f"{SETS}/v0", SYSTEM, "b").answer is OUT
    assert membership(shelf, f"{SETS}/v0", SYSTEM, "a").answer is IN
    assert len(asked) < 10


@pytest.mark.parametrize(
    "parts",
    [
        [{"valueSet": ["#i"]}] * 3000,
        [{"valueSet": [f"{SETS}/large"]}] * 3000,
        [{"valueSet": [f"{SETS}/large"] * 3000}],
        [{"system": OTHER, "filter": [{"property": "code", "op": "=", "value": "x"}] * 3000}],
        [where("code", "=", f"x{number}", of=OTHER) for number in range(3000)],
    ],
)
def test_what_would_take_too_long_is_not_begun(parts: list[Any]) -> None:
    many = [f"x{number}" for number in range(2000)]
    inner = {**value_set("inner", codes(*many)), "id": "i"}
    other = system(*({"code": code} for code in many), url=OTHER)
    shelf = Shelf([other, value_set("large", codes(*many))])
    tree = {**value_set("v", *parts), "contained": [inner]}
    with pytest.raises(Unanswerable, match="would have to be looked at") as error:
        expansion.of(shelf, tree)
    assert error.value.code == "too-costly"
    assert of_tree(shelf, tree, SYSTEM, "x1").answer in (IN, OUT, UNKNOWN)


CONTENT = st.sampled_from(["complete", "fragment", "example", "not-present", None])
HELD = st.sampled_from([LETTERS, LETTERS[1:], (concept("a", concept("c", concept("d"))),), (concept("a"), concept("d"))])


def stored(made: Any, held: Any, content: str | None, is_inactive_in: bool = True) -> Shelf:
    """The generated value sets, over one whole code system and another of which that much is stored."""
    compose = {} if is_inactive_in else {"inactive": False}
    sets = [value_set(f"v{number}", *include, exclude=exclude, **compose) for number, (include, exclude) in enumerate(made)]
    other = [] if content is None else [system(*held, url=OTHER, content=content)]
    return Shelf([system(*LETTERS), *other, *sets])


@given(SHELVES, HELD, CONTENT, st.booleans())
def test_a_code_is_in_the_expansion_exactly_when_it_is_in_the_value_set(made: Any, held: Any, content: str | None, inactive: bool) -> None:
    shelf = stored(made, held, content, inactive)
    answered = 0
    for number in range(len(made)):
        url = f"{SETS}/v{number}"
        try:
            members = expansion.expanded(shelf, url).members
        except Unanswerable:
            assert listed(shelf, url) is None
            continue
        answered += 1
        assert set(members) == {pair for pair in UNIVERSE if membership(shelf, url, *pair).answer is IN}
        pairs = listed(shelf, url)
        if pairs is not None:
            assert {pair for pair in UNIVERSE if membership(shelf, url, *pair).answer is not OUT} == pairs
    assume(answered)


@given(SHELVES, HELD, CONTENT)
def test_what_is_known_from_a_part_is_true_of_the_whole(made: Any, held: Any, content: str | None) -> None:
    partly = "fragment" if content == "complete" else content
    part, whole = stored(made, held, partly), stored(made, LETTERS, "complete")
    for number in range(len(made)):
        for pair in UNIVERSE:
            said, truth = (membership(shelf, f"{SETS}/v{number}", *pair).answer for shelf in (part, whole))
            assert said in (truth, UNKNOWN)
