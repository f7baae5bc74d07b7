"""S-30: exactly one event for every interaction, with what it was about; read from the database, after every kind of request."""

import json
import uuid
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from service.app import create_app
from service.config import Settings
from service.storage.database import Database
from service.storage.tables.audit import audit_event, audit_patient
from service.validation.check import Asked
from tests.access import admitted
from tests.databases import KINDS, Databases

Told = tuple[str, str, str]
"""Interaction, action and outcome."""


@dataclass
class World:
    """A service with a patient and his observation, and how to ask what one request left behind."""

    client: FlaskClient
    database: Database
    patient: str = ""
    observation: str = ""

    def send(self, method: str, path: str, tree: Any = None, **headers: str) -> tuple[Any, list[Any]]:
        """The answer to a request, and the rows of the audit trail that it left."""
        name = str(uuid.uuid4())
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        body = {"json": tree} if isinstance(tree, dict | list) else {"data": tree} if tree is not None else {}
        answer = self.client.open(f"/fhir{path}", method=method, headers={"X-Request-Id": name, **named}, **body)
        return answer, self.rows(name)

    def rows(self, request_id: str) -> list[Any]:
        """The events of one request, in their order."""
        statement = select(audit_event).where(audit_event.c.request_id == request_id).order_by(audit_event.c.serial)
        with self.database.glance() as tx:
            return list(tx.connection.execute(statement))

    def patients(self, row: Any) -> list[str]:
        """The patients that the index of the trail has for an event, in their order."""
        about = select(audit_patient.c.patient).where(audit_patient.c.audit_id == row.audit_id).order_by(audit_patient.c.place)
        with self.database.glance() as tx:
            return list(tx.connection.scalars(about))


@pytest.fixture(scope="module", params=KINDS)
def world(request: pytest.FixtureRequest, databases: Databases) -> Iterator[World]:
    with databases.fresh(request.param) as url:
        app = create_app(replace(Settings(cursor_key="c" * 32, conditional_delete_multiple=True, body_bytes=200_000), database_url=url))
        database = app.extensions["infusion_records"].database
        found = World(admitted(app), database)
        found.patient = found.send("POST", "/Patient", PATIENT)[0].json["id"]
        found.observation = found.send("POST", "/Observation", found_of(found))[0].json["id"]
        yield found
        database.dispose()


PATIENT = {"resourceType": "Patient", "name": [{"family": "Rivera"}]}


def found_of(world: World) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "subject": {"reference": f"Patient/{world.patient}"},
        "valueQuantity": {"value": 70, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"},
    }


def _told(row: Any) -> Told:
    return row.interaction, row.action, row.outcome


STATS = "/Observation/$stats?subject=Patient/{p}&code=8867-4&system=http://loinc.org&statistic=count"

ONE: list[tuple[str, str, str, Any, int, Told]] = [
    ("create", "POST", "/Patient", PATIENT, 201, ("create", "C", "0")),
    ("read", "GET", "/Observation/{o}", None, 200, ("read", "R", "0")),
    ("head", "HEAD", "/Observation/{o}", None, 200, ("read", "R", "0")),
    ("vread", "GET", "/Observation/{o}/_history/1", None, 200, ("vread", "R", "0")),
    ("read-in-parts", "GET", "/Observation/{o}?_elements=status", None, 200, ("read", "R", "0")),
    ("search", "GET", "/Observation?code=8867-4", None, 200, ("search-type", "E", "0")),
    ("search-in-parts", "GET", "/Observation?_elements=status", None, 200, ("search-type", "E", "0")),
    ("search-by-form", "POST", "/Observation/_search", "code=8867-4", 200, ("search-type", "E", "0")),
    ("search-including", "GET", "/Observation?_include=Observation:subject", None, 200, ("search-type", "E", "0")),
    ("search-all", "GET", "/?_type=Patient,Observation&_count=100", None, 200, ("search-system", "E", "0")),
    ("compartment", "GET", "/Patient/{p}/Observation", None, 200, ("search-type", "E", "0")),
    ("history", "GET", "/Observation/{o}/_history", None, 200, ("history-instance", "E", "0")),
    ("history-type", "GET", "/Observation/_history", None, 200, ("history-type", "E", "0")),
    ("history-system", "GET", "/_history", None, 200, ("history-system", "E", "0")),
    ("everything", "GET", "/Patient/{p}/$everything", None, 200, ("operation", "E", "0")),
    ("lastn", "GET", "/Observation/$lastn?patient={p}", None, 200, ("operation", "E", "0")),
    ("stats", "GET", STATS, None, 200, ("operation", "E", "0")),
    ("meta", "GET", "/Observation/{o}/$meta", None, 200, ("operation", "E", "0")),
    ("validate", "GET", "/Observation/{o}/$validate", None, 200, ("operation", "E", "0")),
]  # fmt: skip

ABOUT_NOBODY: list[tuple[str, str, str, Any, int, Told]] = [
    ("capabilities", "GET", "/metadata", None, 200, ("capabilities", "E", "0")),
    ("expand", "GET", "/ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/administrative-gender", None, 200, ("operation", "E", "0")),
    ("count", "GET", "/Observation?_summary=count", None, 200, ("search-type", "E", "0")),
    ("unknown-id", "GET", "/Observation/nothing", None, 404, ("read", "R", "4")),
    ("unknown-type", "GET", "/Nothing", None, 404, ("rest", "E", "4")),
    ("unknown-path", "GET", "/a/b/c/d/e/f", None, 404, ("rest", "E", "4")),
    ("wrong-verb", "PUT", "/metadata", None, 405, ("rest", "E", "4")),
    ("any-verb", "PROPFIND", "/Patient", None, 405, ("rest", "E", "4")),
    ("half-a-pair", "GET", "/Patient?name=%ED%A0%80", None, 400, ("rest", "E", "4")),
    ("unknown-parameter", "GET", "/Observation?nonsense=1", None, 400, ("search-type", "E", "4")),
    ("invalid", "POST", "/Observation", {"resourceType": "Observation"}, 422, ("create", "C", "4")),
    ("no-json", "POST", "/Observation", "{", 400, ("create", "C", "4")),
    ("no-type", "POST", "/Observation", "<a/>", 415, ("create", "C", "4")),
    ("too-long", "POST", "/Observation", {"resourceType": "Observation", "note": "x" * 300_000}, 413, ("create", "C", "4")),
    ("not-acceptable", "GET", "/Observation/x", None, 406, ("rest", "E", "4")),
    ("absent", "DELETE", "/Observation/nothing", None, 204, ("delete", "D", "0")),
    ("absent-by-condition", "DELETE", "/Observation?identifier=nothing", None, 204, ("delete", "D", "0")),
]

_HEADERS = {
    "search-by-form": {"Content_Type": "application/x-www-form-urlencoded"},
    "no-json": {"Content_Type": "application/fhir+json"},
    "no-type": {"Content_Type": "application/xml"},
    "not-acceptable": {"Accept": "application/xml"},
}


def _send(world: World, case: tuple[str, str, str, Any, int, Told]) -> Any:
    name, method, path, tree, status, told = case
    filled = path.replace("{o}", world.observation).replace("{p}", world.patient)
    answer, rows = world.send(method, filled, tree, **_HEADERS.get(name, {}))
    assert answer.status_code == status, answer.text
    assert [_told(row) for row in rows] == [told]
    return rows[0]


@pytest.mark.parametrize("case", ONE, ids=[case[0] for case in ONE])
def test_one_event_with_its_patient(world: World, case: tuple[str, str, str, Any, int, Told]) -> None:
    row = _send(world, case)
    body = json.loads(row.body)
    about = [one["what"]["reference"] for one in body["entity"] if one.get("role", {}).get("code") == "1"]
    assert about == [f"Patient/{id}" for id in world.patients(row)]
    if case[0] != "create":
        assert world.patient in world.patients(row)


@pytest.mark.parametrize("case", ABOUT_NOBODY, ids=[case[0] for case in ABOUT_NOBODY])
def test_one_event_about_nobody(world: World, case: tuple[str, str, str, Any, int, Told]) -> None:
    row = _send(world, case)
    assert world.patients(row) == []
    if case[4] >= 400:
        assert json.loads(row.body)["outcomeDesc"].startswith(f"{case[4]} ")


def test_without_credentials_one_event(world: World) -> None:
    answer, rows = world.send("GET", f"/Patient/{world.patient}", Authorization="Bearer wrong")
    assert answer.status_code == 401
    assert [(row.kind, *_told(row)) for row in rows] == [("110114", "110122", "E", "4")]
    assert "wrong" not in rows[0].body.decode()


def test_a_changed_resource_tells_of_both_patients(world: World) -> None:
    other = world.send("POST", "/Patient", PATIENT)[0].json["id"]
    made = world.send("POST", "/Observation", found_of(world))[0].json
    moved = {**made, "subject": {"reference": f"Patient/{other}"}}
    answer, rows = world.send("PUT", f"/Observation/{made['id']}", moved)
    assert answer.status_code == 200
    assert [(row.interaction, row.target) for row in rows] == [("update", f"Observation/{made['id']}/_history/2")]
    assert world.patients(rows[0]) == sorted([world.patient, other])
    again, rows = world.send("PUT", f"/Observation/{made['id']}", {**moved, "meta": answer.json["meta"]})
    assert again.json["meta"]["versionId"] == "2"
    assert [(row.interaction, row.action, row.target) for row in rows] == [("update", "U", f"Observation/{made['id']}")]
    patched = [{"op": "replace", "path": "/status", "value": "amended"}]
    _, rows = world.send("PATCH", f"/Observation/{made['id']}", json.dumps(patched), Content_Type="application/json-patch+json")
    assert [(row.interaction, row.action, row.target) for row in rows] == [("patch", "U", f"Observation/{made['id']}/_history/3")]
    _, rows = world.send("DELETE", f"/Observation/{made['id']}")
    assert [(row.interaction, row.action, row.target) for row in rows] == [("delete", "D", f"Observation/{made['id']}/_history/4")]
    assert world.patients(rows[0]) == [other]
    gone, rows = world.send("GET", f"/Observation/{made['id']}")
    assert (gone.status_code, [_told(row) for row in rows]) == (410, [("read", "R", "4")])


def test_conditional_writes_and_repeated_ones(world: World) -> None:
    tag = str(uuid.uuid4())
    tree = {**PATIENT, "identifier": [{"system": "urn:t", "value": tag}]}
    world.send("POST", "/Patient", tree)
    found, rows = world.send("POST", "/Patient", tree, If_None_Exist=f"identifier=urn:t|{tag}")
    assert found.status_code == 200
    assert [(row.interaction, row.action, row.outcome, row.target) for row in rows] == [("create", "C", "0", f"Patient/{found.json['id']}")]
    details = [detail for entity in json.loads(rows[0].body)["entity"] for detail in entity.get("detail", ())]
    assert {"type": "condition", "valueString": f"identifier=urn:t|{tag}"} in details
    first, rows = world.send("POST", "/Patient", tree, Idempotency_Key=tag)
    assert len(rows) == 1
    again, rows = world.send("POST", "/Patient", tree, Idempotency_Key=tag)
    assert again.json == first.json
    assert again.headers["X-Audit-Entry"] == first.headers["X-Audit-Entry"]
    assert [(row.interaction, row.target) for row in rows] == [("create", f"Patient/{first.json['id']}")]
    assert world.patients(rows[0]) == [first.json["id"]]
    several, rows = world.send("DELETE", f"/Patient?identifier=urn:t|{tag}")
    assert several.status_code == 204
    assert [row.interaction for row in rows] == ["delete", "delete"]
    assert several.headers["X-Audit-Entry"].count(";leaf=") == 2


def _bundle(kind: str, *entries: tuple[str, str, Any]) -> dict[str, Any]:
    listed = [{"request": {"method": method, "url": url}, **({"resource": tree} if tree else {})} for method, url, tree in entries]
    return {"resourceType": "Bundle", "type": kind, "entry": listed}


def test_each_entry_of_a_bundle_is_one(world: World) -> None:
    entries = (("POST", "Patient", PATIENT), ("GET", f"Observation/{world.observation}", None), ("POST", "Patient", PATIENT))
    for kind in ("transaction", "batch"):
        answer, rows = world.send("POST", "", _bundle(kind, *entries))
        assert answer.status_code == 200
        assert sorted(row.interaction for row in rows) == ["create", "create", "read"]
        marks = [entry["response"].get("extension") for entry in answer.json["entry"]]
        assert [bool(mark) for mark in marks] == [True, False, True]
        ids = {mark[0]["valueString"].partition(";")[0] for mark in marks if mark}
        assert ids == {row.audit_id for row in rows if row.interaction == "create"}


def test_a_batch_tells_of_each_entry_that_fails(world: World) -> None:
    entries = (("GET", "Observation/nothing", None), ("GET", "Nonsense/1", None), ("POST", "Patient", PATIENT))
    broken = _bundle("batch", *entries, ("POST", "Observation", {"resourceType": "Observation"}))
    broken["entry"].append({"request": {"method": "NO"}})
    answer, rows = world.send("POST", "", broken)
    assert answer.status_code == 200
    assert sorted(_told(row) for row in rows) == sorted(
        [("read", "R", "4"), ("rest", "E", "4"), ("create", "C", "0"), ("create", "C", "4"), ("rest", "E", "4")]
    )


def test_a_transaction_that_fails_is_one(world: World) -> None:
    entries = (("POST", "Patient", PATIENT), ("GET", f"Observation/{world.observation}", None), ("GET", "Observation/nothing", None))
    answer, rows = world.send("POST", "", _bundle("transaction", *entries))
    assert answer.status_code == 404
    assert [_told(row) for row in rows] == [("transaction", "E", "4")]
    answer, rows = world.send("POST", "", _bundle("transaction", *entries[1:]))
    assert answer.status_code == 404
    assert [_told(row) for row in rows] == [("transaction", "E", "4")]


def test_a_repeated_bundle_is_one(world: World) -> None:
    for kind in ("transaction", "batch"):
        key, tree = str(uuid.uuid4()), _bundle(kind, ("POST", "Patient", PATIENT), ("GET", f"Observation/{world.observation}", None))
        first, rows = world.send("POST", "", tree, Idempotency_Key=key)
        assert sorted(row.interaction for row in rows) == ["create", "read"]
        again, rows = world.send("POST", "", tree, Idempotency_Key=key)
        assert again.json == first.json
        assert [row.interaction for row in rows] == [kind]
        assert world.patient in world.patients(rows[0])


def test_each_page_is_one_event_with_its_patients(world: World) -> None:
    for _ in range(3):
        world.send("POST", "/Patient", {**PATIENT, "name": [{"family": "Paged"}]})
    answer, rows = world.send("GET", "/Patient?family=Paged&_count=2")
    assert len(rows) == 1
    assert world.patients(rows[0]) == [entry["resource"]["id"] for entry in answer.json["entry"]]
    following = next(link["url"] for link in answer.json["link"] if link["relation"] == "next").partition("/fhir")[2]
    answer, rows = world.send("GET", following)
    assert len(rows) == 1
    assert world.patients(rows[0]) == [entry["resource"]["id"] for entry in answer.json["entry"]]


def _live(world: World) -> None:
    """Everything above, so that there is something of each kind, whatever ran before."""
    for case in (*ONE, *ABOUT_NOBODY):
        _send(world, case)
    test_a_changed_resource_tells_of_both_patients(world)
    test_conditional_writes_and_repeated_ones(world)
    test_a_transaction_that_fails_is_one(world)
    test_a_repeated_bundle_is_one(world)


def test_every_version_has_the_event_that_names_it(world: World) -> None:
    _live(world)
    versions = "SELECT v.version, v.fhir_id, e.target, e.outcome FROM version v LEFT JOIN audit_event e ON e.audit_id = v.audit_id"
    named = "SELECT count(*) FROM audit_event WHERE action IN ('C', 'U', 'D') AND outcome = '0' AND target LIKE '%/_history/%'"
    with world.database.read() as tx:
        found = tx.connection.exec_driver_sql(versions.replace("%", "%%")).all()
        assert len(found) > 10
        for number, id, target, outcome in found:
            assert (target.partition("/")[2], outcome) == (f"{id}/_history/{number}", "0")
        counted = tx.connection.exec_driver_sql(named.replace("%", "%%") if tx.dialect == "postgresql" else named).scalar()
        assert counted == len(found)


def test_a_secret_in_a_question_is_not_kept(world: World) -> None:
    _, rows = world.send("GET", "/Patient?access_token=0123456789")
    form = "client_assertion=0123456789&family=Rivera"
    _, others = world.send("POST", "/Patient/_search", form, Content_Type="application/x-www-form-urlencoded")
    told = [b64decode(entity["query"]) for row in (*rows, *others) for entity in json.loads(row.body)["entity"] if "query" in entity]
    assert told == [b"Patient?access_token=%2A%2A%2A", b"Patient/_search?client_assertion=%2A%2A%2A&family=Rivera"]


def test_every_stored_event_is_valid_against_what_it_claims(world: World) -> None:
    _live(world)
    gate = world.client.application.extensions["infusion_records"].gate
    with world.database.read() as tx:
        bodies = [json.loads(row.body) for row in tx.connection.execute(select(audit_event))]
    assert len(bodies) > 40
    claimed = {profile.rpartition(".")[2] for body in bodies for profile in body.get("meta", {}).get("profile", ())}
    assert {"Delete", "PatientCreate", "PatientRead", "PatientUpdate", "PatientDelete", "Query", "PatientQuery"} <= claimed
    for body in bodies:
        issues = gate.check(body, "AuditEvent", Asked(profiles=body.get("meta", {}).get("profile", ())))
        assert [issue for issue in issues if issue.severity in ("error", "fatal")] == [], body
