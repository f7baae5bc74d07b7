"""How far a search reaches: chains, reverse chains, lists, filters, several types, compartments. https://hl7.org/fhir/R4/search.html."""

from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from tests.rest.made import BASE, create, fresh, issue, made, patient

CODES = "https://clinic.example/fhir/CodeSystem/local"


def found(answer: Any) -> list[str]:
    """The matches as Type/id, sorted."""
    assert answer.status_code == 200, answer.text
    entries = [one for one in answer.json.get("entry", ()) if one["search"]["mode"] == "match"]
    return sorted(f"{one['resource']['resourceType']}/{one['resource']['id']}" for one in entries)


def link(answer: Any, relation: str) -> str | None:
    return next((one["url"] for one in answer.json["link"] if one["relation"] == relation), None)


@pytest.fixture(scope="module")
def visit(api: FlaskClient) -> dict[str, str]:
    """Two patients, a visit of the first with its observations and a flag, and a list of one observation."""
    name = f"Reach{fresh().replace('-', '')}"
    ada = made(api, patient(name=[{"family": name, "given": ["Ada"]}], birthDate="1980-05-01"))["id"]
    bob = made(api, patient(name=[{"family": name, "given": ["Bob"]}]))["id"]
    encounter = made(
        api,
        {
            "resourceType": "Encounter",
            "status": "finished",
            "class": {"code": "AMB"},
            "subject": {"reference": f"Patient/{ada}"},
            "period": {"start": "2026-03-14T09:00:00Z", "end": "2026-03-14T12:00:00Z"},
        },
    )["id"]

    def observed(code: str, subject: str, visit: str | None) -> str:
        tree = {
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": [{"system": CODES, "code": code}]},
            "subject": {"reference": f"Patient/{subject}"},
            "effectiveDateTime": "2026-03-14T10:00:00Z",
            **({"encounter": {"reference": f"Encounter/{visit}"}} if visit else {}),
        }
        return str(made(api, tree)["id"])

    pain, mood, other = observed("pain", ada, encounter), observed("mood", ada, None), observed("pain", bob, None)
    flag = made(
        api,
        {
            "resourceType": "Flag",
            "status": "active",
            "code": {"text": "fall risk"},
            "subject": {"reference": f"Patient/{ada}"},
            "encounter": {"reference": f"Encounter/{encounter}"},
        },
    )["id"]
    entries = [{"item": {"reference": f"Observation/{pain}"}}, {"item": {"reference": f"Observation/{mood}"}, "deleted": True}]
    listed = made(api, {"resourceType": "List", "status": "current", "mode": "changes", "entry": entries})["id"]
    known = {"ada": ada, "bob": bob, "visit": encounter, "pain": pain, "mood": mood, "other": other, "flag": flag, "list": listed}
    return {**known, "name": name}


FOUND = [
    ("Observation?patient.family={name}&patient.given=ada", ["mood", "pain"]),
    ("Observation?subject:Patient.given=bob&patient.family={name}", ["other"]),
    ("Observation?encounter.subject:Patient.given=ada&patient.family={name}", ["pain"]),
    ("Patient?family={name}&_has:Observation:patient:code=mood", ["ada"]),
    ("Patient?family={name}&_has:Observation:patient:encounter.status=finished", ["ada"]),
    ("Patient?family={name}&_has:Encounter:patient:_has:Flag:encounter:status=active", ["ada"]),
    ("Patient?family={name}&_has:Encounter:patient:_has:Flag:encounter:status=inactive", []),
    ("Encounter?subject:Patient._has:Observation:patient:code=mood&patient.family={name}", ["visit"]),
    ("Observation?patient.family={name}&encounter:missing=true", ["mood", "other"]),
    ("Observation?patient.family={name}&_id:not={mood},{pain}", ["other"]),
    ("Patient?family={name}&_has:Observation:patient:_id:not={mood},{pain}", ["bob"]),
    ("Encounter/{visit}/*?_id:not={visit}", ["pain"]),
    ("Patient/{ada}/*?_filter=_id ne {ada} and not (_id eq {flag})", ["mood", "pain", "visit"]),
    ("Observation?_list={list}", ["pain"]),
    ("Observation?_list=List/{list}&code=mood", []),
    ("Patient?_filter=family eq {name} and birthdate lt 1990", ["ada"]),
    ("Patient?_filter=family eq {name} and birthdate pr false", ["bob"]),
    ("Patient?_filter=family sw reach and (given eq ADA or given co ob)&family={name}", ["ada", "bob"]),
    ("Patient?_filter=given ew da&family={name}", ["ada"]),
    ("Patient?_filter=given gt ada&family={name}", ["bob"]),
    ("Patient?_filter=given ge ada&_filter=given le ada&family={name}", ["ada"]),
    ("Patient?_filter=not (given eq ada)&family={name}", ["bob"]),
    ("Patient?_filter=given ne ada&family={name}", ["bob"]),
    ("Patient?_filter=_has:Flag:patient:status eq active&family={name}", ["ada"]),
    ("Observation?_filter=patient[given eq bob].family eq {name}", ["other"]),
    ("Observation?_filter=subject re Patient/{ada} and date po 2026-03 and encounter.status eq finished", ["pain"]),
    ("Encounter?_filter=date co 2026-03-14T10:00:00Z and subject re Patient/{ada}", ["visit"]),
    ("Encounter?_filter=date co 2026-03-14 and subject re Patient/{ada}", []),
    ("Patient/{ada}/Observation", ["mood", "pain"]),
    ("Patient/{ada}/Observation?code=mood", ["mood"]),
    ("Patient/{ada}/*", ["ada", "flag", "mood", "pain", "visit"]),
    ("Patient/{ada}/*?_type=Observation,Flag", ["flag", "mood", "pain"]),
    ("Patient/{ada}/Patient", ["ada"]),
    ("Patient/{bob}/Flag", []),
    ("Encounter/{visit}/*", ["pain", "visit"]),
    ("Encounter/{visit}/Observation?date=2026-03-14", ["pain"]),
    ("?_type=Encounter,Observation&patient={ada}", ["mood", "pain", "visit"]),
    ("?_type=Encounter,Observation,Flag&patient.family={name}&patient.given=ada", ["flag", "mood", "pain", "visit"]),
    ("?_id={ada},{mood}", ["ada", "mood"]),
    ("?_type=Patient&_id={ada},{mood}", ["ada"]),
]


@pytest.mark.parametrize(("url", "names"), FOUND)
def test_a_search_finds_what_it_reaches(api: FlaskClient, visit: dict[str, str], url: str, names: list[str]) -> None:
    path, _, asked = url.format(**visit).partition("?")
    expected = sorted(one for name in names for one in _known(visit) if one.endswith(f"/{visit[name]}"))
    answer = api.get(f"/fhir/{path}?{quote(asked, safe='&=:,/')}")
    assert found(answer) == expected
    form = api.post(
        f"/fhir/{path}/_search".replace("//", "/"), data=quote(asked, safe="&=:,/"), content_type="application/x-www-form-urlencoded"
    )
    assert (form.json.get("entry"), form.json["link"]) == (answer.json.get("entry"), answer.json["link"])
    again = link(answer, "self")
    assert again is not None
    assert again.startswith(f"{BASE}/{path}".rstrip("/"))
    assert api.get(again.removeprefix("http://127.0.0.1:8080")).json.get("entry") == answer.json.get("entry")


def _known(visit: dict[str, str]) -> list[str]:
    types = {"ada": "Patient", "bob": "Patient", "visit": "Encounter", "flag": "Flag", "list": "List"}
    return [f"{types.get(name, 'Observation')}/{id}" for name, id in visit.items() if name != "name"]


def test_a_compartment_search_is_walked_page_by_page(api: FlaskClient, visit: dict[str, str]) -> None:
    url: str | None = f"/fhir/Patient/{visit['ada']}/*?_count=2"
    seen: list[str] = []
    while url:
        answer = api.get(url)
        seen += found(answer)
        following = link(answer, "next")
        assert following is None or following.startswith(f"{BASE}/Patient/{visit['ada']}/*?_count=2&_cursor=")
        url = following.removeprefix("http://127.0.0.1:8080") if following else None
    assert len(seen) == len(set(seen)) == 5


def test_a_compartment_search_has_a_page_for_people(api: FlaskClient, visit: dict[str, str]) -> None:
    for what, title in (("*", "Everything"), ("Observation", "Observation")):
        page = api.get(f"/fhir/Patient/{visit['ada']}/{what}?_count=1", headers={"Accept": "text/html"})
        assert f"{title} of Patient/{visit['ada']}" in page.text
        assert f'href="/fhir/Patient/{visit["ada"]}/{what}?_count=1&amp;_cursor=' in page.text


def test_a_cursor_belongs_to_its_compartment(api: FlaskClient, visit: dict[str, str]) -> None:
    following = link(api.get(f"/fhir/Patient/{visit['ada']}/Observation?_count=1"), "next")
    assert following is not None
    cursor = following.rpartition("_cursor=")[2]
    for elsewhere in (f"Patient/{visit['bob']}/Observation", "Observation", f"Patient/{visit['ada']}/*"):
        issue(api.get(f"/fhir/{elsewhere}?_count=1&_cursor={cursor}"), 400)


def test_counts_of_several_types_add_up(api: FlaskClient, visit: dict[str, str]) -> None:
    assert api.get(f"/fhir/Patient/{visit['ada']}/*?_summary=count").json["total"] == 5
    assert api.get(f"/fhir/?_type=Encounter,Observation&patient={visit['ada']}&_count=0").json["total"] == 3
    answer = api.get(f"/fhir/?_type=Encounter,Observation&patient={visit['ada']}&_sort=-date&_elements=status&_total=accurate")
    assert answer.json["total"] == 3
    assert all(set(one["resource"]) >= {"status", "meta"} and "subject" not in one["resource"] for one in answer.json["entry"])


@pytest.mark.parametrize(
    ("url", "status", "says"),
    [
        ("Patient/{ada}/Medication", 404, "Medication is no part of the Patient compartment. It has: AdverseEvent"),
        ("Organization/o/Patient", 404, "Organization has no compartment. These have: Device, Encounter, Patient"),
        ("Patient/nobody/Observation", 404, "nobody"),
        ("Patient/nobody/*", 404, "nobody"),
        ("Patient/{ada}/*?_type=Medication", 400, "Medication is no part"),
        ("Patient/{ada}/*?code=x", 400, "Appointment has no search parameter 'code'"),
        ("?_type=Nothing", 400, "no served resource type"),
        ("?name=x", 400, "has no search parameter 'name'"),
        ("Patient?_type=Patient", 400, "below the base"),
        ("Patient?_filter=name", 400, "column 5"),
        ("Patient?_has:Observation:nothing:code=x", 400, "Observation has no search parameter 'nothing'"),
        ("Location?near=1|2|3|km", 400, "near"),
        ("Patient?_text=x", 400, "full-text"),
    ],
)
def test_what_cannot_be_reached_is_refused_with_the_reason(
    api: FlaskClient, visit: dict[str, str], url: str, status: int, says: str
) -> None:
    assert says in issue(api.get(f"/fhir/{url.format(**visit)}"), status)["diagnostics"]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("subject:Device.name", "x", "Device has no search parameter 'name'"),
        ("encounter.patient.nothing", "x", "Patient has no search parameter 'nothing'"),
        ("encounter._filter", "status eq finished", "'_filter' stands by itself"),
        ("_filter", "_list eq x", "'_list' stands by itself"),
        ("code:below", "b", "needs the code system and the code, as in 'system|code'."),
    ],
)
def test_a_refusal_points_at_the_parameter_as_it_was_written(api: FlaskClient, name: str, text: str, says: str) -> None:
    told = issue(api.get("/fhir/Observation", query_string={name: text}), 400)
    assert told["expression"] == [f"http.{name}"]
    assert says in told["diagnostics"]
    assert not told["diagnostics"].endswith("CodeSystem.")


def test_the_compartment_of_what_was_deleted_is_gone(api: FlaskClient) -> None:
    gone = made(api, patient())["id"]
    assert found(api.get(f"/fhir/Patient/{gone}/*")) == [f"Patient/{gone}"]
    api.delete(f"/fhir/Patient/{gone}")
    issue(api.get(f"/fhir/Patient/{gone}/*"), 410)
    issue(api.get(f"/fhir/Patient/{gone}/Observation?_summary=count"), 410)


def test_conditions_of_writes_reach_as_far(api: FlaskClient, visit: dict[str, str]) -> None:
    condition = f"family={visit['name']}&_has:Observation:patient:code=mood"
    kept = create(api, patient(), if_none_exist=condition)
    assert (kept.status_code, kept.json["id"]) == (200, visit["ada"])
    condition = quote(f"_filter=given eq bob and family eq {visit['name']}", safe="=")
    kept = create(api, patient(), if_none_exist=condition)
    assert (kept.status_code, kept.json["id"]) == (200, visit["bob"])
    issue(create(api, patient(), if_none_exist="_has:Observation:patient=mood"), 400)
