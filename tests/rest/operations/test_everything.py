"""`$everything` of a patient and of a visit, on the example visit and its neighbours."""

from collections import Counter
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.rest.made import FHIR, create, issue, made, patient, put
from tests.stories.visit import entries, sent

NEITHER = {
    "urn:uuid:1664f8a8-60e5-5781-9ec8-425b490542a2": "the vendor of the vial: nothing of the visit refers to it",
    "urn:uuid:35dee51e-3989-5af5-884d-7b852d477dc6": "the receipt of the vial into the safe: before the visit, and not for a patient",
    "urn:uuid:a95fd67c-8a76-5267-9c44-31a744358e80": "the count of the vial in the safe: about the vial and the safe, not the patient",
}
"""The entries of the example that belong neither to the visit nor to the patient."""


@pytest.fixture(scope="module")
def places(clinic: FlaskClient) -> dict[str, str]:
    """The example visit, posted: fullUrl -> Type/id. A second visit of another patient stands beside it."""
    found = {}
    for year in (2025, 2026):
        answer = clinic.post("/fhir", data=sent(year), content_type=FHIR)
        assert answer.status_code == 200, answer.text
        urls = [url for url, _ in entries(year)]
        found = {url: _place(one["response"]["location"]) for url, one in zip(urls, answer.json["entry"], strict=True)}
    return found


@pytest.fixture(scope="module")
def visit(places: dict[str, str]) -> str:
    return next(place for place in places.values() if place.startswith("Encounter/"))


@pytest.fixture(scope="module")
def person(places: dict[str, str]) -> str:
    return next(place for place in places.values() if place.startswith("Patient/"))


def _place(location: str) -> str:
    return "/".join(location.partition("/_history/")[0].split("/")[-2:])


def _pages(clinic: FlaskClient, url: str) -> list[Any]:
    pages, link = [], f"/fhir/{url}"
    while link:
        answer = clinic.get(link)
        assert answer.status_code == 200, answer.text
        pages.append(answer.json)
        links = {one["relation"]: one["url"] for one in answer.json["link"]}
        link = links.get("next", "").removeprefix("http://127.0.0.1:8080")
    return pages


def _everything(clinic: FlaskClient, url: str) -> list[str]:
    entries = [entry for page in _pages(clinic, url) for entry in page.get("entry", [])]
    return [f"{one['resource']['resourceType']}/{one['resource']['id']}" for one in entries]


def test_the_chart_of_a_visit_is_whole(clinic: FlaskClient, places: dict[str, str], visit: str) -> None:
    found = _everything(clinic, f"{visit}/$everything")
    missing = {url for url, place in places.items() if place not in found}
    assert missing == NEITHER.keys()
    assert set(found) <= set(places.values())
    assert max(Counter(found).values()) == 1
    assert found[0] == visit


def test_the_record_of_a_patient_is_whole(clinic: FlaskClient, places: dict[str, str], person: str) -> None:
    found = _everything(clinic, f"{person}/$everything")
    missing = {url for url, place in places.items() if place not in found}
    assert missing == NEITHER.keys()
    assert set(found) <= set(places.values())
    assert found[0] == person


@pytest.mark.parametrize("count", [1, 7, 50, 103])
def test_pages_hold_each_resource_once(clinic: FlaskClient, visit: str, person: str, count: int) -> None:
    for focus in (visit, person):
        whole = _everything(clinic, f"{focus}/$everything")
        assert _everything(clinic, f"{focus}/$everything?_count={count}") == whole
        assert len(whole) == 103


def test_a_walk_survives_writes_between_its_pages(clinic: FlaskClient, visit: str) -> None:
    before = _everything(clinic, f"{visit}/$everything")
    first = clinic.get(f"/fhir/{visit}/$everything?_count=60").json
    weight = next(one["resource"] for one in first["entry"] if one["resource"]["resourceType"] == "Observation")
    weight["note"] = [{"text": "seen again"}]
    assert put(clinic, f"Observation/{weight['id']}", weight).status_code == 200
    made(clinic, {"resourceType": "Flag", "status": "active", "code": {"text": "new"}, "subject": weight["subject"]})
    second = clinic.get(next(one["url"] for one in first["link"] if one["relation"] == "next")).json
    found = [f"{one['resource']['resourceType']}/{one['resource']['id']}" for page in (first, second) for one in page["entry"]]
    assert found == before


def test_types_restrict_what_is_shown(clinic: FlaskClient, places: dict[str, str], visit: str) -> None:
    found = _everything(clinic, f"{visit}/$everything?_type=AdverseEvent,Flag&_type=Practitioner")
    wanted = ("AdverseEvent/", "Flag/", "Practitioner/")
    assert sorted(found) == sorted(place for place in places.values() if place.startswith(wanted))
    posted = clinic.post(
        f"/fhir/{visit}/$everything",
        json={"resourceType": "Parameters", "parameter": [{"name": "_type", "valueCode": "Flag"}, {"name": "_count", "valueInteger": 5}]},
        content_type=FHIR,
    )
    assert [one["resource"]["resourceType"] for one in posted.json["entry"]] == ["Flag"]
    form = clinic.post(f"/fhir/{visit}/$everything", data={"_type": "Flag"})
    assert form.json["entry"] == posted.json["entry"]


def test_since_gives_what_changed_and_what_it_refers_to(clinic: FlaskClient, person: str) -> None:
    doctor = made(clinic, {"resourceType": "Practitioner", "name": [{"family": "Late"}]})
    horizon = clinic.get(f"/fhir/{person}/$everything?_count=1").json["meta"]["lastUpdated"]
    assert _everything(clinic, f"{person}/$everything?_since={horizon}") == []
    note = made(
        clinic,
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"text": "late"},
            "subject": {"reference": person},
            "performer": [{"reference": f"Practitioner/{doctor['id']}"}],
            "effectiveDateTime": "2026-11-17T12:00:00-08:00",
        },
    )
    found = _everything(clinic, f"{person}/$everything?_since={horizon}")
    assert found == [f"Observation/{note['id']}", f"Practitioner/{doctor['id']}"]
    assert clinic.delete(f"/fhir/Observation/{note['id']}").status_code == 204


def test_dates_of_care(clinic: FlaskClient, places: dict[str, str], person: str) -> None:
    def shown(query: str) -> set[str]:
        return {place.split("/")[0] for place in _everything(clinic, f"{person}/$everything?{query}")}

    assert "Observation" in shown("start=2026-11-17&end=2026-11-17")
    later = shown("start=2026-12-01")
    assert not later & {"Observation", "Encounter", "MedicationAdministration"}
    assert later >= {"Patient", "RelatedPerson", "EpisodeOfCare", "Condition"}
    assert "Observation" not in shown("end=2026-11-01")
    issue(clinic.get(f"/fhir/{person}/$everything?start=2026-12-01&end=2026-11-01"), 400)


def test_a_chart_does_not_lead_into_another_patients_record(clinic: FlaskClient, visit: str, places: dict[str, str]) -> None:
    """A Provenance of many, and a reference to somebody else's Observation, bring nothing of the other patient in."""
    other = made(clinic, patient())
    foreign = made(
        clinic,
        {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": {"reference": f"Patient/{other['id']}"}},
    )
    mine = next(place for place in places.values() if place.startswith("Observation/"))
    signed = made(
        clinic,
        {
            "resourceType": "Provenance",
            "target": [{"reference": visit}, {"reference": f"Observation/{foreign['id']}"}],
            "recorded": "2026-11-17T20:00:00Z",
            "agent": [{"who": {"display": "an importer"}}],
        },
    )
    derived = made(
        clinic,
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"text": "derived"},
            "encounter": {"reference": visit},
            "derivedFrom": [{"reference": f"Observation/{foreign['id']}"}, {"reference": mine}],
        },
    )
    found = _everything(clinic, f"{visit}/$everything")
    assert {f"Provenance/{signed['id']}", f"Observation/{derived['id']}"} <= set(found)
    assert not {f"Observation/{foreign['id']}", f"Patient/{other['id']}"} & set(found)
    for one in (derived, signed):
        assert clinic.delete(f"/fhir/{one['resourceType']}/{one['id']}").status_code == 204


def test_what_names_the_visit_without_a_search_parameter_belongs_to_it(clinic: FlaskClient) -> None:
    subject = {"reference": f"Patient/{made(clinic, patient())['id']}"}
    tree = {"resourceType": "Encounter", "status": "finished", "class": {"code": "AMB"}, "subject": subject}
    visit = {"reference": f"Encounter/{made(clinic, tree)['id']}"}
    extension = {"url": "https://clinic.example/fhir/StructureDefinition/belongs-to-visit", "valueReference": visit}
    belonging = [
        made(clinic, {"resourceType": "Immunization", "status": "completed", "patient": subject, "encounter": visit, **_VACCINE}),
        made(clinic, {"resourceType": "Basic", "code": {"text": "note"}, "subject": subject, "extension": [extension]}),
        made(clinic, {"resourceType": "MedicationStatement", "status": "active", "subject": subject, "context": visit, **_ASPIRIN}),
    ]
    work = made(clinic, {"resourceType": "List", "status": "current", "mode": "working", "entry": [{"item": visit}]})
    found = _everything(clinic, f"{visit['reference']}/$everything")
    assert {f"{one['resourceType']}/{one['id']}" for one in belonging} <= set(found)
    assert f"List/{work['id']}" not in found


_VACCINE = {"vaccineCode": {"text": "influenza"}, "occurrenceString": "autumn"}
_ASPIRIN = {"medicationCodeableConcept": {"text": "aspirin"}}


def test_a_consent_counts_when_it_covered_the_visit(clinic: FlaskClient) -> None:
    subject = made(clinic, patient())
    reference = {"reference": f"Patient/{subject['id']}"}

    def consent(given: str, period: dict[str, str] | None = None) -> str:
        tree: dict[str, Any] = {
            "resourceType": "Consent",
            "status": "active",
            "scope": {"text": "treatment"},
            "category": [{"text": "procedure"}],
            "patient": reference,
            "dateTime": given,
            "policyRule": {"text": "infusion"},
        }
        return f"Consent/{made(clinic, {**tree, **({'provision': {'period': period}} if period else {})})['id']}"

    def chart(start: str, end: str) -> set[str]:
        tree = {"resourceType": "Encounter", "status": "finished", "class": {"code": "AMB"}, "subject": reference}
        one = made(clinic, {**tree, "period": {"start": start, "end": end}})
        return {place for place in _everything(clinic, f"Encounter/{one['id']}/$everything") if place.startswith("Consent/")}

    old = consent("2026-01-05")
    yearly = consent("2026-02-01", {"start": "2026-02-01", "end": "2026-06-30"})
    fresh = consent("2026-08-03T09:00:00Z")
    assert chart("2026-01-20T09:00:00Z", "2026-01-20T10:00:00Z") == {old}
    assert chart("2026-03-01T09:00:00Z", "2026-03-01T10:00:00Z") == {yearly}
    assert chart("2026-08-03T10:00:00Z", "2026-08-03T11:00:00Z") == {fresh}
    assert chart("2026-09-01T10:00:00Z", "2026-09-01T11:00:00Z") == {fresh}
    assert chart("2025-09-01T10:00:00Z", "2025-09-01T11:00:00Z") == set()


def test_what_cannot_be_answered_is_refused(clinic: FlaskClient, visit: str, person: str) -> None:
    assert "no parameter 'start'" in issue(clinic.get(f"/fhir/{visit}/$everything?start=2026-01-01"), 400)["diagnostics"]
    told = issue(clinic.get(f"/fhir/{visit}/$everything?when=now"), 400)
    assert (told["expression"], told["code"]) == (["http.when"], "not-supported")
    assert "_since, _type, _count" in told["diagnostics"]
    issue(clinic.get(f"/fhir/{person}/$everything?_since=yesterday"), 400)
    issue(clinic.get(f"/fhir/{person}/$everything?_count=0"), 400)
    issue(clinic.get(f"/fhir/{person}/$everything?_type=Nonsense"), 400)
    issue(clinic.get(f"/fhir/{person}/$everything?_cursor=abc"), 400)
    issue(clinic.get("/fhir/Encounter/none/$everything"), 404)
    issue(clinic.put(f"/fhir/{visit}/$everything"), 405)
    next_page = next(one["url"] for one in clinic.get(f"/fhir/{visit}/$everything?_count=5").json["link"] if one["relation"] == "next")
    cursor = next_page.partition("_cursor=")[2]
    issue(clinic.get(f"/fhir/{person}/$everything?_count=5&_cursor={cursor}"), 400)
    issue(clinic.get(f"/fhir/{visit}/$everything?_type=Flag&_cursor={cursor}"), 400)


def test_the_links_say_what_was_applied(clinic: FlaskClient, visit: str) -> None:
    answer = clinic.get(f"/fhir/{visit}/$everything?_count=5000&_type=Flag&_format=json")
    (link,) = answer.json["link"]
    assert link["url"].endswith(f"/fhir/{visit}/$everything?_type=Flag&_count=1000&_format=json")
    assert clinic.get(link["url"].removeprefix("http://127.0.0.1:8080")).json["entry"] == answer.json["entry"]


def test_browsers_get_pages(clinic: FlaskClient, visit: str, person: str) -> None:
    urls = (f"{visit}/$everything?_count=5", f"Observation/$lastn?patient={person}", f"{person}/$meta")
    for url in (*urls, f"Observation/$stats?subject={person}&code=8480-6&statistic=median"):
        answer = clinic.get(f"/fhir/{url}", headers={"Accept": "text/html"})
        assert (answer.status_code, answer.mimetype) == (200, "text/html"), url
        assert url.partition("?")[0].rpartition("/")[2] in answer.text


def test_a_deleted_patient_is_gone(clinic: FlaskClient) -> None:
    subject = create(clinic, patient()).json
    assert clinic.delete(f"/fhir/Patient/{subject['id']}").status_code == 204
    issue(clinic.get(f"/fhir/Patient/{subject['id']}/$everything"), 410)
