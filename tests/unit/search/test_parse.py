"""Query text to AST and back, and what is refused: https://hl7.org/fhir/R4/search.html."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import BadRequest
from service.search.parse import Options, parse
from service.search.query import Chain, Clause, Include, Match, Missing, Number, Quantity, Sort, Target, Text, Token, Uri
from service.search.types.escapes import escaped, split, unescaped
from service.search.unparse import unparse
from tests.unit.search.registry import BASE, REGISTRY

OPTIONS = Options(max_count=100)

UNDERSTOOD: list[tuple[str, str, str, Clause]] = [
    ("Observation", "code", "8480-6", Match("code", (Token("8480-6"),))),
    ("Observation", "code", "http://l|x,|y,http://l|", Match("code", (Token("x", "http://l"), Token("y", ""), Token(None, "http://l")))),
    ("Observation", "code:not", "a\\,b\\|c", Match("code", (Token("a,b|c"),), "not")),
    ("Observation", "code:missing", "true", Missing("code", True)),
    ("Observation", "patient", "p1", Match("patient", (Target("p1", "Patient"),))),
    ("Observation", "subject", "p1", Match("subject", (Target("p1"),))),
    ("Observation", "subject:Group", "p1", Match("subject", (Target("p1", "Group"),), "Group")),
    ("Observation", "subject", "Patient/p1/_history/2", Match("subject", (Target("p1", "Patient", "2"),))),
    ("Observation", "subject", f"{BASE}/Patient/p1", Match("subject", (Target("p1", "Patient"),))),
    ("Observation", "subject", "http://x/fhir/Patient/p1", Match("subject", (Target(url="http://x/fhir/Patient/p1"),))),
    ("Observation", "subject:identifier", "s|v", Match("subject", (Token("v", "s"),), "identifier")),
    ("Patient", "name:exact", "Ann", Match("name", (Text("Ann"),), "exact")),
    ("Observation", "value-quantity", "ge5.40|http://u|mg", Match("value-quantity", (Quantity("ge", "5.40", "http://u", "mg"),))),
    ("Observation", "value-quantity", "5||mg", Match("value-quantity", (Quantity("eq", "5", None, "mg"),))),
    ("RiskAssessment", "probability", "ap1e-3", Match("probability", (Number("ap", "1e-3"),))),
    ("Observation", "_source", "urn:x", Match("_source", (Uri("urn:x"),))),
    ("Observation", "patient.identifier", "s|v", Chain("patient", (("Patient", Match("identifier", (Token("v", "s"),))),))),
    ("Observation", "subject:Patient.family", "a", Chain("subject", (("Patient", Match("family", (Text("a"),))),), "Patient")),
]


@pytest.mark.parametrize(("type", "name", "text", "clause"), UNDERSTOOD)
def test_a_parameter_is_understood_and_printed_back(type: str, name: str, text: str, clause: Clause) -> None:
    query = parse(REGISTRY, type, [(name, text)], OPTIONS)
    assert query.where == (clause,)
    assert parse(REGISTRY, type, unparse(REGISTRY, query), OPTIONS) == query


def test_a_chain_without_type_goes_to_every_type_that_has_the_parameter() -> None:
    (clause,) = parse(REGISTRY, "Observation", [("subject.name", "x")], OPTIONS).where
    assert isinstance(clause, Chain)
    assert [type for type, _ in clause.targets] == ["Location", "Patient"]


def test_result_parameters_are_read_once_and_printed_back() -> None:
    pairs = [
        ("_sort", "-date,_id"),
        ("_include", "Observation:subject:Patient"),
        ("_revinclude", "Provenance:target"),
        ("_count", "1000"),
        ("_total", "accurate"),
        ("_summary", "data"),
        ("_elements", "resourceType,status,value"),
    ]
    query = parse(REGISTRY, "Observation", pairs, OPTIONS)
    assert query.sort == (Sort("date", True), Sort("_id"))
    assert query.includes == (Include("Observation", "subject", "Patient"), Include("Provenance", "target", None, True))
    assert (query.count, query.total, query.summary, query.elements) == (100, "accurate", "data", ("resourceType", "status", "value"))
    assert unparse(REGISTRY, query) == [("_count", "100") if name == "_count" else (name, text) for name, text in pairs]


REFUSED = [
    ("patinet", "1", "invalid", "patient"),
    ("date", "xx2026", "invalid", "eq, ne, gt"),
    ("date", "2026-13", "invalid", "2026-03"),
    ("date", "yesterday", "invalid", "prefix"),
    ("date", "", "invalid", "no value"),
    ("code:in", "http://v", "not-supported", ":not"),
    ("code:exact", "x", "invalid", ":missing"),
    ("code:missing", "maybe", "invalid", "true or false"),
    ("code", "a|b|c", "invalid", "\\|"),
    ("code", "|", "invalid", "system|code"),
    ("subject", "Foo/1", "invalid", "Foo"),
    ("encounter", "Patient/1", "invalid", "Encounter"),
    ("subject:Encounter", "1", "invalid", ":Patient"),
    ("subject:Group", "Patient/1", "invalid", "Group"),
    ("subject", "a b", "invalid", "Type/id"),
    ("value-quantity", "5|mg", "invalid", "number||unit"),
    ("value-quantity", "abc", "invalid", "prefix"),
    ("value-quantity", "1" * 100, "invalid", "no number"),
    ("code-value-quantity", "a$5", "not-supported", "composite"),
    ("patient.foo", "1", "invalid", "foo"),
    ("patient.birthdate", "zz", "invalid", "prefix"),
    ("code.foo", "1", "invalid", "no reference"),
    ("subject:Foo.name", "1", "invalid", "Patient"),
    ("_has:Provenance:target:agent", "1", "not-supported", "reverse"),
    ("_text", "x", "not-supported", "full-text"),
    ("_filter", "x", "not-supported", "combine"),
    ("_sort", "nothing", "invalid", "date"),
    ("_count", "-1", "invalid", "whole number"),
    ("_count", "1e3", "invalid", "whole number"),
    ("_total", "all", "invalid", "accurate"),
    ("_summary", "yes", "invalid", "count"),
    ("_elements", "nothing", "invalid", "status"),
    ("_include", "Patient:organization", "invalid", "Observation"),
    ("_include", "Observation", "invalid", "Type:parameter"),
    ("_include", "Observation:nothing", "invalid", "subject"),
    ("_include:iterate", "Observation:subject", "not-supported", "iterate"),
    ("_revinclude", "Provenance:target:Patient", "invalid", "Observation"),
    ("code", "a\x00b", "invalid", "NUL"),
    ("code", ",".join(["a"] * 301), "too-costly", "300"),
]


@pytest.mark.parametrize(("name", "text", "code", "says"), REFUSED)
def test_what_is_not_understood_is_refused_with_what_would_be(name: str, text: str, code: str, says: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse(REGISTRY, "Observation", [(name, text)], OPTIONS)
    (issue,) = caught.value.issues
    assert issue.code == code
    assert says in issue.diagnostics


@pytest.mark.parametrize(("name", "text", "code", "says"), REFUSED)
def test_a_lenient_search_leaves_it_out_and_says_so(name: str, text: str, code: str, says: str) -> None:
    query = parse(REGISTRY, "Observation", [(name, text), ("status", "final")], Options(lenient=True))
    assert unparse(REGISTRY, query) == [("status", "final")]
    assert [(issue.severity, issue.code) for issue in query.ignored] == [("warning", code)]


def test_a_search_needs_a_type() -> None:
    with pytest.raises(BadRequest, match="across types"):
        parse(REGISTRY, None, [], OPTIONS)


def test_a_search_has_a_bounded_number_of_conditions() -> None:
    with pytest.raises(BadRequest, match="60"):
        parse(REGISTRY, "Observation", [("status", "final")] * 61, OPTIONS)


def test_chains_have_a_bounded_length() -> None:
    with pytest.raises(BadRequest):
        parse(REGISTRY, "Encounter", [("part-of.part-of.part-of.part-of.status", "finished")], OPTIONS)
    assert parse(REGISTRY, "Encounter", [("part-of.part-of.status", "finished")], OPTIONS).where


@given(st.lists(st.text(alphabet="ab,|$\\ é", min_size=0), min_size=1))
def test_escapes_can_be_undone(parts: list[str]) -> None:
    assert [unescaped(one) for one in split(",".join(map(escaped, parts)), ",")] == parts


@given(st.text(alphabet="ab,|$\\:.é/#1-", min_size=1), st.text(alphabet="ab,|$\\:.é/#1-"))
def test_any_token_is_printed_back(code: str, system: str) -> None:
    pairs = [("code", f"{escaped(system)}|{escaped(code)}"), ("code", escaped(code))]
    query = parse(REGISTRY, "Observation", pairs, OPTIONS)
    assert query.where == (Match("code", (Token(code, system),)), Match("code", (Token(code),)))
    assert parse(REGISTRY, "Observation", unparse(REGISTRY, query), OPTIONS) == query


NAMES = [name for name in REGISTRY.for_type("Observation") if name != "_id"]


@given(
    st.sampled_from(NAMES),
    st.sampled_from(["", ":missing", ":not", ":exact", ":contains", ":identifier", ":Patient", ":x"]),
    st.text(max_size=12),
)
def test_whatever_is_asked_is_understood_and_printed_back_or_refused(name: str, modifier: str, text: str) -> None:
    try:
        query = parse(REGISTRY, "Observation", [(name + modifier, text)], OPTIONS)
    except BadRequest:
        return
    assert parse(REGISTRY, "Observation", unparse(REGISTRY, query), OPTIONS) == query
