"""The searches that US Core asks of a server: 3.1.1, 6.1.0 and 7.0.0 agree about those that a server must have.

What is asked comes from the statement of US Core 6.1.0. The values come from the records, as in the public conformance kit.
http://hl7.org/fhir/us/core/STU6.1/CapabilityStatement-us-core-server.html
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from service.fhir import library
from service.rest.guides import COMBINATION, SERVER
from tests.us_core.conftest import Clinic

EXPECTATION = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-expectation"
NOT_SERVED = {"Media"}
NOTHING_TO_SEARCH = {"Endpoint", "Medication", "Provenance"}
ALSO_ASKED = {("QuestionnaireResponse", ("patient",)), ("QuestionnaireResponse", ("_id",))}
DATES = {
    "CarePlan": ("period", "start"), "Immunization": ("occurrenceDateTime",), "QuestionnaireResponse": ("authored",),
    "Condition": ("recordedDate",), "DiagnosticReport": ("effectiveDateTime",), "DocumentReference": ("date",),
    "Encounter": ("period", "start"), "Observation": ("effectiveDateTime",), "Procedure": ("performedDateTime",),
    "ServiceRequest": ("authoredOn",),
}  # fmt: skip
CONCEPTS = {"category": "category", "code": "code", "type": "type", "specialty": "specialty", "clinical-status": "clinicalStatus"}
PATHS = {
    "abatement-date": ("abatementDateTime",), "onset-date": ("onsetDateTime",), "recorded-date": ("recordedDate",),
    "authoredon": ("authoredOn",), "class": ("class", "code"), "encounter": ("encounter", "reference"), "family": ("name", "family"),
    "lifecycle-status": ("lifecycleStatus",), "location": ("location", "location", "reference"), "period": ("context", "period", "start"),
    "target-date": ("target", "dueDate"), "questionnaire": ("questionnaire",),
}  # fmt: skip
UNTRIED = {("Patient", ("death-date", "family"))}
"""No patient of the clinic has died."""


def _expected(row: Mapping[str, Any]) -> str | None:
    return next((one["valueCode"] for one in row.get("extension", ()) if one["url"] == EXPECTATION), None)


def _asked() -> list[tuple[str, tuple[str, ...]]]:
    """(type, parameters) of every search that a server shall have."""
    found = library.load().find("CapabilityStatement", SERVER)
    assert found
    asked = set(ALSO_ASKED)
    for row in found.tree["rest"][0]["resource"]:
        if _expected(row) != "SHALL" or row["type"] in NOT_SERVED:
            continue
        asked |= {(row["type"], (one["name"],)) for one in row.get("searchParam", ()) if _expected(one) == "SHALL"}
        for combination in (one for one in row.get("extension", ()) if one["url"] == COMBINATION and _expected(one) == "SHALL"):
            asked.add((row["type"], tuple(part["valueString"] for part in combination["extension"] if part["url"] == "required")))
    return sorted(asked)


ASKED = _asked()
MUST_BE_INCLUDED = ("MedicationRequest", "MedicationDispense")
WITH_PROVENANCE = (
    "Patient", "AllergyIntolerance", "CarePlan", "Condition", "Encounter", "Goal", "MedicationDispense", "MedicationRequest", "Observation",
    "Procedure",
)  # fmt: skip


def test_what_is_asked_is_known() -> None:
    """Every type that must be searched is served, but for those named."""
    assert len(ASKED) == 51
    assert ("Observation", ("patient", "category", "date")) in ASKED
    assert not {type for type, _ in ASKED} & (NOT_SERVED | NOTHING_TO_SEARCH)


@pytest.mark.parametrize(("type", "parameters"), ASKED, ids=lambda value: value if isinstance(value, str) else "+".join(value))
def test_a_search_that_a_server_shall_have(clinic: Clinic, type: str, parameters: tuple[str, ...]) -> None:
    """It finds the record that its values were taken from, nothing that does not match, and the same by POST."""
    everything = clinic.search(type)
    wanted = next(one for one in everything if all(_value(one, code) for code in parameters))
    query = {code: _value(wanted, code) for code in parameters}
    found = {one["id"] for one in clinic.search(type, **query)}
    right = {one["id"] for one in everything if all(_matches(one, code, query[code]) for code in parameters)}
    assert wanted["id"] in found
    assert found == right
    assert {one["id"] for one in clinic.post_search(type, **query)} == found


def test_every_combination_that_is_stated_works(clinic: Clinic) -> None:
    """Those that US Core only recommends as well, as far as a record has all of the values."""
    stated = [
        (row["type"], tuple(part["valueString"] for part in one["extension"]))
        for row in clinic.client.get("/fhir/metadata").json["rest"][0]["resource"]
        for one in row.get("extension", ())
        if one["url"] == COMBINATION
    ]
    asked = {(type, parameters) for type, parameters in ASKED if len(parameters) > 1}
    assert asked <= set(stated)
    tried = set()
    for type, parameters in set(stated) - asked:
        everything = clinic.search(type)
        wanted = next((one for one in everything if all(_value(one, code) for code in parameters)), None)
        if wanted:
            query = {code: _value(wanted, code) for code in parameters}
            right = {one["id"] for one in everything if all(_matches(one, code, query[code]) for code in parameters)}
            assert {one["id"] for one in clinic.search(type, **query)} == right, (type, query)
            tried.add((type, parameters))
    assert {(type, parameters) for type, parameters in stated if (type, parameters) not in tried | asked} == UNTRIED


@pytest.mark.parametrize("type", sorted({type for type, parameters in ASKED if "patient" in parameters}))
def test_a_patient_is_named_by_id_or_by_reference(clinic: Clinic, type: str) -> None:
    patient = _value(next(one for one in clinic.search(type) if _value(one, "patient")), "patient")
    extra = {"MedicationRequest": {"intent": "order"}, "CareTeam": {"status": "active"}}.get(type, {})
    by_id = clinic.search(type, patient=patient, **extra)
    assert by_id
    assert [one["id"] for one in clinic.search(type, patient=f"Patient/{patient}", **extra)] == [one["id"] for one in by_id]


@pytest.mark.parametrize("type", sorted({type for type, parameters in ASKED if "date" in parameters}))
def test_dates_are_compared(clinic: Clinic, type: str) -> None:
    """gt, ge, lt and le on a day before and after a record's own date."""
    wanted = next(one for one in clinic.search(type) if _value(one, "date"))
    patient, when = _value(wanted, "patient"), datetime.fromisoformat(_at(wanted, DATES[type]))
    extra = {"category": _value(wanted, "category")} if type in {"Observation", "DiagnosticReport", "DocumentReference"} else {}
    before, after = ((when + timedelta(days=days)).date().isoformat() for days in (-1, 1))

    def finds(date: str) -> bool:
        return wanted["id"] in {one["id"] for one in clinic.search(type, patient=patient, date=date, **extra)}

    assert [finds(f"{sign}{before}") for sign in ("gt", "ge", "lt", "le")] == [True, True, False, False]
    assert [finds(f"{sign}{after}") for sign in ("gt", "ge", "lt", "le")] == [False, False, True, True]


@pytest.mark.parametrize("type", MUST_BE_INCLUDED)
def test_medications_are_included(clinic: Clinic, type: str) -> None:
    patient = _value(clinic.search(type)[0], "patient")
    found = clinic.search(type, patient=patient, intent="order", _include=f"{type}:medication") if type == "MedicationRequest" else (
        clinic.search(type, patient=patient, _include=f"{type}:medication")
    )  # fmt: skip
    named = {one["medicationReference"]["reference"] for one in found if one["resourceType"] == type}
    assert named
    assert named == {f"Medication/{one['id']}" for one in found if one["resourceType"] == "Medication"}


@pytest.mark.parametrize("type", WITH_PROVENANCE)
def test_provenance_comes_along(clinic: Clinic, type: str) -> None:
    target = next(
        one["reference"] for row in clinic.search("Provenance") for one in row["target"] if one["reference"].startswith(f"{type}/")
    )  # fmt: skip
    found = clinic.search(type, _id=target.partition("/")[2], _revinclude="Provenance:target")
    assert "Provenance" in {one["resourceType"] for one in found}


def test_several_values_find_what_each_finds(clinic: Clinic) -> None:
    patient = _value(clinic.search("Encounter")[0], "patient")
    statuses = {one["status"] for one in clinic.search("MedicationRequest", patient=patient, intent="order")}
    together = clinic.search("MedicationRequest", patient=patient, intent="order,plan", status=",".join(sorted(statuses)))
    assert len(together) == len(clinic.search("MedicationRequest", patient=patient, intent="order"))


def _at(resource: Any, path: tuple[str, ...]) -> str:
    for name in path:
        resource = (_first(resource) or {}).get(name, {})
    return str(resource) if resource else ""


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _token(resource: Mapping[str, Any], code: str) -> str:
    coding = _first((_first(resource.get(code)) or {}).get("coding", []))
    return f"{coding['system']}|{coding['code']}" if coding else ""


def _patient(resource: Mapping[str, Any], _: str) -> str:
    return str((resource.get("subject") or resource.get("patient") or resource.get("beneficiary") or {}).get("reference", "")).removeprefix(
        "Patient/"
    )


def _date(resource: Mapping[str, Any], _: str) -> str:
    """The day; of what goes on, that it goes on after the day on which it began."""
    type = resource["resourceType"]
    day = _at(resource, DATES[type])[:10] if type in DATES else ""
    return f"ge{day}" if day and type == "CarePlan" else day


def _name(resource: Mapping[str, Any], _: str) -> str:
    name = resource.get("name", "")
    return str(name if isinstance(name, str) else name[0]["family"])


def _identifier(resource: Mapping[str, Any], _: str) -> str:
    one = _first(resource.get("identifier"))
    return f"{one['system']}|{one['value']}" if one else ""


def _address(resource: Mapping[str, Any], _: str) -> str:
    return str((_first(resource.get("address")) or {}).get("city", ""))


def _reference(resource: Mapping[str, Any], code: str) -> str:
    return str(resource.get(code, {}).get("reference", ""))


VALUES: Mapping[str, Callable[[Mapping[str, Any], str], str]] = {
    "patient": _patient, "date": _date, "authored": _date, "name": _name, "identifier": _identifier, "address": _address,
    "practitioner": _reference,
    "_id": lambda resource, _: str(resource["id"]), "birthdate": lambda resource, _: str(resource.get("birthDate", "")),
}  # fmt: skip


def _value(resource: Mapping[str, Any], code: str) -> str:
    """A value of a parameter that finds the resource; empty when it has none."""
    if code in PATHS:
        return _at(resource, PATHS[code])[: 10 if code == "period" else None]
    if code in VALUES:
        return VALUES[code](resource, code)
    return _token(resource, CONCEPTS[code]) if code in CONCEPTS else str(resource.get(code, ""))


def _matches(resource: Mapping[str, Any], code: str, value: str) -> bool:
    """Whether a resource has that value, by looking through all its values."""
    if code in CONCEPTS:
        kinds = resource.get(CONCEPTS[code], [])
        codings = [one for kind in (kinds if isinstance(kinds, list) else [kinds]) for one in kind.get("coding", ())]
        return value in {f"{one['system']}|{one['code']}" for one in codings}
    if code == "identifier":
        return value in {f"{one.get('system')}|{one['value']}" for one in resource.get("identifier", ())}
    if code in {"name", "address"}:
        return any(word.casefold().startswith(value.casefold()) for word in _words(resource.get(code)))
    return _value(resource, code) == value


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _words(inner)
