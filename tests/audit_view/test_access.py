"""Who sees which AuditEvents, and what of them: the leak rows 35 and 36, rule R18, and the scopes."""

import json
from base64 import b64decode
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.clock import to_text
from service.records import audit_events
from service.records.clients import Registration
from service.search.query import EVERYTHING
from service.security.roles import ROLES
from tests.access import admitted
from tests.audit_view.conftest import Trail
from tests.audit_view.world import Told

AUDITOR = Registration("auditor-portal", role="auditor")
PRIVACY = Registration("privacy-desk", role="privacy-officer")
PATIENT_APP = Registration("app-of-patients", "patient/AuditEvent.rs patient/Observation.rs audit.full")
READS_ONLY = Registration("reads-only", "system/AuditEvent.rs?subtype=http://hl7.org/fhir/restful-interaction|read")
FAILURES = Registration("failures", "system/AuditEvent.rs?outcome=8 system/AuditEvent.rs?outcome=4")
LABELLED = Registration("labelled", "system/AuditEvent.rs?_tag=urn:x|y")
LISTER = Registration("lister", "system/AuditEvent.s")
READER = Registration("reader", "system/AuditEvent.r")


def _search(client: FlaskClient, query: str = "", world: str = "date=lt2026-11") -> Any:
    """A search of the events of the world, which are older than those of the test itself."""
    answer = client.get(f"/fhir/AuditEvent?{world}&{query}")
    assert answer.status_code == 200, answer.text
    return answer.json


def _ids(bundle: Any) -> list[str]:
    return [entry["resource"]["id"] for entry in bundle.get("entry", ())]


def _all(client: FlaskClient, query: str = "") -> list[Any]:
    return [entry["resource"] for entry in _search(client, f"_count=1000&{query}").get("entry", ())]


def _of(trail: Trail, patient: str) -> set[str]:
    return {one.id for one in trail.told if one.patient == patient}


def test_leak_35_an_event_of_one_patient_names_no_other(trail: Trail) -> None:
    """Also not in what was searched for, and whatever view is asked for."""
    app = admitted(trail.app, PATIENT_APP, patient="A")
    others = ("Patient/B", "Patient/C", "Bertram", "Bell", "A,B,C", "A%2CB")
    for view in ("", "_elements=entity", "_summary=true", "_summary=data", "_summary=text"):
        bundle = _search(app, f"_count=1000&_total=accurate&{view}")
        assert set(_ids(bundle)) == _of(trail, "A")
        assert bundle["total"] == len(_of(trail, "A"))
        queries = [
            b64decode(one["query"]).decode() for entry in bundle["entry"] for one in entry["resource"].get("entity", ()) if "query" in one
        ]
        assert queries or view in ("_summary=true", "_summary=text")
        told = json.dumps(bundle) + "\n".join(queries)
        assert [word for word in others if word in told] == []


def test_leak_35_every_way_to_an_event_of_another_patient_is_as_if_there_were_none(trail: Trail) -> None:
    app = admitted(trail.app, PATIENT_APP, patient="A")
    never = app.get("/fhir/AuditEvent/019b7892-1c00-7248-bedd-ac5c65856b31")
    others = [one for one in trail.told if one.patient != "A"]
    assert len(others) > 30
    for one in others[:30]:
        for path in ("", "/_history/1", "/_history"):
            hidden = app.get(f"/fhir/AuditEvent/{one.id}{path}")
            plain = app.get(f"/fhir/AuditEvent/019b7892-1c00-7248-bedd-ac5c65856b31{path}")
            assert (hidden.status_code, _bare(hidden, one.id)) == (404, _bare(plain, "019b7892-1c00-7248-bedd-ac5c65856b31"))
        assert _search(app, f"_id={one.id}&_total=accurate")["total"] == 0
    assert never.status_code == 404
    for query in ("patient=B", "entity=Patient/B", "patient:missing=true", "patient=A&entity=Patient/B", "entity=Device/n1"):
        assert _search(app, f"{query}&_total=accurate")["total"] == 0
    hidden, never = app.get("/fhir/Patient/B/AuditEvent"), app.get("/fhir/Patient/never/AuditEvent")
    assert (hidden.status_code, _bare(hidden, "Patient/B")) == (never.status_code, _bare(never, "Patient/never"))
    assert hidden.json["total"] == 0


def _bare(answer: Any, id: str) -> str:
    return str(answer.text).replace(id, "{id}")


def test_leak_35_two_patients_of_one_entry_see_two_events(trail: Trail) -> None:
    seen = {id: set(_ids(_search(admitted(trail.app, PATIENT_APP, patient=id), "_count=1000"))) for id in "ABC"}
    assert all(seen.values())
    assert seen["A"] & seen["B"] == seen["B"] & seen["C"] == set()
    assert seen["A"] | seen["B"] | seen["C"] == {one.id for one in trail.told if one.patient}


@pytest.mark.parametrize("role", ["gateway", "gateway-correction", "ehr", "subscriber", "admin", "clinician"])
def test_leak_36_who_has_no_scope_on_the_trail_is_refused_before_anything_is_looked_at(trail: Trail, role: str) -> None:
    device = "Device/pump-1" if role.startswith("gateway") else None
    scopes = " ".join(ROLES[role].scopes)
    client = admitted(trail.app, Registration(f"no-{role}", scopes, role=role, device=device))
    texts = set()
    for path in (
        "AuditEvent",
        "AuditEvent?patient=A",
        "AuditEvent?nonsense=1",
        f"AuditEvent/{trail.told[0].id}",
        "AuditEvent/x",
        "?_type=AuditEvent",
    ):
        answer = client.get(f"/fhir/{path}".replace("/fhir/?", "/fhir?"))
        assert answer.status_code == 403, path
        texts.add(answer.text)
    assert len(texts) <= 2, "one text for each letter"
    assert client.get("/fhir/Patient/A/AuditEvent").status_code == 403


def test_everything_but_the_trail_is_what_a_star_means(trail: Trail) -> None:
    assert admitted(trail.app, Registration("star", "system/*.cruds")).get("/fhir/AuditEvent").status_code == 403


def test_RULE18_what_was_searched_for_is_shown_as_its_kind(trail: Trail) -> None:
    masked = {_id(one): _asked(one) for one in _all(admitted(trail.app, AUDITOR)) if _asked(one)}
    whole = {_id(one): _asked(one) for one in _all(admitted(trail.app, PRIVACY)) if _asked(one)}
    told = {one.id: one.event.query for one in trail.told if one.event.query}
    assert whole == told
    assert masked.keys() == told.keys()
    assert set(masked.values()) == {
        "Observation?patient=***&_count=***",
        "Patient?name=***&birthdate=***",
        "Patient/***/Observation?code=***",
        "AuditEvent?patient=***",
        "_history?_since=***",
        "Observation/$lastn?patient=***",
        "Observation/***",
        "Patient/***",
    }


def test_RULE18_a_scope_on_one_patient_shows_no_values_even_with_the_named_scope(trail: Trail) -> None:
    asked = {_asked(one) for one in _all(admitted(trail.app, PATIENT_APP, patient="A"))} - {None}
    assert asked == {"Observation?patient=***&_count=***", "_history?_since=***", "Observation/$lastn?patient=***"}


def _id(tree: Any) -> str:
    return str(tree["id"])


def _asked(tree: Any) -> str | None:
    return next((b64decode(one["query"]).decode() for one in tree.get("entity", ()) if "query" in one), None)


@pytest.mark.parametrize(
    ("client", "test"),
    [
        (READS_ONLY, lambda one: one.kind.interaction == "read"),
        (FAILURES, lambda one: one.event.outcome != "0"),
        (LABELLED, lambda _: False),
        (AUDITOR, lambda _: True),
    ],
    ids=["reads-only", "failures", "labelled", "auditor"],
)
def test_conditions_of_a_scope_hold_in_every_answer(trail: Trail, client: Registration, test: Any) -> None:
    sender = admitted(trail.app, client)
    expected = {one.id for one in trail.told if test(one)}
    bundle = _search(sender, "_count=1000&_total=accurate")
    assert (set(_ids(bundle)), bundle["total"]) == (expected, len(expected))
    for one in trail.told[:25]:
        assert (sender.get(f"/fhir/AuditEvent/{one.id}").status_code == 200) is (one.id in expected)
    narrowed = {one.id for one in trail.told if test(one) and one.patient == "A"}
    assert set(_ids(_search(sender, "patient=A&_count=1000"))) == narrowed


def test_letters_are_kept_apart(trail: Trail) -> None:
    one = trail.told[0]
    assert admitted(trail.app, LISTER).get(f"/fhir/AuditEvent/{one.id}").status_code == 403
    assert admitted(trail.app, LISTER).get("/fhir/AuditEvent").status_code == 200
    assert admitted(trail.app, READER).get(f"/fhir/AuditEvent/{one.id}").status_code == 200
    assert admitted(trail.app, READER).get("/fhir/AuditEvent").status_code == 403


def test_leak_16_a_cursor_is_good_for_the_one_who_got_it(trail: Trail) -> None:
    bundle = _search(admitted(trail.app, AUDITOR), "_count=2")
    [following] = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
    path = following.removeprefix("http://127.0.0.1:8080")
    assert admitted(trail.app, AUDITOR).get(path).status_code == 200
    for other, patient in ((PRIVACY, None), (PATIENT_APP, "A"), (READS_ONLY, None)):
        assert admitted(trail.app, other, patient=patient).get(path).status_code == 400
    assert admitted(trail.app, AUDITOR).get(path.replace("_count=2", "_count=3")).status_code == 400


@pytest.mark.parametrize(
    ("method", "path"), [("POST", ""), ("PUT", "/x"), ("PATCH", "/x"), ("DELETE", "/x"), ("DELETE", "?patient=A"), ("GET", "/_history")]
)
def test_nobody_writes_the_trail(trail: Trail, method: str, path: str) -> None:
    answer = admitted(trail.app).open(f"/fhir/AuditEvent{path}", method=method, json={"resourceType": "AuditEvent"})
    assert answer.status_code == 405


def test_each_event_passes_the_gate_of_the_service(trail: Trail) -> None:
    gate = trail.service.gate
    trees = _all(admitted(trail.app, PRIVACY))
    assert len(trees) == len(trail.told)
    assert [(one["id"], issue) for one in trees for issue in gate.check(one) if issue.severity == "error"] == []
    claimed = [one["meta"]["profile"][0] for one in trees if "profile" in one["meta"] and _patients(one)]
    assert len(claimed) > 20
    assert [url for url in claimed if ".BasicAudit.Patient" not in url] == []


def test_an_event_says_who_what_and_when(trail: Trail) -> None:
    client = admitted(trail.app, PRIVACY)
    for one in trail.told[:30]:
        tree = client.get(f"/fhir/AuditEvent/{one.id}").json
        assert tree["recorded"] == tree["meta"]["lastUpdated"] == to_text(one.recorded)
        assert _patients(tree) == ([f"Patient/{one.patient}"] if one.patient else [])
        assert tree["agent"][0]["who"]["identifier"]["value"] == one.caller.client


def _patients(tree: Any) -> list[str]:
    rows = [one for one in tree.get("entity", ()) if one.get("role", {}).get("code") == "1"]
    return [one["what"]["reference"] for one in rows]


def test_searching_the_trail_is_recorded_once(trail: Trail) -> None:
    client, reader = admitted(trail.app, AUDITOR), admitted(trail.app)
    mine = "agent:identifier=auditor-portal&_count=1000"
    before = _ids(_search(reader, mine, world="date=gt2026-10"))
    _search(client, "patient=A&_count=3")
    after = _search(reader, mine, world="date=gt2026-10")
    [new] = [entry["resource"] for entry in after["entry"] if entry["resource"]["id"] not in before]
    assert (new["subtype"][0]["code"], new["action"], _patients(new)) == ("search-type", "E", ["Patient/A"])
    assert isinstance(trail.told[0], Told)


@pytest.mark.parametrize("client", [PATIENT_APP, READS_ONLY, FAILURES], ids=["patient", "reads-only", "failures"])
def test_RULE20_what_the_search_lets_through_by_mistake_does_not_leave(
    trail: Trail, client: Registration, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The restriction is put out of order; the second opinion is not."""
    monkeypatch.setattr(audit_events, "_restriction", lambda _ctx, _letter: EVERYTHING)
    sender = admitted(trail.app, client, patient="A" if client is PATIENT_APP else None)
    hidden = next(one for one in trail.told if one.patient == "B" and one.kind.interaction == "search-type")
    for path in ("AuditEvent", f"AuditEvent/{hidden.id}", f"AuditEvent?_id={hidden.id}"):
        answer = sender.get(f"/fhir/{path}")
        assert answer.status_code == 500
        assert "Patient/B" not in answer.text
