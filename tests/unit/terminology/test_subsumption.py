"""Hierarchies of codes: https://hl7.org/fhir/R4/codesystem.html#hierarchy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.terminology import code_system, subsumption
from service.terminology.lookup import Unanswerable
from tests.unit.terminology.shelf import concept, system

TREE = system(
    concept("a", concept("b", concept("c")), concept("d")),
    concept("e", parent="d"),
    concept("f", child="b"),
    concept("g", subsumedBy="e"),
)
CODES = [f"n{number}" for number in range(7)]
LINKS = st.lists(st.tuples(st.sampled_from(CODES), st.sampled_from(CODES), st.sampled_from(["parent", "child", "subsumedBy"])), max_size=14)


def below(tree: object, code: str) -> list[str]:
    """The codes at and below `code`."""
    return sorted(one.code for one in subsumption.below(code_system.read(tree), code))


def above(tree: object, code: str) -> list[str]:
    """The codes at and above `code`."""
    return sorted(one.code for one in subsumption.above(code_system.read(tree), code))


def test_nested_concepts_and_stated_parents_and_children_make_one_hierarchy() -> None:
    assert below(TREE, "a") == ["a", "b", "c", "d", "e", "g"]
    assert below(TREE, "f") == ["b", "c", "f"]
    assert above(TREE, "c") == ["a", "b", "c", "f"]
    assert above(TREE, "g") == ["a", "d", "e", "g"]


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [("a", "g", "subsumes"), ("g", "a", "subsumed-by"), ("b", "b", "equivalent"), ("b", "d", "not-subsumed")],
)
def test_how_two_codes_relate(first: str, second: str, outcome: str) -> None:
    assert subsumption.subsumes(code_system.read(TREE), first, second) == outcome


def test_a_property_declared_to_be_the_parent_is_one_whatever_its_name() -> None:
    uri = "http://hl7.org/fhir/concept-properties#"
    tree = system(concept("x"), concept("y", within="x", parent="x"), concept("z", parent="x"))
    tree["property"] = [{"code": "within", "uri": f"{uri}parent"}, {"code": "parent", "uri": f"{uri}comment"}]
    assert below(tree, "x") == ["x", "y"]


def test_case_counts_only_where_the_system_says_so() -> None:
    tree = system(concept("Upper", concept("lower")), caseSensitive=False)
    assert below(tree, "UPPER") == ["Upper", "lower"]
    with pytest.raises(Unanswerable, match="no code 'UPPER'"):
        below({**tree, "caseSensitive": True}, "UPPER")


@pytest.mark.parametrize("meaning", ["part-of", "grouped-by"])
def test_what_is_only_grouped_subsumes_nothing(meaning: str) -> None:
    with pytest.raises(Unanswerable, match=meaning) as error:
        below({**TREE, "hierarchyMeaning": meaning}, "a")
    assert error.value.code == "not-supported"


def test_an_unknown_code_is_named_and_so_is_a_fragment() -> None:
    with pytest.raises(Unanswerable, match="has no code 'zz'"):
        above(TREE, "zz")
    with pytest.raises(Unanswerable, match="is a fragment here, without the code 'zz'"):
        above({**TREE, "content": "fragment"}, "zz")


def test_a_hierarchy_of_any_depth() -> None:
    tree = system(*(concept(f"n{number}", parent=f"n{number - 1}") for number in range(5000)))
    assert len(subsumption.below(code_system.read(tree), "n0")) == 5000


@given(LINKS)
def test_it_is_the_closure_of_the_links_circles_and_all(links: list[tuple[str, str, str]]) -> None:
    tree = system(*({"code": code, "property": [{"code": k, "valueCode": v} for c, v, k in links if c == code]} for code in CODES))
    pairs = {(code, code) for code in CODES} | {(value, code) if kind != "child" else (code, value) for code, value, kind in links}
    while len(grown := pairs | {(a, d) for a, b in pairs for c, d in pairs if b == c}) > len(pairs):
        pairs = grown
    read = code_system.read(tree)
    for code in CODES:
        assert {one.code for one in subsumption.below(read, code)} == {lower for higher, lower in pairs if higher == code}
        assert {one.code for one in subsumption.above(read, code)} == {higher for higher, lower in pairs if lower == code}
