"""A clinician looks for the day's adverse events, by patient and by date: signed in, with the `user/` scopes of the role."""

from collections.abc import Iterator

import pytest

from tests.server import Live
from tests.stories.client import Client
from tests.stories.principals import CLINICIAN
from tests.stories.visit import Visit, address


@pytest.fixture(scope="module")
def clinician(live: Live, client: Client, visit: Visit) -> Iterator[Client]:
    """The nurse of the visit, who works for the clinic."""
    works = {"practitioner": {"reference": visit.place("Practitioner")}, "organization": {"reference": visit.place("Organization")}}
    made = client.send("POST", "PractitionerRole", {"resourceType": "PractitionerRole", "active": True, **works})
    assert made.status == 201, made.tree
    with Client.of(live.url, live.admit(CLINICIAN, user=visit.place("Practitioner"))) as one:
        yield one


def _events(clinician: Client, query: str) -> list[str]:
    return sorted(one["event"]["text"] for one in clinician.get(f"AdverseEvent?{query}").resources("match"))


def test_by_patient_and_day(clinician: Client, visit: Visit) -> None:
    """Both events of the visit; none of the day before."""
    patient = visit.place("Patient")
    assert _events(clinician, f"subject={patient}&date={visit.day}") == ["Nausea", "Transient blood pressure increase"]
    assert _events(clinician, f"subject:Patient={patient.split('/')[1]}&date={visit.day}") == [
        "Nausea",
        "Transient blood pressure increase",
    ]
    assert _events(clinician, f"subject={patient}&date={visit.year}-11-16") == []
    assert _events(clinician, f"subject=Patient/somebody-else&date={visit.day}") == []


def test_by_minutes(clinician: Client, visit: Visit) -> None:
    """Within a window given with its offset."""
    window = f"date=ge{visit.day}T10:30:00-08:00&date=lt{visit.day}T11:00:00-08:00"
    assert _events(clinician, window) == ["Nausea"]


def test_with_the_patient_and_the_evidence(clinician: Client, visit: Visit) -> None:
    """By the patient's record number, with patient and recorder in the same answer."""
    answer = clinician.get(
        f"AdverseEvent?subject:Patient.identifier=KET-{visit.year}&_include=AdverseEvent:subject&_include=AdverseEvent:recorder"
    )
    assert len(answer.resources("match")) == 2
    assert sorted(one["resourceType"] for one in answer.resources("include")) == ["Patient", "Practitioner"]


def test_by_event_and_severity(clinician: Client, visit: Visit) -> None:
    """By the code of the event, newest first."""
    assert _events(clinician, f"event=http://snomed.info/sct|422587007&severity=moderate&date={visit.day}") == ["Nausea"]
    ordered = clinician.get(f"AdverseEvent?date={visit.day}&_sort=-date").resources("match")
    assert [one["event"]["text"] for one in ordered] == ["Nausea", "Transient blood pressure increase"]


def test_writes_a_vital_sign_and_deletes_nothing(clinician: Client, visit: Visit) -> None:
    """The role writes the visit; a mistake is marked, and no record can be removed."""
    vital = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "subject": {"reference": visit.place("Patient")},
        "encounter": {"reference": visit.place("Encounter")},
        "effectiveDateTime": f"{visit.day}T10:41:00-08:00",
        "valueQuantity": {"value": 71, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"},
    }
    made = clinician.send("POST", "Observation", vital)
    assert made.status == 201, made.tree
    place = f"Observation/{made.tree['id']}"
    assert clinician.send("PUT", place, {**made.tree, "status": "entered-in-error"}, If_Match=made.headers["ETag"]).status == 200
    assert clinician.send("DELETE", place).status == 403
    assert clinician.send("PUT", visit.place("Consent"), clinician.get(visit.place("Consent")).tree).status == 403


def _patient_of(client: Client, organization: str) -> tuple[str, str]:
    """A new patient whom an organization manages, and an Observation of the patient."""
    managed = {"resourceType": "Patient", "managingOrganization": {"reference": organization}}
    patient = address(client.send("POST", "Patient", managed).headers["Location"])
    code = {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]}
    observation = {"resourceType": "Observation", "status": "final", "code": code, "subject": {"reference": patient}}
    return patient, address(client.send("POST", "Observation", observation).headers["Location"])


def test_reaches_the_patients_of_the_clinic(client: Client, clinician: Client, visit: Visit) -> None:
    """Whom the organization manages that the nurse works for, and what was recorded of the patient."""
    patient, observation = _patient_of(client, visit.place("Organization"))
    assert f"Patient/{clinician.get(patient).tree['id']}" == patient
    found = clinician.get(f"Observation?subject={patient}").resources()
    assert [f"Observation/{one['id']}" for one in found] == [observation]


def test_reaches_no_patient_of_another_clinic(client: Client, clinician: Client, visit: Visit) -> None:
    """A patient whom another organization manages is not there, nor what was recorded of the patient."""
    elsewhere = client.send("POST", "Organization", {"resourceType": "Organization", "name": f"Elsewhere {visit.year}"})
    patient, observation = _patient_of(client, address(elsewhere.headers["Location"]))
    assert clinician.send("GET", patient).status == 404
    assert clinician.send("GET", observation).status == 404
    assert clinician.get(f"Observation?subject={patient}").resources() == []
    assert client.get(f"Observation?subject={patient}").resources() != []
