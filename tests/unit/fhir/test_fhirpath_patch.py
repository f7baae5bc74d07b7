"""FHIRPath Patch: https://hl7.org/fhir/R4/fhirpatch.html."""

from typing import Any

import pytest

from service.errors import BadRequest, Unprocessable
from service.fhir import definitions
from service.fhir.fhirpath_patch import FhirpathPatch
from service.fhir.patch_path import parse

DEFINITIONS = definitions.load()

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p",
    "name": [
        {"use": "usual", "given": ["Ada"]},
        {
            "use": "official",
            "family": "Byron",
            "given": ["Augusta", "Ada"],
            "_given": [None, {"extension": [{"url": "http://e/x", "valueString": "y"}]}],
        },
    ],
    "birthDate": "1815-12-10",
    "_birthDate": {"extension": [{"url": "http://e/time", "valueTime": "10:00:00"}]},
    "deceasedBoolean": False,
    "extension": [{"url": "http://e/a", "valueInteger": 1}, {"url": "http://e/b", "valueInteger": 2}],
}


def operation(type: str, path: str, **parts: Any) -> dict[str, Any]:
    carried = [{"name": "type", "valueCode": type}, {"name": "path", "valueString": path}]
    for name, value in parts.items():
        carried.append({"name": name.rstrip("_"), **(value if isinstance(value, dict) else {"valueInteger": value})})
    return {"name": "operation", "part": carried}


def apply(*operations: dict[str, Any], tree: dict[str, Any] = PATIENT) -> Any:
    return FhirpathPatch.of({"resourceType": "Parameters", "parameter": list(operations)}, DEFINITIONS).apply(tree)


def text(value: str) -> dict[str, Any]:
    return {"valueString": value}


def test_add_sets_an_element_that_is_not_there() -> None:
    assert apply(operation("add", "Patient", name=text("gender"), value={"valueCode": "female"}))["gender"] == "female"


def test_add_appends_to_a_list_even_to_one_that_is_not_there() -> None:
    changed = apply(
        operation("add", "Patient.name.where(use = 'usual')", name=text("given"), value=text("Lovelace")),
        operation("add", "Patient", name=text("telecom"), value={"valueContactPoint": {"system": "phone", "value": "1"}}),
    )
    assert changed["name"][0]["given"] == ["Ada", "Lovelace"]
    assert changed["telecom"] == [{"system": "phone", "value": "1"}]


def test_add_builds_an_element_without_a_type_from_parts() -> None:
    parts = {
        "part": [
            {"name": "relationship", "valueCodeableConcept": {"text": "sister"}},
            {"name": "gender", "valueCode": "female"},
            {"name": "name", "valueHumanName": {"text": "A"}},
        ]
    }
    changed = apply(operation("add", "Patient", name=text("contact"), value=parts))
    assert changed["contact"] == [{"relationship": [{"text": "sister"}], "gender": "female", "name": {"text": "A"}}]


def test_add_gives_a_choice_the_name_of_its_type() -> None:
    tree = {"resourceType": "Observation", "status": "final"}
    changed = apply(operation("add", "Observation", name=text("value"), value={"valueQuantity": {"value": 1}}), tree=tree)
    assert changed["valueQuantity"] == {"value": 1}


def test_replacing_a_choice_changes_its_type() -> None:
    changed = apply(operation("replace", "Patient.deceased", value={"valueDateTime": "1852-11-27"}))
    assert changed["deceasedDateTime"] == "1852-11-27"
    assert "deceasedBoolean" not in changed


def test_replacing_a_primitive_drops_the_extensions_of_the_old_one() -> None:
    changed = apply(operation("replace", "birthDate", value={"valueDate": "1815-12-11"}))
    assert changed["birthDate"] == "1815-12-11"
    assert "_birthDate" not in changed


def test_deleting_an_item_keeps_the_extensions_of_its_neighbours_aligned() -> None:
    changed = apply(operation("delete", "Patient.name.last().given.first()"))
    assert changed["name"][1]["given"] == ["Ada"]
    assert changed["name"][1]["_given"] == [{"extension": [{"url": "http://e/x", "valueString": "y"}]}]


def test_deleting_the_last_item_removes_the_list() -> None:
    changed = apply(operation("delete", "Patient.name[0].given[0]"))
    assert "given" not in changed["name"][0]


def test_deleting_nothing_is_no_error() -> None:
    assert apply(operation("delete", "Patient.gender")) == PATIENT


def test_insert_and_move_change_the_order() -> None:
    changed = apply(
        operation("insert", "Patient.name.where(family = 'Byron').given", index=0, value=text("Hon.")),
        operation("move", "Patient.name[1].given", source=0, destination=2),
        operation(
            "insert", "Patient.communication", index=0, value={"part": [{"name": "language", "valueCodeableConcept": {"text": "en"}}]}
        ),
    )
    assert changed["name"][1]["given"] == ["Augusta", "Ada", "Hon."]
    assert changed["communication"] == [{"language": {"text": "en"}}]


def test_extensions_are_found_by_url_also_on_primitives() -> None:
    changed = apply(
        operation("replace", "Patient.extension('http://e/b').value", value={"valueInteger": 3}),
        operation("delete", "Patient.extension.where(url = 'http://e/a' and value = 1)"),
        operation("replace", "Patient.birthDate.extension('http://e/time').value", value={"valueTime": "11:00:00"}),
        operation(
            "add", "Patient.name[0].given[0]", name=text("extension"), value={"valueExtension": {"url": "http://e/n", "valueCode": "c"}}
        ),
    )
    assert changed["extension"] == [{"url": "http://e/b", "valueInteger": 3}]
    assert changed["_birthDate"]["extension"][0]["valueTime"] == "11:00:00"
    assert changed["name"][0]["_given"] == [{"extension": [{"url": "http://e/n", "valueCode": "c"}]}]


def test_of_type_keeps_only_that_type() -> None:
    assert "deceasedBoolean" not in apply(operation("delete", "Patient.deceased.ofType(boolean)"))
    assert "deceasedBoolean" in apply(operation("delete", "Patient.deceased.ofType(dateTime)"))


@pytest.mark.parametrize(
    "misfit",
    [
        operation("replace", "Patient.gender", value={"valueCode": "male"}),
        operation("replace", "Patient.name.given", value=text("x")),
        operation("delete", "Patient.name"),
        operation("add", "Patient", name=text("birthDate"), value={"valueDate": "2000-01-01"}),
        operation("add", "Patient", name=text("nonsense"), value=text("x")),
        operation("add", "Patient.photo", name=text("title"), value=text("x")),
        operation("add", "Patient", name=text("contact"), value={"part": [{"name": "nonsense", "valueCode": "x"}]}),
        operation("insert", "Patient.name", index=9, value={"valueHumanName": {}}),
        operation("insert", "Patient.birthDate", index=0, value={"valueDate": "2000"}),
        operation("move", "Patient.name", source=0, destination=2),
        operation("move", "Patient.name.first()", source=0, destination=0),
        operation("replace", "Patient.id", value={"valueId": "other"}),
    ],
)
def test_an_operation_that_does_not_fit_is_unprocessable(misfit: dict[str, Any]) -> None:
    with pytest.raises(Unprocessable):
        apply(misfit)


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"resourceType": "Patient"},
        {"resourceType": "Parameters"},
        {"resourceType": "Parameters", "parameter": [{"name": "other", "part": []}]},
        {"resourceType": "Parameters", "parameter": ["operation"]},
        {"resourceType": "Parameters", "parameter": [operation("upsert", "Patient")]},
        {"resourceType": "Parameters", "parameter": [operation("replace", "Patient.gender")]},
        {"resourceType": "Parameters", "parameter": [operation("insert", "Patient.name", index=-1, value=text("x"))]},
        {"resourceType": "Parameters", "parameter": [operation("insert", "Patient.name", index=text("x"), value=text("x"))]},
        {"resourceType": "Parameters", "parameter": [operation("add", "Patient", name=3, value=text("x"))]},
        {"resourceType": "Parameters", "parameter": [operation("delete", "Patient.name")] * 101},
    ],
)
def test_a_malformed_patch_is_a_bad_request(body: Any) -> None:
    with pytest.raises(BadRequest):
        FhirpathPatch.of(body, DEFINITIONS)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "Patient.",
        "Patient..name",
        "Patient.name[-1]",
        "Patient.name[1",
        "Patient.name.repeat(given)",
        "Patient.name.where(given.exists())",
        "Patient.name.where(use = 'a' or use = 'b')",
        "Patient | Observation",
        "Patient.name.where(use = )",
        "%resource.name",
        "a." * 600 + "a",
        ".".join("a" * 40),
        "Patient.name.where(use = 'unclosed)",
    ],
)
def test_a_path_outside_the_grammar_is_a_bad_request(path: str) -> None:
    with pytest.raises(BadRequest):
        parse(path)


def test_a_replaced_element_stays_where_it_stood() -> None:
    patched = apply(operation("replace", "Patient.birthDate", value={"valueDate": "1816"}))
    assert list(patched) == [name for name in PATIENT if name != "_birthDate"]
    changed_type = apply(operation("replace", "Patient.deceased", value={"valueDateTime": "1852-11-27"}))
    assert list(changed_type) == ["deceasedDateTime" if name == "deceasedBoolean" else name for name in PATIENT]
