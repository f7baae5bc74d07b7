"""Searching over HTTP: https://hl7.org/fhir/R4/http.html#search, https://hl7.org/fhir/R4/search.html."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.rest.made import BASE, SYSTEM, create, fresh, issue, made, observation, patient


def links(answer: Any) -> dict[str, str]:
    return {link["relation"]: link["url"].removeprefix("http://127.0.0.1:8080") for link in answer.json["link"]}


def test_a_search_finds_and_carries_the_stored_text(api: FlaskClient) -> None:
    subject = made(api, patient())
    stored = create(api, observation(f"Patient/{subject['id']}", "1.100"))
    answer = api.get(f"/fhir/Observation?subject=Patient/{subject['id']}")
    assert answer.status_code == 200
    assert (answer.json["type"], answer.json["total"]) == ("searchset", 1)
    assert answer.json["entry"][0]["fullUrl"] == f"{BASE}/Observation/{stored.json['id']}"
    assert answer.json["entry"][0]["search"] == {"mode": "match"}
    assert stored.text in answer.text
    assert links(answer)["self"].startswith("/fhir/Observation?")


def test_get_and_post_search_are_one(api: FlaskClient) -> None:
    value = fresh()
    made(api, patient(value))
    got = api.get(f"/fhir/Patient?identifier={SYSTEM}|{value}")
    posted = api.post("/fhir/Patient/_search", data={"identifier": f"{SYSTEM}|{value}"})
    mixed = api.post(f"/fhir/Patient/_search?identifier={SYSTEM}|{value}", data={"active": "true"})
    assert posted.json == got.json
    assert mixed.json["total"] == 1
    issue(api.post("/fhir/Patient/_search", json={"identifier": value}), 415)


def test_includes_say_why_they_are_there(api: FlaskClient) -> None:
    subject = made(api, patient())
    made(api, observation(f"Patient/{subject['id']}"))
    answer = api.get(f"/fhir/Observation?subject=Patient/{subject['id']}&_include=Observation:subject")
    assert [(one["resource"]["resourceType"], one["search"]["mode"]) for one in answer.json["entry"]] == [
        ("Observation", "match"),
        ("Patient", "include"),
    ]


def test_pages_follow_each_other_to_the_end(api: FlaskClient) -> None:
    subject = made(api, patient())
    ids = [made(api, observation(f"Patient/{subject['id']}"))["id"] for _ in range(5)]
    seen: list[str] = []
    url: str | None = f"/fhir/Observation?subject=Patient/{subject['id']}&_count=2&_format=json"
    while url:
        answer = api.get(url)
        assert answer.status_code == 200, answer.text
        seen += [one["resource"]["id"] for one in answer.json["entry"]]
        url = links(answer).get("next")
        assert url is None or "_format=json" in url
    assert sorted(seen) == sorted(ids)


def test_a_forged_cursor_is_a_bad_request(api: FlaskClient) -> None:
    for cursor in ("x", "", "%00", "9" * 5000, "....", "e30.e30"):
        issue(api.get(f"/fhir/Patient?_cursor={cursor}"), 400)


def test_strict_handling_lists_what_is_valid_and_lenient_handling_says_what_it_ignored(api: FlaskClient) -> None:
    refusal = issue(api.get("/fhir/Patient?nonsense=1"), 400)
    assert "birthdate" in refusal["diagnostics"]
    issue(api.get("/fhir/Patient?name:nonsense=1"), 400)
    issue(api.get("/fhir/Patient?birthdate=xx2026"), 400)
    lenient = api.get("/fhir/Patient?nonsense=1&active=true", headers={"Prefer": "handling=lenient"})
    assert lenient.status_code == 200
    assert "nonsense" not in links(lenient)["self"]
    assert "active=true" in links(lenient)["self"]
    assert lenient.json["entry"][-1]["search"]["mode"] == "outcome"


def test_counts_totals_and_parts(api: FlaskClient) -> None:
    value = fresh()
    made(api, patient(value, gender="female", photo=[{"title": "x"}]))
    count = api.get(f"/fhir/Patient?identifier={SYSTEM}|{value}&_summary=count")
    assert (count.json["total"], "entry" in count.json) == (1, False)
    part = api.get(f"/fhir/Patient?identifier={SYSTEM}|{value}&_elements=gender").json["entry"][0]["resource"]
    assert set(part) == {"resourceType", "id", "meta", "gender"}
    assert part["meta"]["tag"][-1]["code"] == "SUBSETTED"
    summary = api.get(f"/fhir/Patient?identifier={SYSTEM}|{value}&_summary=true").json["entry"][0]["resource"]
    assert "photo" not in summary


def test_a_pull_tells_its_horizon(api: FlaskClient) -> None:
    made(api, patient())
    assert "meta" not in api.get("/fhir/Patient?active=true").json
    pull = api.get("/fhir/Patient?_lastUpdated=gt2020-01-01")
    horizon = pull.json["meta"]["lastUpdated"]
    assert api.get(f"/fhir/Patient?_lastUpdated=gt{horizon}").json["total"] == 0
    id = made(api, patient())["id"]
    assert [one["resource"]["id"] for one in api.get(f"/fhir/Patient?_lastUpdated=gt{horizon}").json["entry"]] == [id]


def test_deleted_resources_are_not_found_by_search(api: FlaskClient) -> None:
    value = fresh()
    subject = made(api, patient(value))
    api.delete(f"/fhir/Patient/{subject['id']}")
    assert api.get(f"/fhir/Patient?identifier={SYSTEM}|{value}").json["total"] == 0


def test_head_has_the_headers_of_the_search(api: FlaskClient) -> None:
    head = api.head("/fhir/Patient?active=true")
    assert (head.status_code, head.data) == (200, b"")
    assert int(head.headers["Content-Length"]) > 0


@pytest.mark.parametrize(
    "query",
    [
        "identifier=%00",
        "identifier=%ff%fe",
        "a=1&" * 500,
        "_count=-1",
        "_count=x",
        "_sort=nonsense",
        "_include=x",
        "birthdate=9999-99-99",
        "=&==&&=",
    ],
)
def test_hostile_queries_are_bad_requests(api: FlaskClient, query: str) -> None:
    issue(api.get(f"/fhir/Patient?{query}"), 400)
