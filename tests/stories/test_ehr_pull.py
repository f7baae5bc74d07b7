"""An EHR pulls the clinic's visits: page by page once, then only what changed. It has the role `ehr`; the charting app writes."""

from typing import Any
from urllib.parse import quote

from tests.stories.client import Client
from tests.stories.visit import Visit, address


def _since(visit: Visit) -> str:
    window = f"date=ge{visit.day}T00:00:00-08:00&date=lt{visit.year}-12-01"
    return f"Encounter?{window}&_include=Encounter:subject"


def _add(charting: Client, subject: str, start: str) -> str:
    encounter = {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": subject},
        "period": {"start": start, "end": start},
    }
    answer = charting.send("POST", "Encounter", encounter)
    assert answer.status == 201, answer.tree
    return address(answer.headers["Location"])


def _names(resources: list[Any]) -> list[str]:
    return [f"{one['resourceType']}/{one['id']}" for one in resources]


def test_pages_hold_every_visit_once_with_its_patient(charting: Client, ehr: Client, visit: Visit) -> None:
    """Seven visits of two patients in pages of three; the visit of the day before stays out."""
    patient = visit.place("Patient")
    other = address(charting.send("POST", "Patient", {"resourceType": "Patient", "gender": "male"}).headers["Location"])
    before = _add(charting, patient, f"{visit.year}-11-16T09:00:00-08:00")
    added = [_add(charting, (patient, other)[hour % 2], f"{visit.day}T1{hour}:00:00-08:00") for hour in range(6)]
    matches: list[str] = []
    for page in ehr.pages(f"{_since(visit)}&patient={patient},{other}&_count=3"):
        found = page.resources("match")
        matches += _names(found)
        assert len(found) <= 3
        assert set(_names(page.resources("include"))) == {one["subject"]["reference"] for one in found}
        assert [one["fullUrl"] for one in page.tree["entry"]] == [f"{ehr.base_url}/{name}" for name in _names(page.resources())]
    assert sorted(matches) == sorted([visit.place("Encounter"), *added])
    assert before not in matches


def test_continues_from_the_horizon_and_gets_only_what_changed(charting: Client, ehr: Client, visit: Visit) -> None:
    """A pull by _lastUpdated says up to when it is complete; the next one begins there."""
    first = ehr.get(f"{_since(visit)}&_lastUpdated=ge2020-01-01&_count=500")
    horizon = first.tree["meta"]["lastUpdated"]
    changed = visit.place("Encounter")
    current = charting.get(changed)
    body = {**current.tree, "status": "finished", "priority": {"text": "routine"}}
    assert charting.send("PUT", changed, body, If_Match=current.headers["ETag"]).status == 200
    fresh = _add(charting, visit.place("Patient"), f"{visit.day}T16:30:00-08:00")
    second = ehr.get(f"{_since(visit)}&_lastUpdated=ge{quote(horizon)}")
    assert sorted(_names(second.resources("match"))) == sorted([changed, fresh])
    third = ehr.get(f"{_since(visit)}&_lastUpdated=ge{quote(second.tree['meta']['lastUpdated'])}")
    assert third.resources("match") == []


def test_hears_of_deletions_from_the_history(client: Client, charting: Client, ehr: Client, visit: Visit) -> None:
    """What was deleted is in `_history?_since=`, once."""
    doomed = _add(charting, visit.place("Patient"), f"{visit.day}T17:00:00-08:00")
    horizon = ehr.get(f"{_since(visit)}&_lastUpdated=ge2020-01-01").tree["meta"]["lastUpdated"]
    assert client.send("DELETE", doomed).status in (200, 204)
    entries = ehr.get(f"_history?_since={quote(horizon)}").tree["entry"]
    assert [(one["request"]["method"], one["request"]["url"]) for one in entries] == [("DELETE", doomed)]
    assert ehr.send("GET", doomed).status == 410


def test_writes_nothing_and_reads_nothing_else(charting: Client, ehr: Client, visit: Visit) -> None:
    """What its scopes do not name is refused, whether it is there or not; what it sent is not stored."""
    patient = ehr.get(visit.place("Patient"))
    for method, path, body in (
        ("PUT", visit.place("Patient"), patient.tree),
        ("POST", "Encounter", {"resourceType": "Encounter"}),
        ("DELETE", visit.place("Encounter"), None),
        ("GET", visit.place("Consent"), None),
        ("GET", "Consent/nobody", None),
        ("GET", "MedicationDispense", None),
        ("GET", "AuditEvent", None),
        ("GET", f"Encounter?_revinclude=Flag:encounter&_has:Flag:encounter:date=ge{visit.day}", None),
    ):
        assert ehr.send(method, path, body).status == 403, (method, path)
    assert charting.get(visit.place("Patient")).document == patient.document
