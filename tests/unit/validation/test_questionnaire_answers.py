"""Responses held to their questionnaires: each rule, when items are to be answered, and the clinic's own checklists."""

import json
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from service.fhir import library
from service.fhir.library import Library
from service.terminology.verdict import IN, OUT, Verdict, unknown
from service.validation.questionnaire.answers import Answers
from service.validation.questionnaire.enabling import Scope, enabled
from service.validation.questionnaire.form import questions
from service.validation.run import Run

FOLDER = Path(__file__).resolve().parents[3] / "fhir_profiles"
SYSTEM = "https://example.org/colours"
RED, BLUE = {"system": SYSTEM, "code": "red"}, {"system": SYSTEM, "code": "blue"}
VERDICTS = {"in": Verdict(IN), "out": Verdict(OUT), "unknown": unknown("no list")}


@cache
def shipped() -> Library:
    return library.load()


def judged(coded: Any, _value_set: str, _near: str, _run: Run) -> Verdict:
    return VERDICTS[coded["code"]]


def found(items: list[dict[str, Any]], given: list[dict[str, Any]], status: str = "completed") -> list[tuple[str, str]]:
    """(rule, place) of what is wrong with a response whose questionnaire is contained."""
    form = {"resourceType": "Questionnaire", "id": "form", "status": "active", "item": items}
    response = {"resourceType": "QuestionnaireResponse", "questionnaire": "#form", "contained": [form], "status": status, "item": given}
    run = Run(response, thorough=True)
    Answers(shipped(), judged).check(response, "QuestionnaireResponse", run)
    return [(issue.rule, str(issue.expression).removeprefix("QuestionnaireResponse").removeprefix(".")) for issue in run.issues]


def ask(link: str, type: str = "string", **more: Any) -> dict[str, Any]:
    return {"linkId": link, "type": type, **more}


def give(link: str, *values: Any, **more: Any) -> dict[str, Any]:
    """An item with answers; a value is a string, or (member, value)."""
    answers = [{"valueString": one} if isinstance(one, str) else {f"value{one[0]}": one[1]} for one in values]
    return {"linkId": link, **({"answer": answers} if answers else {}), **more}


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("boolean", ("Boolean", True)),
        ("decimal", ("Decimal", Decimal("1.5"))),
        ("integer", ("Integer", 1)),
        ("date", ("Date", "2026-11-17")),
        ("dateTime", ("DateTime", "2026-11-17T10:00:00Z")),
        ("time", ("Time", "10:00:00")),
        ("string", ("String", "a")),
        ("text", ("String", "a")),
        ("url", ("Uri", "https://example.org")),
        ("choice", ("Coding", RED)),
        ("open-choice", ("Coding", RED)),
        ("open-choice", ("String", "a")),
        ("attachment", ("Attachment", {"title": "a"})),
        ("reference", ("Reference", {"reference": "Patient/1"})),
        ("quantity", ("Quantity", {"value": 1})),
    ],
)
def test_each_kind_of_question_takes_its_type(kind: str, answer: tuple[str, Any]) -> None:
    assert found([ask("a", kind)], [give("a", answer)]) == []
    wrong = ("Boolean", True) if kind != "boolean" else ("String", "yes")
    assert found([ask("a", kind)], [give("a", wrong)]) == [("answer-type", f"item[0].answer[0].value{wrong[0]}")]


@pytest.mark.parametrize("status", ["completed", "amended"])
def test_a_complete_response_answers_what_is_required(status: str) -> None:
    form = [ask("a", required=True), ask("b", required=True), ask("c")]
    assert found(form, [give("b")], status) == [("item-required", "item"), ("item-required", "item[0]")]
    assert found(form, [give("a", "x"), give("b", "y")], status) == []


@pytest.mark.parametrize("status", ["in-progress", "stopped", "entered-in-error"])
def test_others_need_not(status: str) -> None:
    assert found([ask("a", required=True)], [], status) == []


def test_what_is_required_in_a_group_counts_where_the_group_is() -> None:
    form = [ask("group", "group", item=[ask("a", required=True), ask("b")])]
    assert found(form, []) == []
    assert found(form, [give("group", item=[give("b", "x")])]) == [("item-required", "item[0].item")]


def test_what_is_required_inside_an_answer_counts_where_there_is_one() -> None:
    form = [ask("a", item=[ask("why", required=True)])]
    assert found(form, [give("a")]) == []
    answered = {"linkId": "a", "answer": [{"valueString": "x"}]}
    assert found(form, [answered]) == [("item-required", "item[0].answer[0].item")]


def test_an_item_that_the_questionnaire_does_not_have() -> None:
    form = [ask("a"), ask("group", "group", item=[ask("b")])]
    assert found(form, [give("z", "x")]) == [("item-unknown", "item[0]")]
    assert found(form, [give("b", "x")]) == [("item-unknown", "item[0]")]
    assert found(form, [give("group", item=[give("b", "x")])]) == []


def test_items_keep_their_order() -> None:
    form = [ask("a"), ask("b"), ask("c")]
    assert found(form, [give("a", "x"), give("c", "x")]) == []
    assert found(form, [give("b", "x"), give("a", "x"), give("c", "x")]) == [("item-order", "item[1]")]


def test_what_repeats_says_so() -> None:
    assert found([ask("a")], [give("a", "x", "y")]) == [("answer-too-many", "item[0].answer[1]")]
    assert found([ask("a", repeats=True)], [give("a", "x", "y")]) == []
    assert found([ask("a", repeats=True)], [give("a", "x"), give("a", "y")]) == [("item-too-many", "item[1]")]
    group = ask("g", "group", item=[ask("a")])
    twice = [give("g", item=[give("a", "x")]), give("g", item=[give("a", "y")])]
    assert found([group], twice) == [("item-too-many", "item[1]")]
    assert found([{**group, "repeats": True}], twice) == []


def test_groups_and_displays_take_no_answer() -> None:
    for kind in ("group", "display"):
        assert found([ask("a", kind)], [give("a", "x")]) == [("answer-unexpected", "item[0].answer")]


def test_items_of_a_question_are_inside_its_answer() -> None:
    form = [ask("a", item=[ask("b")])]
    assert found(form, [give("a", item=[give("b", "x")])]) == [("item-unknown", "item[0].item")]
    assert found(form, [{"linkId": "a", "answer": [{"valueString": "x", "item": [give("b", "y")]}]}]) == []


def test_an_answer_is_one_of_the_options() -> None:
    options = [{"valueCoding": {**RED, "display": "Red"}}]
    for kind in ("choice", "open-choice"):
        form = [ask("a", kind, answerOption=options)]
        assert found(form, [give("a", ("Coding", RED))]) == []
        assert found(form, [give("a", ("Coding", BLUE))]) == [("answer-option", "item[0].answer[0].valueCoding")]
    assert found([ask("a", "open-choice", answerOption=options)], [give("a", "green")]) == []
    numbers = [ask("a", "integer", answerOption=[{"valueInteger": 1}, {"valueInteger": 2}])]
    assert found(numbers, [give("a", ("Integer", 2))]) == []
    assert found(numbers, [give("a", ("Integer", 3))]) == [("answer-option", "item[0].answer[0].valueInteger")]
    words = [ask("a", "choice", answerOption=[{"valueString": "yes"}])]
    assert found(words, [give("a", "yes")]) == []
    assert found(words, [give("a", "no")]) == [("answer-option", "item[0].answer[0].valueString")]


def test_an_answer_is_in_its_value_set() -> None:
    form = [ask("a", "choice", answerValueSet="https://example.org/vs")]
    outcomes = {code: found(form, [give("a", ("Coding", {"system": SYSTEM, "code": code}))]) for code in VERDICTS}
    place = "item[0].answer[0].valueCoding"
    assert outcomes == {"in": [], "out": [("answer-option", place)], "unknown": [("code-not-checked", place)]}


def test_an_answer_is_no_longer_than_its_question_takes() -> None:
    form = [ask("a", maxLength=3)]
    assert found(form, [give("a", "abc")]) == []
    assert found(form, [give("a", "abcd")]) == [("answer-length", "item[0].answer[0].valueString")]


def test_another_text_is_a_warning() -> None:
    form = [ask("a", text="How are you?")]
    assert found(form, [give("a", "x", text="How are you?")]) == []
    assert found(form, [give("a", "x")]) == []
    assert found(form, [give("a", "x", text="Who are you?")]) == [("item-text", "item[0].text")]


def test_an_answer_that_only_says_why_it_is_missing_is_one() -> None:
    reason = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "asked-declined"}]}
    assert found([ask("a", required=True)], [{"linkId": "a", "answer": [{"_valueString": reason}]}]) == []


def condition(operator: str, kind: str, value: Any, link: str = "first") -> dict[str, Any]:
    return {"question": link, "operator": operator, f"answer{kind}": value}


def test_what_is_not_enabled_is_not_answered() -> None:
    form = [ask("first", "boolean"), ask("why", required=True, enableWhen=[condition("=", "Boolean", False)])]
    yes, no = give("first", ("Boolean", True)), give("first", ("Boolean", False))
    assert found(form, [yes]) == []
    assert found(form, [no, give("why", "x")]) == []
    assert found(form, [no]) == [("item-required", "item")]
    assert found(form, [yes, give("why", "x")]) == [("item-disabled", "item[1]")]
    assert found(form, [yes, give("why", "x")], "in-progress") == []
    assert found(form, [give("why", "x")]) == [("item-disabled", "item[0]")]


def test_a_group_that_is_not_enabled_asks_nothing() -> None:
    form = [ask("first"), ask("g", "group", enableWhen=[condition("exists", "Boolean", True)], item=[ask("a", required=True)])]
    assert found(form, [give("g")]) == []
    assert found(form, [give("first", "x"), give("g")]) == [("item-required", "item[1].item")]


def test_the_nearest_answer_decides() -> None:
    inner = [ask("first"), ask("why", enableWhen=[condition("=", "String", "b")])]
    form = [ask("g", "group", repeats=True, item=inner)]
    one = give("g", item=[give("first", "a")])
    two = give("g", item=[give("first", "b"), give("why", "x")])
    assert found(form, [one, two]) == []
    assert found(form, [two, give("g", item=[give("first", "a"), give("why", "x")])]) == [("item-disabled", "item[1].item[1]")]


@pytest.mark.parametrize(
    ("operator", "expected", "answers", "verdict"),
    [
        ("exists", ("Boolean", True), [("String", "a")], True),
        ("exists", ("Boolean", True), [], False),
        ("exists", ("Boolean", False), [], True),
        ("=", ("Integer", 2), [("Integer", 2)], True),
        ("=", ("Integer", 2), [("Integer", 1), ("Integer", 2)], True),
        ("=", ("Integer", 2), [("Integer", 1)], False),
        ("=", ("Integer", 2), [], False),
        ("=", ("Integer", 2), [("String", "2")], None),
        ("!=", ("Integer", 2), [("Integer", 1)], True),
        ("!=", ("Integer", 2), [("Integer", 1), ("Integer", 2)], False),
        ("!=", ("Integer", 2), [], None),
        (">", ("Integer", 2), [("Integer", 3)], True),
        (">", ("Integer", 2), [("Integer", 2)], False),
        (">=", ("Decimal", Decimal("2.0")), [("Decimal", Decimal(2))], True),
        ("<", ("Decimal", Decimal(2)), [("Decimal", Decimal("1.9"))], True),
        ("<=", ("Integer", 2), [("Integer", 3)], False),
        (">", ("Date", "2026-03-14"), [("Date", "2026-03-15")], True),
        (">", ("Date", "2026-03-14"), [("Date", "2026")], None),
        ("<", ("DateTime", "2026-03-14T10:00:00Z"), [("DateTime", "2026-03-14T10:30:00+01:00")], True),
        (">", ("Time", "10:00:00"), [("Time", "09:59:59")], False),
        (">", ("Quantity", {"value": 2, "code": "mg"}), [("Quantity", {"value": 3, "code": "mg"})], True),
        (">", ("Quantity", {"value": 2, "code": "mg"}), [("Quantity", {"value": 3, "code": "kg"})], None),
        ("=", ("Coding", RED), [("Coding", {**RED, "display": "Red"})], True),
        ("=", ("Coding", RED), [("Coding", BLUE)], False),
        ("=", ("Quantity", {"value": 2, "code": "mg"}), [("Quantity", {"value": 2, "code": "mg"})], True),
        ("=", ("Quantity", {"value": 2, "code": "mg"}), [("Quantity", {"value": 2, "code": "g"})], None),
        ("=", ("Reference", {"reference": "Patient/1"}), [("Reference", {"reference": "Patient/1", "display": "A"})], True),
        (">", ("Coding", RED), [("Coding", BLUE)], None),
    ],
)
def test_operators(operator: str, expected: tuple[str, Any], answers: list[tuple[str, Any]], verdict: bool | None) -> None:
    (question,) = questions([ask("a", enableWhen=[condition(operator, *expected)])])
    assert enabled(question, [Scope([give("first", *answers)])]) is verdict


@pytest.mark.parametrize(
    ("behaviour", "first", "second", "verdict"),
    [
        ("any", "x", "n", True),
        ("any", "n", "n", False),
        ("all", "x", "n", False),
        ("all", "x", "x", True),
        ("any", "x", None, True),
        ("any", "n", None, None),
        ("all", "x", None, None),
        ("all", "n", None, False),
    ],
)
def test_several_conditions(behaviour: str, first: str, second: str | None, verdict: bool | None) -> None:
    both = [condition("=", "String", "x", "one"), condition("=", "String", "x", "two")]
    (question,) = questions([ask("a", enableWhen=both, enableBehavior=behaviour)])
    given = [give("one", first), give("two", second or ("Integer", 1))]
    assert enabled(question, [Scope(given)]) is verdict


def test_a_form_that_asks_too_much_is_not_asked_to_the_end() -> None:
    form = [ask("g", "group", repeats=True, item=[ask(f"q{number}") for number in range(1000)])]
    assert found(form, [give("g")] * 100) == []
    assert found(form, [give("g")] * 300) == [("questionnaire-size", "")]


def test_an_unknown_questionnaire_is_told() -> None:
    for url in ("https://example.org/Questionnaire/none", "https://clinic.example/fhir/Questionnaire/discharge-criteria|9", "#none", None):
        response = {"resourceType": "QuestionnaireResponse", "status": "completed", **({"questionnaire": url} if url else {})}
        run = Run(response, thorough=True)
        Answers(shipped(), judged).check(response, "QuestionnaireResponse", run)
        assert [(issue.severity, issue.rule) for issue in run.issues] == [("information", "questionnaire-unknown")]


@pytest.mark.parametrize("name", ["pre-infusion-checklist-response", "discharge-checklist-response"])
def test_the_clinics_checklists(name: str) -> None:
    examples = sorted((FOLDER / "examples" / "valid").glob(f"{name}--*.json"))
    assert len(examples) >= 3
    for path in examples:
        response = json.loads(path.read_text(encoding="utf-8"))
        run = Run(response, thorough=True)
        Answers(shipped(), judged).check(response, "QuestionnaireResponse", run)
        assert run.issues == [], path.stem
