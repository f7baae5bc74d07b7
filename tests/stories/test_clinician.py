"""A clinician looks for the day's adverse events, by patient and by date."""

from tests.stories.client import Client
from tests.stories.visit import Visit


def _events(client: Client, query: str) -> list[str]:
    return sorted(one["event"]["text"] for one in client.get(f"AdverseEvent?{query}").resources("match"))


def test_by_patient_and_day(client: Client, visit: Visit) -> None:
    """Both events of the visit; none of the day before."""
    patient = visit.place("Patient")
    assert _events(client, f"subject={patient}&date={visit.day}") == ["Nausea", "Transient blood pressure increase"]
    assert _events(client, f"subject:Patient={patient.split('/')[1]}&date={visit.day}") == ["Nausea", "Transient blood pressure increase"]
    assert _events(client, f"subject={patient}&date={visit.year}-11-16") == []
    assert _events(client, f"subject=Patient/somebody-else&date={visit.day}") == []


def test_by_minutes(client: Client, visit: Visit) -> None:
    """Within a window given with its offset."""
    window = f"date=ge{visit.day}T10:30:00-08:00&date=lt{visit.day}T11:00:00-08:00"
    assert _events(client, window) == ["Nausea"]


def test_with_the_patient_and_the_evidence(client: Client, visit: Visit) -> None:
    """By the patient's record number, with patient and recorder in the same answer."""
    answer = client.get(
        f"AdverseEvent?subject:Patient.identifier=KET-{visit.year}&_include=AdverseEvent:subject&_include=AdverseEvent:recorder"
    )
    assert len(answer.resources("match")) == 2
    assert sorted(one["resourceType"] for one in answer.resources("include")) == ["Patient", "Practitioner"]


def test_by_event_and_severity(client: Client, visit: Visit) -> None:
    """By the code of the event, newest first."""
    assert _events(client, f"event=http://snomed.info/sct|422587007&severity=moderate&date={visit.day}") == ["Nausea"]
    ordered = client.get(f"AdverseEvent?date={visit.day}&_sort=-date").resources("match")
    assert [one["event"]["text"] for one in ordered] == ["Nausea", "Transient blood pressure increase"]
