"""Query text to AST and back, and what is refused: https://hl7.org/fhir/R4/search.html."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import BadRequest
from service.search.parse import Options, parse
from service.search.query import (
    Across,
    Any,
    Chain,
    Clause,
    Compartment,
    Composite,
    Filter,
    Has,
    Include,
    InList,
    Match,
    Missing,
    Number,
    OfType,
    Quantity,
    Query,
    Sort,
    Target,
    Text,
    Token,
    Uri,
)
from service.search.types import modifiers
from service.search.types.escapes import escaped, split, unescaped
from service.search.unparse import unparse
from tests.unit.search.registry import BASE, REGISTRY

OPTIONS = Options(max_count=100)

UNDERSTOOD: list[tuple[str, str, str, Clause]] = [
    ("Observation", "code", "8480-6", Match("code", (Token("8480-6"),))),
    ("Observation", "code", "http://l|x,|y,http://l|", Match("code", (Token("x", "http://l"), Token("y", ""), Token(None, "http://l")))),
    ("Observation", "code:not", "a\\,b\\|c", Match("code", (Token("a,b|c"),), "not")),
    ("Observation", "code:missing", "true", Missing("code", True)),
    ("Observation", "_id:not", "a,b", Match("_id", (Token("a"), Token("b")), "not")),
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
    (
        "Observation",
        "code-value-quantity",
        "http://l|a$ge5|http://u|mg,b\\$c$5",
        Match(
            "code-value-quantity",
            (
                Composite((Token("a", "http://l"), Quantity("ge", "5", "http://u", "mg"))),
                Composite((Token("b$c"), Quantity("eq", "5"))),
            ),
        ),
    ),
    ("Observation", "code:in", "http://v|1,ValueSet/v", Match("code", (Uri("http://v|1"), Uri("ValueSet/v")), "in")),
    ("Observation", "code:below", "s|c", Match("code", (Token("c", "s"),), "below")),
    ("Observation", "code:text", "head\\, ache", Match("code", (Text("head, ache"),), "text")),
    ("Patient", "identifier:of-type", "s|MR|1\\|2", Match("identifier", (OfType("s", "MR", "1|2"),), "of-type")),
    ("Encounter", "part-of:below", "Encounter/e", Match("part-of", (Target("e", "Encounter"),), "below")),
    ("RiskAssessment", "probability", "ap1e-3", Match("probability", (Number("ap", "1e-3"),))),
    ("Observation", "_source", "urn:x", Match("_source", (Uri("urn:x"),))),
    ("Observation", "patient.identifier", "s|v", Chain("patient", (("Patient", Match("identifier", (Token("v", "s"),))),))),
    ("Observation", "subject:Patient.family", "a", Chain("subject", (("Patient", Match("family", (Text("a"),))),), "Patient")),
    ("Observation", "patient.birthdate:missing", "true", Chain("patient", (("Patient", Missing("birthdate", True)),))),
    ("Patient", "_has:Observation:patient:code", "x", Has("Observation", "patient", Match("code", (Token("x"),)))),
    (
        "Patient",
        "_has:Observation:patient:encounter:Encounter.status:not",
        "finished",
        Has("Observation", "patient", Chain("encounter", (("Encounter", Match("status", (Token("finished"),), "not")),), "Encounter")),
    ),
    (
        "Patient",
        "_has:Encounter:patient:_has:Observation:encounter:code",
        "x",
        Has("Encounter", "patient", Has("Observation", "encounter", Match("code", (Token("x"),)))),
    ),
    (
        "Encounter",
        "subject:Patient._has:Flag:patient:status",
        "active",
        Chain("subject", (("Patient", Has("Flag", "patient", Match("status", (Token("active"),)))),), "Patient"),
    ),
    ("Patient", "_list", "l1", InList("l1")),
    ("Patient", "_list", f"List/l1,{BASE}/List/l2", Any((InList("l1"), InList("l2")))),
    ("Observation", "patient._list", "l1", Chain("patient", (("Patient", InList("l1")),))),
    ("Observation", "_filter", "status  eq final", Filter("status  eq final", Match("status", (Token("final"),)))),
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


def test_includes_may_iterate_and_take_everything() -> None:
    pairs = [
        ("_include", "*"),
        ("_include", "Observation:*"),
        ("_include", "Observation:*:Patient"),
        ("_include:iterate", "Patient:organization"),
        ("_revinclude", "*"),
        ("_revinclude:iterate", "Provenance:target:Patient"),
    ]
    query = parse(REGISTRY, "Observation", pairs, OPTIONS)
    assert query.includes == (
        Include("*", "*"),
        Include("Observation", "*"),
        Include("Observation", "*", "Patient"),
        Include("Patient", "organization", iterate=True),
        Include("*", "*", reverse=True),
        Include("Provenance", "target", "Patient", reverse=True, iterate=True),
    )
    assert unparse(REGISTRY, query) == pairs


def test_a_search_across_types_is_a_query_for_each() -> None:
    pairs = [("_type", "Encounter,Observation"), ("patient", "p1"), ("_sort", "-date"), ("_count", "5"), ("_include", "Encounter:subject")]
    asked = parse(REGISTRY, None, pairs, OPTIONS)
    shared = {"sort": (Sort("date", True),), "count": 5, "asked_count": 5, "includes": (Include("Encounter", "subject"),)}
    where = (Match("patient", (Target("p1", "Patient"),)),)
    assert asked == Across((Query("Encounter", where, **shared), Query("Observation", where, **shared)), ("Encounter", "Observation"))
    assert parse(REGISTRY, None, unparse(REGISTRY, asked), OPTIONS) == asked


def test_a_search_across_types_without_type_asks_all_that_are_served() -> None:
    asked = parse(REGISTRY, None, [("_lastUpdated", "gt2026")], OPTIONS)
    assert {query.type for query in asked.queries} == set(REGISTRY.definitions.types) - {"AuditEvent"}
    assert asked.types == ()
    assert unparse(REGISTRY, asked) == [("_lastUpdated", "gt2026")]


def test_a_reference_is_printed_so_that_every_type_reads_it_as_it_did() -> None:
    for text in ("o1", "Organization/o1", "Patient/o1,Organization/o1"):
        asked = parse(REGISTRY, None, [("_type", "Patient,Consent"), ("organization", text)], Options(lenient=True))
        assert parse(REGISTRY, None, unparse(REGISTRY, asked), OPTIONS) == asked
    asked = parse(REGISTRY, None, [("_type", "Provenance,AuditEvent"), ("agent", "p1")], OPTIONS)
    assert parse(REGISTRY, None, unparse(REGISTRY, asked), OPTIONS) == asked


@pytest.mark.parametrize(
    ("pairs", "says"),
    [
        ([("_type", "Patient,Foo")], "Foo"),
        ([("_type", "Patient"), ("_type", "Observation")], "twice"),
        ([("_type", "Patient,Observation"), ("birthdate", "2026")], "Observation has no search parameter 'birthdate'"),
        ([("name", "x")], "AdverseEvent has no search parameter 'name'"),
        ([("_type", "Patient,Observation"), ("_sort", "birthdate")], "Observation cannot be sorted by 'birthdate'"),
        ([("_type", "MedicationAdministration"), ("_sort", "lot")], "by 'lot', which stands for 'medication.lot-number'"),
        ([("_type", "Patient,Observation"), ("_include", "Encounter:subject")], "the matches are Patient, Observation"),
        ([("_type", "Patient,Observation"), ("_elements", "nothing")], "Patient, Observation has no element"),
    ],
)
def test_what_one_of_several_types_does_not_know_is_refused(pairs: list[tuple[str, str]], says: str) -> None:
    with pytest.raises(BadRequest, match=says):
        parse(REGISTRY, None, pairs, OPTIONS)


def test_a_lenient_search_across_types_leaves_out_what_one_of_them_does_not_know() -> None:
    pairs = [("_type", "Patient,Observation"), ("birthdate", "2026"), ("_id", "x")]
    asked = parse(REGISTRY, None, pairs, Options(lenient=True))
    assert [query.where for query in asked.queries] == [(Match("_id", (Token("x"),)),)] * 2
    assert len(asked.first.ignored) == 1
    with pytest.raises(BadRequest):
        parse(REGISTRY, None, [("_type", "Foo")], Options(lenient=True))


def test_a_compartment_bounds_the_types() -> None:
    patient = Compartment("Patient", "p1")
    assert parse(REGISTRY, "Observation", [], OPTIONS, patient) == Query("Observation", compartment=patient)
    everything = parse(REGISTRY, None, [], OPTIONS, patient)
    assert {query.compartment for query in everything.queries} == {patient}
    types = {query.type for query in everything.queries}
    assert {"Patient", "Observation", "Encounter"} <= types
    assert not types & {"Medication", "Location"}
    some = parse(REGISTRY, None, [("_type", "Observation,Flag")], OPTIONS, patient)
    assert [query.type for query in some.queries] == ["Observation", "Flag"]
    for type, pairs in (("Medication", []), (None, [("_type", "Medication")])):
        with pytest.raises(BadRequest, match="Medication is no part of the Patient compartment"):
            parse(REGISTRY, type, pairs, OPTIONS, patient)


REFUSED = [
    ("patinet", "1", "invalid", "patient"),
    ("date", "xx2026", "invalid", "eq, ne, gt"),
    ("date", "2026-13", "invalid", "2026-03"),
    ("date", "yesterday", "invalid", "prefix"),
    ("date", "", "invalid", "no value"),
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
    ("code-value-quantity", "a", "invalid", "code$value-quantity"),
    ("code-value-quantity", "a$x", "invalid", "in its part 'value-quantity' (quantity)"),
    ("code-value-quantity:not", "a$5", "invalid", "It takes: :missing"),
    ("code:", "a", "invalid", "Something is missing"),
    ("subject.", "a", "invalid", "Something is missing"),
    ("identifier:of-type", "a|b", "invalid", "system|code|value"),
    ("status:of-type", "a|b|c", "not-supported", ":not"),
    ("patient.foo", "1", "invalid", "foo"),
    ("_has:DiagnosticReport:result:media.status", "1", "invalid", "'media' refers to no type that this server serves"),
    ("patient.birthdate", "zz", "invalid", "prefix"),
    ("code.foo", "1", "invalid", "no reference"),
    ("subject:Foo.name", "1", "invalid", "Patient"),
    ("_has:Provenance:target", "1", "invalid", "_has:Type:reference:parameter"),
    ("_has", "1", "invalid", "_has:Type:reference:parameter"),
    ("_has:Foo:target:agent", "1", "invalid", "Foo"),
    ("_has:Provenance:agent:recorded", "2026", "invalid", "These do: entity, target"),
    ("_has:Coverage:payor:status", "active", "invalid", "Nothing of Coverage does"),
    ("_has:Provenance:recorded:agent", "1", "invalid", "does not refer"),
    ("_has:Provenance:target:nothing", "1", "invalid", "Provenance has no search parameter 'nothing'"),
    ("_has:Provenance:target:recorded", "zz", "invalid", "prefix"),
    ("_list", "$current-problems", "not-supported", "functional"),
    ("_list", "a b", "invalid", "List/id"),
    ("_list", "Patient/1", "invalid", "List/id"),
    ("_list:missing", "true", "invalid", "no modifier"),
    ("_type", "Patient", "invalid", "below the base"),
    ("_text", "x", "not-supported", "full-text"),
    ("_content", "x", "not-supported", "full-text"),
    ("_contained", "both", "not-supported", "holds them"),
    ("_containedType", "container", "not-supported", "holds them"),
    ("_query", "x", "not-supported", "named"),
    ("_score", "x", "not-supported", "ranked"),
    ("_filter", "x", "invalid", "column 2: one of the operators"),
    ("_filter", "status eq", "invalid", "column 8: one of"),
    ("_sort", "nothing", "invalid", "date"),
    ("_count", "-1", "invalid", "whole number"),
    ("_count", "1e3", "invalid", "whole number"),
    ("_total", "all", "invalid", "accurate"),
    ("_summary", "yes", "invalid", "count"),
    ("_elements", "nothing", "invalid", "status"),
    ("_include", "Patient:organization", "invalid", "Observation"),
    ("_include", "Observation", "invalid", "Type:parameter"),
    ("_include", "Observation:nothing", "invalid", "subject"),
    ("_include:recurse", "Observation:subject", "not-supported", "_include:iterate"),
    ("_include:x", "Observation:subject", "not-supported", "no modifier"),
    ("_sort:x", "date", "not-supported", "no modifier"),
    ("_explain", "yes", "invalid", "true, false"),
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


def test_a_search_has_a_bounded_number_of_conditions() -> None:
    with pytest.raises(BadRequest, match="60"):
        parse(REGISTRY, "Observation", [("status", "final")] * 61, OPTIONS)


def test_chains_have_a_bounded_length() -> None:
    for step in ("part-of.", "_has:Encounter:part-of:"):
        assert parse(REGISTRY, "Encounter", [(step * 10 + "status", "finished")], OPTIONS).where
        with pytest.raises(BadRequest, match="at most 10 references"):
            parse(REGISTRY, "Encounter", [(step * 11 + "status", "finished")], OPTIONS)


def test_chains_spread_over_a_bounded_number_of_types() -> None:
    with pytest.raises(BadRequest, match="Name the types"):
        parse(REGISTRY, "Provenance", [("target.focus.focus.focus.status", "final")], OPTIONS)


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


TYPES = sorted(REGISTRY.definitions.types)
TEXTS = st.text(alphabet="ab,|$\\\\ é/", min_size=1, max_size=6)
IDS = st.from_regex(r"[A-Za-z0-9.-]{1,8}", fullmatch=True)
VALUES: dict[str, st.SearchStrategy[str]] = {
    "string": TEXTS.map(escaped),
    "token": st.one_of(
        TEXTS.map(escaped), st.tuples(TEXTS, TEXTS).map(lambda pair: "|".join(map(escaped, pair))), st.just("http://loinc.org|")
    ),
    "reference": IDS | st.just("Patient/p1") | st.just("http://elsewhere.example/Patient/1/_history/2") | st.just(f"{BASE}/Patient/p1"),
    "date": st.sampled_from(["2026", "ge2026-03", "sa2026-03-14T10:00:00.123Z", "ap2026-03-14T10:00+02:00"]),
    "number": st.sampled_from(["1", "ne1.50", "le-3e2"]),
    "quantity": st.sampled_from(["1", "ge1.5|http://unitsofmeasure.org|mg", "lt5||tablet"]),
    "uri": TEXTS.map(escaped) | st.just("http://a/b|1"),
}


@st.composite
def conditions(draw: st.DrawFn, type: str, deep: int = 2) -> tuple[str, str]:
    """A name and a value that `type` can be asked for, through chains and reverse chains."""
    parameter = draw(st.sampled_from(sorted(REGISTRY.for_type(type).values(), key=lambda one: one.code)))
    way = draw(st.sampled_from(["leaf", "chain", "has"])) if deep else "leaf"
    if way == "has" and (links := _links(type)):
        source, code = draw(st.sampled_from(links))
        name, text = draw(conditions(source, deep - 1))
        return f"_has:{source}:{code}:{name}", text
    targets = sorted((parameter.only or parameter.targets or set(TYPES)) & set(TYPES))
    if way == "chain" and parameter.kind == "reference" and targets:
        target = draw(st.sampled_from(targets))
        name, text = draw(conditions(target, deep - 1))
        return f"{parameter.code}{draw(st.sampled_from(['', ':' + target]))}.{name}", text
    modifier = draw(st.sampled_from(["", "missing", *sorted(modifiers(parameter))]))
    if modifier == "missing":
        return f"{parameter.code}:missing", draw(st.sampled_from(["true", "false"]))
    if parameter.kind == "composite":
        return parameter.code, "$".join(draw(VALUES[one.kind]) for one in parameter.components)
    return f"{parameter.code}{modifier and ':' + modifier}", ",".join(draw(st.lists(VALUES[parameter.kind], min_size=1, max_size=3)))


@cache
def _links(type: str) -> list[tuple[str, str]]:
    """The references of other types that may point to `type`."""
    found = [(source, parameter) for source in TYPES for parameter in REGISTRY.for_type(source).values() if parameter.kind == "reference"]
    return [(source, one.code) for source, one in found if not (one.only or one.targets) or type in (one.only or one.targets)]


@given(st.data())
def test_any_question_is_printed_back(data: st.DataObject) -> None:
    type = data.draw(st.sampled_from(TYPES))
    pairs = data.draw(st.lists(conditions(type), min_size=1, max_size=3))
    query = parse(REGISTRY, type, pairs, Options(lenient=True))
    assert parse(REGISTRY, type, unparse(REGISTRY, query), OPTIONS) == query


@given(st.lists(st.sampled_from(TYPES), min_size=1, max_size=4, unique=True), st.data())
def test_any_question_to_several_types_is_printed_back(types: list[str], data: st.DataObject) -> None:
    pairs = [("_type", ",".join(types)), *data.draw(st.lists(conditions(types[0]), min_size=1, max_size=3))]
    asked = parse(REGISTRY, None, pairs, Options(lenient=True))
    assert parse(REGISTRY, None, unparse(REGISTRY, asked), OPTIONS) == asked
