"""History: https://hl7.org/fhir/R4/http.html#history."""

from typing import Any
from urllib.parse import quote, urlsplit

from flask.testing import FlaskClient

from tests.rest.conftest import SETTINGS
from tests.rest.made import BASE, fresh, issue, made, patient, put


def walked(api: FlaskClient, url: str) -> list[dict[str, Any]]:
    """The entries of every page from `url` on."""
    entries: list[dict[str, Any]] = []
    while True:
        answer = api.get(url)
        assert answer.status_code == 200, answer.text
        entries += answer.json.get("entry", [])
        following = [link["url"] for link in answer.json["link"] if link["relation"] == "next"]
        if not following:
            return entries
        url = following[0].removeprefix("http://127.0.0.1:8080")


def lived(api: FlaskClient) -> str:
    """The id of a Patient that was created, updated and deleted."""
    subject = made(api, patient())
    put(api, f"Patient/{subject['id']}", {**subject, "active": False})
    api.delete(f"/fhir/Patient/{subject['id']}")
    return str(subject["id"])


def test_the_history_of_a_resource_is_newest_first_and_has_its_deletion(api: FlaskClient) -> None:
    id = lived(api)
    answer = api.get(f"/fhir/Patient/{id}/_history")
    assert (answer.json["type"], answer.json["total"]) == ("history", 3)
    assert [one["request"] for one in answer.json["entry"]] == [
        {"method": "DELETE", "url": f"Patient/{id}"},
        {"method": "PUT", "url": f"Patient/{id}"},
        {"method": "POST", "url": "Patient"},
    ]
    assert [one["response"]["status"][:3] for one in answer.json["entry"]] == ["204", "200", "201"]
    assert [one["response"]["etag"] for one in answer.json["entry"]] == ['W/"3"', 'W/"2"', 'W/"1"']
    assert ["resource" in one for one in answer.json["entry"]] == [False, True, True]
    assert answer.json["entry"][0]["fullUrl"] == f"{BASE}/Patient/{id}"


def test_what_is_brought_back_after_its_deletion_is_created_anew(api: FlaskClient) -> None:
    id = lived(api)
    assert put(api, f"Patient/{id}", {**patient(), "id": id}).status_code == 201
    put(api, f"Patient/{id}", {**patient(), "id": id})
    told = [one["response"]["status"] for one in api.get(f"/fhir/Patient/{id}/_history").json["entry"]]
    assert [status[:3] for status in told] == ["200", "201", "204", "200", "201"]


def test_the_history_of_a_type_and_of_all_hold_it_too(api: FlaskClient) -> None:
    id = lived(api)
    for url in ("/fhir/Patient/_history?_count=50", "/fhir/_history?_count=50"):
        found = [one for one in walked(api, url) if one["fullUrl"].endswith(id)]
        assert len(found) == 3


def test_pages_neither_repeat_nor_skip_while_others_write(api: FlaskClient) -> None:
    subject = made(api, patient())
    for number in range(6):
        put(api, f"Patient/{subject['id']}", {**subject, "active": number % 2 == 1})
    seen = []
    url = f"/fhir/Patient/{subject['id']}/_history?_count=2"
    while url:
        answer = api.get(url)
        seen += [one["resource"]["meta"]["versionId"] for one in answer.json["entry"]]
        put(api, f"Patient/{subject['id']}", {**subject, "active": len(seen) % 4 == 0, "gender": "female" if len(seen) % 3 else "male"})
        url = next((link["url"] for link in answer.json["link"] if link["relation"] == "next"), "").removeprefix("http://127.0.0.1:8080")
    assert seen == [str(number) for number in range(int(seen[0]), 0, -1)]


def test_a_pull_tells_how_far_it_reached_and_the_next_one_goes_on_from_there(api: FlaskClient) -> None:
    made(api, patient())
    first = api.get("/fhir/_history?_since=2020-01-01T00:00:00Z&_count=1")
    horizon = first.json["meta"]["lastUpdated"]
    assert api.get(f"/fhir/_history?_since={horizon}").json["total"] == 0
    id = lived(api)
    assert [one["fullUrl"] for one in walked(api, f"/fhir/_history?_since={horizon}&_count=2")] == [f"{BASE}/Patient/{id}"] * 3
    second = urlsplit(next(link["url"] for link in first.json["link"] if link["relation"] == "next"))
    assert api.get(f"{second.path}?{second.query}").json["meta"]["lastUpdated"] == horizon


def test_at_gives_what_was_current_then(api: FlaskClient) -> None:
    subject = made(api, patient())
    put(api, f"Patient/{subject['id']}", {**subject, "active": False})
    url = f"/fhir/Patient/{subject['id']}/_history"
    then = quote(subject["meta"]["lastUpdated"])
    assert [one["resource"]["meta"]["versionId"] for one in api.get(f"{url}?_at={then}").json["entry"]][-1] == "1"
    assert api.get(f"{url}?_at=2020-01-01").json["total"] == 0
    assert api.get(f"{url}?_at=2099").json["entry"][0]["resource"]["meta"]["versionId"] == "2"


def test_what_never_was_has_no_history(api: FlaskClient) -> None:
    issue(api.get(f"/fhir/Patient/{fresh()}/_history"), 404)


def test_parameters_are_checked(api: FlaskClient) -> None:
    for query in (
        "_since=yesterday",
        "_at=2026-13",
        "_count=-1",
        "_count=x",
        "_cursor=forged",
        "name=x",
        "_since=2026&_since=2025",
        "_count=%D9%A3",
    ):
        issue(api.get(f"/fhir/Patient/_history?{query}"), 400)
    assert api.get("/fhir/Patient/_history?name=x", headers={"Prefer": "handling=lenient"}).status_code == 200
    assert "entry" not in api.get("/fhir/Patient/_history?_count=0").json
    assert api.get(f"/fhir/Patient/_history?_count={'9' * 400}").status_code == 200


def test_a_cursor_belongs_to_its_history(api: FlaskClient) -> None:
    lived(api)
    following = next(link["url"] for link in api.get("/fhir/Patient/_history?_count=1").json["link"] if link["relation"] == "next")
    cursor = following.rpartition("_cursor=")[2]
    issue(api.get(f"/fhir/_history?_cursor={cursor}"), 400)
    issue(api.get(f"/fhir/Patient/_history?_since=2020&_cursor={cursor}"), 400)
    issue(api.get(f"/fhir/Patient/_history?_cursor={cursor[:-4]}AAAA"), 400)


def test_the_self_link_tells_the_count_that_was_applied(api: FlaskClient) -> None:
    subject = made(api, patient())
    found = api.get(f"/fhir/Patient/{subject['id']}/_history?_count=99999").json
    assert found["link"][0]["url"].endswith(f"_history?_count={SETTINGS.page_max}")
