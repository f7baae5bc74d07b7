"""`_filter`: the grammar, what each comparison means, and where it is refused. https://hl7.org/fhir/R4/search_filter.html."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import BadRequest
from service.search.filter_grammar import Comparison, Joined, Negated, Step, Tree, tree
from service.search.parse import Options, parse
from service.search.query import (
    All,
    Any,
    Chain,
    Clause,
    Composite,
    Filter,
    Has,
    Match,
    Missing,
    Moment,
    Not,
    Number,
    Quantity,
    Target,
    Text,
    Token,
    Uri,
    Value,
)
from service.search.unparse import unparse
from tests.unit.search.registry import REGISTRY

OPTIONS = Options()


def meaning(type: str, text: str) -> Clause:
    query = parse(REGISTRY, type, [("_filter", text)], OPTIONS)
    (clause,) = query.where
    assert isinstance(clause, Filter)
    assert parse(REGISTRY, type, unparse(REGISTRY, query), OPTIONS) == query
    return clause.clause


def match(parameter: str, value: Value, modifier: str | None = None) -> Match:
    return Match(parameter, (value,), modifier)


LOINC = Token("85354-9", "http://loinc.org")

MEANT: list[tuple[str, str, Clause]] = [
    ("Patient", 'family eq "Example"', match("family", Text("Example"), "whole")),
    ("Patient", "family ne X", All((Missing("family", False), Not(match("family", Text("X"), "whole"))))),
    ("Patient", 'name co "a, b|$"', match("name", Text("a, b|$"), "contains")),
    ("Patient", "name sw pet", match("name", Text("pet"))),
    ("Patient", "name ew ple", match("name", Text("ple"), "ends-with")),
    ("Patient", "family ge m", match("family", Text("m"), "ge")),
    ("Patient", "birthdate pr false", Missing("birthdate", True)),
    ("Patient", "birthdate pr true", Missing("birthdate", False)),
    ("Patient", 'name eq "\\u00e9 \\"x\\" \\\\"', match("name", Text('é "x" \\'), "whole")),
    ("RiskAssessment", "probability gt 0.5", match("probability", Number("gt", "0.5"))),
    ("RiskAssessment", "probability ne 1e-1", match("probability", Number("ne", "1e-1"))),
    ("Observation", "code eq http://loinc.org|85354-9", match("code", LOINC)),
    ("Observation", "code eq loinc|85354-9", match("code", LOINC)),
    ("Observation", 'code eq "loinc|85354-9"', match("code", LOINC)),
    ("Observation", "code ne loinc|85354-9", All((Missing("code", False), Not(match("code", LOINC))))),
    ("Observation", "code ss loinc|85354-9", match("code", LOINC, "below")),
    ("Observation", "code sb loinc|85354-9", match("code", LOINC, "above")),
    ("Observation", "code in http://x/vs|2", match("code", Uri("http://x/vs|2"), "in")),
    ("Observation", "code ni ValueSet/v", match("code", Uri("ValueSet/v"), "not-in")),
    ("Observation", "subject re Patient/p1", match("subject", Target("p1", "Patient"))),
    ("Observation", "value-quantity ge 5.4|ucum|mg", match("value-quantity", Quantity("ge", "5.4", "http://unitsofmeasure.org", "mg"))),
    ("Observation", "value-quantity eq 5", match("value-quantity", Quantity("eq", "5"))),
    ("Observation", "_id eq a", match("_id", Token("a"))),
    ("Observation", "_source eq urn:x", match("_source", Uri("urn:x"))),
    (
        "Observation",
        "subject.name eq x or status eq final",
        Any((meaning("Observation", "subject.name eq x"), match("status", Token("final")))),
    ),
    ("Observation", "encounter.status eq finished", Chain("encounter", (("Encounter", match("status", Token("finished"))),))),
    (
        "Observation",
        "subject:Patient[active eq true].family sw a",
        Chain("subject", (("Patient", All((match("active", Token("true")), match("family", Text("a"))))),), "Patient"),
    ),
    ("Patient", "_has:Flag:patient:status eq active", Has("Flag", "patient", match("status", Token("active")))),
    (
        "Observation",
        "patient._has:Encounter:patient:_has:Flag:encounter:status eq active",
        Chain("patient", (("Patient", Has("Encounter", "patient", Has("Flag", "encounter", match("status", Token("active"))))),)),
    ),
    (
        "DocumentReference",
        "relatesTo[code eq replaces].target re DocumentReference/d",
        match("relationship", Composite((Target("d", "DocumentReference"), Token("replaces")))),
    ),
    ("Group", "characteristic[code eq s|c].value eq v", match("characteristic-value", Composite((Token("c", "s"), Token("v"))))),
    ("MedicationAdministration", "lot eq A", Chain("medication", (("Medication", match("lot-number", Token("A"))),))),
]


@pytest.mark.parametrize(("type", "text", "clause"), MEANT)
def test_a_comparison_is_what_a_parameter_could_say(type: str, text: str, clause: Clause) -> None:
    assert meaning(type, text) == clause


@pytest.mark.parametrize("operator", ["eq", "ne", "gt", "lt", "ge", "le", "ap", "sa", "eb", "po", "co"])
def test_dates_take_every_operator_of_intervals(operator: str) -> None:
    clause = meaning("Observation", f"date {operator} 2026-03-14T10:00:00+02:00")
    assert isinstance(clause, Match)
    (value,) = clause.values
    assert isinstance(value, Moment)
    assert (value.prefix, value.text) == (operator, "2026-03-14T10:00:00+02:00")


def status(code: str) -> Match:
    return match("status", Token(code))


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("status eq a and status eq b and status eq c", All((status("a"), status("b"), status("c")))),
        ("status eq a or status eq b and status eq c", All((Any((status("a"), status("b"))), status("c")))),
        ("status eq a and status eq b or status eq c", Any((All((status("a"), status("b"))), status("c")))),
        ("status eq a or (status eq b and status eq c)", Any((status("a"), All((status("b"), status("c")))))),
        ("not (status eq a) and status eq b", All((Not(status("a")), status("b")))),
        ("not(status eq a or status eq b)", Not(Any((status("a"), status("b"))))),
        ("((status eq a))", status("a")),
        ("  ( status  eq\ta )and( status eq b )  ", All((status("a"), status("b")))),
    ],
)
def test_connectives_are_read_from_left_to_right(text: str, clause: Clause) -> None:
    assert meaning("Observation", text) == clause


REFUSED = [
    (" ", "invalid", "column 2: the name of a parameter"),
    ("(", "invalid", "column 2: the name of a parameter"),
    ("status", "invalid", "column 7: one of the operators eq ne"),
    ("status eq", "invalid", "column 8: one of the operators"),
    ("status eq )", "invalid", "column 11: a value"),
    ("status eq a b", "invalid", "column 13: 'and', 'or' or the end is expected, not 'b'"),
    ("status eq a)", "invalid", "column 12: 'and', 'or' or the end"),
    ("(status eq a", "invalid", "column 13: ')'"),
    ("not status eq a", "invalid", "column 5: '('"),
    ('status eq "a', "invalid", "column 11: a value"),
    ('status eq "a"b', "invalid", "column 14: a blank"),
    ('status eq "\\q"', "invalid", "column 11: a JSON string"),
    ("status[code eq a] eq b", "invalid", "column 19: '.' and the name"),
    ("subject[active eq true.name eq b", "invalid", "column 29: ']'"),
    ("status and eq a", "invalid", "column 8: one of the operators"),
    ("status co a", "invalid", "column 1: 'co' cannot be asked of 'status', which is a token. It takes: eq, ne, ss, sb, in, ni, pr"),
    ("subject eq a", "invalid", "It takes: re, pr"),
    ("date sw 2026", "invalid", "It takes: eq, ne, gt, lt, ge, le, ap, sa, eb, co, po, pr"),
    ("status eq a and (date ge x)", "invalid", "column 18"),
    ("date ge ge2026", "invalid", "'ge2026' is not a date"),
    ("date eq foo", "invalid", "'foo' is not a date"),
    ("status eq a and", "invalid", "column 16: the name of a parameter"),
    ("subject:Patient[nothing eq a].name eq b", "invalid", "'_filter', column 17: Patient has no"),
    ("status pr maybe", "invalid", "'pr' takes true or false"),
    ("nothing eq a", "invalid", "column 1: Observation has no search parameter 'nothing'"),
    ("_text co a", "not-supported", "'_text'"),
    ("encounter.nothing eq a", "invalid", "Encounter has no search parameter 'nothing'"),
    ("status.code eq a", "invalid", "no reference"),
    ("_has:Provenance:agent:recorded eq 2026", "invalid", "These do: entity, target"),
    ("subject.name gt " + "a" * 101, "invalid", "can be searched"),
    ("status eq " + "a" * 4000, "too-costly", "4000 characters"),
    ("(" * 21 + "status eq a" + ")" * 21, "too-costly", "20 deep"),
    (" and ".join(["status eq a"] * 61), "too-costly", "60 comparisons"),
    ("focus." * 11 + "status eq a", "too-costly", "10 references"),
]


@pytest.mark.parametrize(("text", "code", "says"), REFUSED)
def test_what_cannot_be_read_is_refused_with_its_column(text: str, code: str, says: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse(REGISTRY, "Observation", [("_filter", text)], OPTIONS)
    (issue,) = caught.value.issues
    assert (issue.code, issue.expression) == (code, "http._filter")
    assert says in issue.diagnostics
    assert issue.diagnostics.count("_filter', column") <= 1


@pytest.mark.parametrize(
    "text",
    [
        "relatesTo[code eq a].code eq b",
        "relatesTo[code eq a and code eq b].target re x",
        "relatesTo[code co a].target re DocumentReference/d",
    ],
)
def test_the_parts_of_one_element_are_asked_together(text: str) -> None:
    with pytest.raises(BadRequest, match="is asked with code and target"):
        parse(REGISTRY, "DocumentReference", [("_filter", text)], OPTIONS)


def test_several_filters_must_all_hold() -> None:
    query = parse(REGISTRY, "Observation", [("_filter", "status eq a"), ("_filter", "status eq b")], OPTIONS)
    assert query.where == (Filter("status eq a", status("a")), Filter("status eq b", status("b")))


NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,8}", fullmatch=True).filter(lambda name: not name.startswith("_has"))
VALUES = st.text(min_size=1, max_size=8).filter(lambda text: not any("\ud800" <= one <= "\udfff" for one in text))


def printed(found: Tree) -> str:
    """The expression of a tree, with the parentheses that it needs."""
    if isinstance(found, Negated):
        return f"not ({printed(found.part)})"
    if isinstance(found, Joined):
        first, *rest = found.parts
        parts = [printed(first), *(f"({printed(part)})" if isinstance(part, Joined) else printed(part) for part in rest)]
        if isinstance(first, Joined) and first.connective == found.connective:
            parts[0] = f"({parts[0]})"
        return f" {found.connective} ".join(parts)
    path = ".".join(map(step, found.path))
    return f"{path} {found.operator} {json.dumps(found.value)}"


def step(one: Step) -> str:
    has = "".join(f"_has:{type}:{reference}:" for type, reference in one.has)
    return f"{has}{one.code}{':' + one.type if one.type else ''}{f'[{printed(one.condition)}]' if one.condition else ''}"


def steps(below: st.SearchStrategy[Tree] | None) -> st.SearchStrategy[Step]:
    has = st.lists(st.tuples(st.sampled_from(["Patient", "Flag"]), NAMES), max_size=2).map(tuple)
    type = st.none() | st.sampled_from(["Patient", "Group"])
    return st.builds(Step, NAMES, has, type, st.none() if below is None else st.none() | below)


def comparisons(below: st.SearchStrategy[Tree] | None = None) -> st.SearchStrategy[Comparison]:
    path = st.tuples(st.lists(steps(below), max_size=2), steps(None)).map(lambda parts: (*parts[0], parts[1]))
    return st.builds(Comparison, path, st.sampled_from(["eq", "co", "pr"]), VALUES, st.just(0))


def larger(below: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    parts = st.lists(below, min_size=2, max_size=3).map(tuple)
    return st.builds(Negated, below) | st.builds(Joined, st.sampled_from(["and", "or"]), parts) | comparisons(below)


TREES = st.recursive(comparisons(), larger, max_leaves=12)


def unplaced(found: Tree) -> Tree:
    """The tree without the columns."""
    if isinstance(found, Negated):
        return Negated(unplaced(found.part))
    if isinstance(found, Joined):
        return Joined(found.connective, tuple(map(unplaced, found.parts)))
    path = tuple(Step(one.code, one.has, one.type, None if one.condition is None else unplaced(one.condition)) for one in found.path)
    return Comparison(path, found.operator, found.value, 0)


@given(TREES)
def test_a_printed_filter_is_read_back(found: Tree) -> None:
    assert unplaced(tree(printed(found))) == found


@given(st.text(alphabet='abn ot()[].:"\\eq_has', max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(BadRequest):
        assert tree(printed(tree(text)))
