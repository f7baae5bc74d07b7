"""The gate on whole resources: each row bends a valid one in one place and names the rule and the element that must be reported."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.errors import Issue
from service.fhir.definitions import load
from service.fhir.document import Number
from service.validation.check import Gate
from service.validation.rules import BUILT_IN, RULES
from service.validation.run import MOST_ISSUES
from tests.unit.validation.resources import VALID, XHTML, Tree, bundle, concept, millimetres, observation, patient

GATE = Gate(load())
HANDBOOK = Path(__file__).resolve().parents[3] / "docs" / "validation.md"

Row = tuple[str, dict[str, Any], str, str]
LONG = {"extension": [{"url": "a:b", "valueString": "c"}]}
_MCG = {"value": 5, "system": "http://unitsofmeasure.org", "code": "mcg"}
ORGANIZATION = {"resourceType": "Organization", "id": "o", "name": "a"}

ROWS: list[Row] = [
    ("Patient", {"resourceType": "Client"}, "resource-type", "resourceType"),
    ("Patient", {"resourceType": None}, "resource-type", "resourceType"),
    ("Patient", {"resourceType": ["Patient"]}, "resource-type", "resourceType"),
    ("Patient", {"contained": [{"id": "o"}]}, "resource-type", "Patient.contained[0].resourceType"),
    ("Patient", {"contained": ["o"]}, "object-expected", "Patient.contained[0]"),
    ("Patient", {"name": ["Sample"]}, "object-expected", "Patient.name[0]"),
    ("Patient", {"surname": "a"}, "unknown-element", "Patient.surname"),
    ("Observation", {"valueQuantity": _MCG}, "ucum-unit", "Observation.valueQuantity.code"),
    ("Patient", {"_active": "a"}, "object-expected", "Patient.active"),
    ("Patient", {"_name": {"id": "a"}}, "unknown-element", "Patient._name"),
    ("Patient", {"fhir_comments": ["a"]}, "unknown-element", "Patient.fhir_comments"),
    ("Patient", {"deceasedString": "a"}, "unknown-element", "Patient.deceasedString"),
    ("Patient", {"maritalStatus": {"modifierExtension": [LONG]}}, "unknown-element", "Patient.maritalStatus.modifierExtension"),
    ("Observation", {"status": None}, "null-value", "Observation.status"),
    ("Observation", {"code": None}, "null-value", "Observation.code"),
    ("Patient", {"name": None}, "array-expected", "Patient.name"),
    ("Patient", {"name": [None]}, "null-value", "Patient.name[0]"),
    ("Patient", {"name": [{"given": [None], "_given": [None]}]}, "null-value", "Patient.name[0].given[0]"),
    ("Patient", {"name": [{"given": ["a", None]}]}, "null-value", "Patient.name[0].given[1]"),
    ("Patient", {"name": [{"_given": [None, LONG]}]}, "null-value", "Patient.name[0].given[0]"),
    ("Patient", {"name": [{"given": ["a"], "_given": [None]}]}, "null-value", "Patient.name[0]._given"),
    ("Patient", {"maritalStatus": {}}, "empty-object", "Patient.maritalStatus"),
    ("Patient", {"_gender": {}}, "empty-object", "Patient.gender"),
    ("Patient", {"name": []}, "empty-array", "Patient.name"),
    ("Patient", {"name": [{"given": []}]}, "empty-array", "Patient.name[0].given"),
    ("Patient", {"name": [{"family": ""}]}, "empty-string", "Patient.name[0].family"),
    ("Patient", {"gender": ["female"]}, "not-an-array", "Patient.gender"),
    ("Patient", {"maritalStatus": [{"text": "a"}]}, "not-an-array", "Patient.maritalStatus"),
    ("Patient", {"name": {"text": "a"}}, "array-expected", "Patient.name"),
    ("Patient", {"name": [{"given": "a"}]}, "array-expected", "Patient.name[0].given"),
    ("Patient", {"name": [{"_given": LONG}]}, "array-expected", "Patient.name[0].given"),
    ("Patient", {"birthDate": {"value": "1982"}}, "primitive-expected", "Patient.birthDate"),
    ("Patient", {"maritalStatus": {"id": "a"}}, "ele-1", "Patient.maritalStatus"),
    ("Patient", {"_multipleBirthInteger": {"id": "a"}}, "ele-1", "Patient.multipleBirthInteger"),
    ("Patient", {"birthDate": "1982-02-30"}, "primitive-format", "Patient.birthDate"),
    ("Patient", {"id": "a b"}, "primitive-format", "Patient.id"),
    ("Observation", {"component": [{"code": {"text": "a"}}, {}]}, "empty-object", "Observation.component[1]"),
    ("Observation", {"component": [{"valueString": "a"}]}, "required-element", "Observation.component[0].code"),
    ("Observation", {"status": ...}, "required-element", "Observation.status"),
    ("Observation", {"valueString": "a", "valueInteger": 1}, "choice-type", "Observation.value"),
    ("Observation", {"valueString": "a", "_valueInteger": LONG}, "choice-type", "Observation.value"),
    ("Observation", {"status": "fin"}, "required-binding", "Observation.status"),
    ("Observation", {"status": 1}, "primitive-format", "Observation.status"),
    ("Condition", {"clinicalStatus": {"text": "active"}}, "required-binding", "Condition.clinicalStatus"),
    ("Condition", {"clinicalStatus": concept("active", "a:b")}, "required-binding", "Condition.clinicalStatus"),
    ("Binary", {"contentType": "pdf"}, "mime-type", "Binary.contentType"),
    ("Binary", {"contentType": ...}, "required-element", "Binary.contentType"),
    ("Binary", {"data": "YWJ"}, "primitive-format", "Binary.data"),
    ("Binary", {"text": {"status": "empty"}}, "unknown-element", "Binary.text"),
    ("Patient", {"language": "en_US"}, "language-code", "Patient.language"),
    (
        "Patient",
        {"communication": [{"language": concept("e n", "urn:ietf:bcp:47")}]},
        "language-code",
        "Patient.communication[0].language.coding[0].code",
    ),
    (
        "Patient",
        {"extension": [{"url": "a:b", "valueMoney": {"value": 1, "currency": "usd"}}]},
        "currency-code",
        "Patient.extension[0].valueMoney.currency",
    ),
    ("Observation", {"subject": {"reference": "patient"}}, "reference-format", "Observation.subject.reference"),
    ("Observation", {"subject": {"reference": "Patient/p-1", "type": "Group"}}, "reference-type", "Observation.subject.type"),
    ("Observation", {"subject": {"reference": "Medication/1"}}, "reference-target", "Observation.subject"),
    ("Observation", {"subject": {"reference": "https://x.example/r4/Medication/1"}}, "reference-target", "Observation.subject"),
    ("Observation", {"subject": {"reference": "Medication?code=1"}}, "reference-target", "Observation.subject"),
    ("Observation", {"subject": {"type": "Medication", "display": "a"}}, "reference-target", "Observation.subject"),
    ("Observation", {"subject": {"reference": "Client/1"}}, "reference-unknown-type", "Observation.subject.reference"),
    ("Observation", {"subject": {"reference": "#o"}, "contained": [ORGANIZATION]}, "reference-target", "Observation.subject"),
    ("Patient", {"contained": [ORGANIZATION, ORGANIZATION]}, "contained-id", "Patient.contained[1].id"),
    ("Patient", {"contained": [ORGANIZATION | {"contained": [ORGANIZATION]}]}, "dom-2", "Patient.contained[0].contained"),
    ("Patient", {"contact": ...}, "dom-3", "Patient.contained[0]"),
    ("Patient", {"contained": [ORGANIZATION | {"meta": {"versionId": "1"}}]}, "dom-4", "Patient.contained[0].meta"),
    ("Patient", {"contained": [ORGANIZATION | {"meta": {"security": [{"code": "R"}]}}]}, "dom-5", "Patient.contained[0].meta.security"),
    ("Patient", {"contained": [ORGANIZATION | {"active": "a"}]}, "primitive-format", "Patient.contained[0].active"),
    ("Patient", {"contact": [{"organization": {"reference": "#other"}}]}, "ref-1", "Patient.contact[0].organization"),
    ("Patient", {"extension": [{"valueString": "a"}]}, "required-element", "Patient.extension[0].url"),
    ("Patient", {"extension": [LONG["extension"][0] | LONG]}, "ext-1", "Patient.extension[0]"),
    (
        "Observation",
        {"referenceRange": [{"low": millimetres(90) | {"comparator": "<"}}]},
        "sqty-1",
        "Observation.referenceRange[0].low",
    ),
    (
        "Observation",
        {"component": [{"code": {"text": "a"}, "valueQuantity": {"value": "124"}}]},
        "primitive-format",
        "Observation.component[0].valueQuantity.value",
    ),
    ("Encounter", {"period": {"start": "2026-02-02", "end": "2026-02-01"}}, "per-1", "Encounter.period"),
    ("Encounter", {"statusHistory": [{"status": "arrived"}]}, "required-element", "Encounter.statusHistory[0].period"),
    ("Patient", {"text": {"status": "generated", "div": "a"}}, "narrative-xml", "Patient.text.div"),
    ("Patient", {"text": {"status": "generated", "div": "<div>a</div>"}}, "narrative-root", "Patient.text.div"),
    ("Patient", {"text": {"status": "generated", "div": XHTML + "<script>a</script></div>"}}, "narrative-element", "Patient.text.div"),
    ("Patient", {"text": {"status": "generated", "div": XHTML + '<p onclick="a">a</p></div>'}}, "narrative-attribute", "Patient.text.div"),
    (
        "Patient",
        {"text": {"status": "generated", "div": XHTML + '<a href="javascript:a">a</a></div>'}},
        "narrative-url",
        "Patient.text.div",
    ),
    ("Patient", {"text": {"status": "generated", "div": XHTML + " <p/></div>"}}, "txt-2", "Patient.text.div"),
]


def bent(name: str, changes: dict[str, Any]) -> Tree:
    """A valid resource with members replaced, or removed where the value is `...`."""
    tree = VALID[name]() | changes
    return {key: value for key, value in tree.items() if value is not ...}


@pytest.mark.parametrize("build", VALID.values(), ids=VALID.keys())
def test_a_valid_resource_passes(build: Callable[[], Tree]) -> None:
    assert GATE.check(build()) == []


@pytest.mark.parametrize(("name", "changes", "rule", "expression"), ROWS)
def test_a_broken_rule_is_named_with_its_element(name: str, changes: dict[str, Any], rule: str, expression: str) -> None:
    found = GATE.check(bent(name, changes))
    assert (rule, expression) in [(issue.rule, issue.expression) for issue in found], found
    assert all(issue.diagnostics.startswith(str(issue.expression)) for issue in found)


def test_all_issues_are_found_at_once() -> None:
    tree = bent("Observation", {"status": "fin", "code": ..., "foo": 1, "subject": {"reference": "Medication/1"}})
    assert {issue.rule for issue in GATE.check(tree)} == {"required-binding", "required-element", "unknown-element", "reference-target"}


def test_a_resource_of_another_type_is_refused() -> None:
    assert [issue.rule for issue in GATE.check(patient(), "Observation")] == ["resource-type"]
    assert GATE.check(patient(), "Patient") == []


@pytest.mark.parametrize("tree", [None, [], "a", 1, Number("1.0")])
def test_what_is_no_object_is_refused(tree: Any) -> None:
    assert [issue.rule for issue in GATE.check(tree)] == ["object-expected"]


def test_the_number_of_issues_is_bounded() -> None:
    found = GATE.check(patient() | {"name": [{"foo": 1}] * 1000})
    assert len(found) == MOST_ISSUES + 1
    assert (found[-1].severity, found[-1].rule) == ("information", "too-many-issues")


def test_resources_in_a_bundle_are_checked_in_their_own_right() -> None:
    tree = bundle(patient(), observation() | {"status": "fin", "subject": {"reference": "urn:uuid:00000000-0000-4000-8000-000000000000"}})
    assert places(GATE.check(tree)) == [("required-binding", "Bundle.entry[1].resource.status")]
    assert GATE.check_envelope(tree) == []


def test_the_type_of_an_entry_counts_for_references_to_it() -> None:
    tree = bundle(patient(), observation() | {"encounter": {"reference": "urn:uuid:00000000-0000-4000-8000-000000000000"}})
    assert places(GATE.check(tree)) == [("reference-target", "Bundle.entry[1].resource.encounter")]


def test_an_envelope_is_checked_without_its_resources() -> None:
    tree = {"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": {"resourceType": "Nonsense"}}]}
    assert places(GATE.check_envelope(tree)) == [("bdl-3", "Bundle")]
    assert places(GATE.check_envelope(patient())) == [("resource-type", "resourceType")]


@pytest.mark.parametrize(
    "reference",
    [
        "Patient/p-1/_history/3",
        "http://x.example/Patient/1",
        "urn:oid:1.2.3",
        "Patient?identifier=a|b",
        "https://x.example/record.pdf",
    ],
)
def test_references_that_may_be_right_pass(reference: str) -> None:
    assert GATE.check(observation() | {"subject": {"reference": reference}}) == []


def test_a_contained_resource_may_refer_to_its_container() -> None:
    inner = {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "a"}, "subject": {"reference": "#"}}
    assert GATE.check(patient() | {"contact": [{"name": {"text": "a"}}], "contained": [inner]}) == []


def test_every_rule_is_tested_and_in_the_handbook() -> None:
    listed = set(re.findall(r"^\| `([a-z0-9-]+)` \|", HANDBOOK.read_text(encoding="utf-8"), re.MULTILINE))
    tested = {rule for _, _, rule, _ in ROWS} | {key.rpartition(":")[2] for key in RULES} | {"too-many-issues", "txt-1"}
    assert listed >= tested - {key for key in tested if re.fullmatch(r"[a-z]{2,3}-[0-9]+[a-z]?", key)}
    assert BUILT_IN.keys() <= tested


def places(issues: list[Issue]) -> list[tuple[str, str | None]]:
    """Rule and element of each issue."""
    return [(issue.rule, issue.expression) for issue in issues]


def test_a_hash_that_is_no_base64_is_a_warning_and_data_that_is_none_is_an_error() -> None:
    attachment = {"contentType": "text/plain", "data": "YWJj", "hash": "EQH/..AgME"}
    tree = {"resourceType": "Patient", "photo": [attachment]}
    assert [(one.severity, one.expression) for one in GATE.check(tree)] == [("warning", "Patient.photo[0].hash")]
    tree = {"resourceType": "Patient", "photo": [{**attachment, "data": "..", "hash": ""}]}
    assert sorted((one.severity, one.expression) for one in GATE.check(tree)) == [
        ("error", "Patient.photo[0].data"),
        ("error", "Patient.photo[0].hash"),
    ]
