"""Searching AuditEvents: every supported parameter against what the events are known to be, on both databases."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from service import wiring
from service.clock import to_datetime
from service.config import Settings
from service.errors import BadRequest, NotFound
from service.records import audit_events
from service.records.context import Context
from service.records.find import find
from service.records.read import HistoryQuery, history, read, vread
from service.search.audit import parameters
from service.search.query import Compartment
from tests.access import TESTS
from tests.audit_view.conftest import Trail
from tests.audit_view.world import DAY, FIRST, Told, fill

Test = Callable[[Told], bool]
DCM = "http://dicom.nema.org/resources/ontology/DCM"
SUBTYPE = "http://hl7.org/fhir/restful-interaction"
BASE = "http://127.0.0.1:8080/fhir"


def _subtype(told: Told) -> str | None:
    return told.kind.subtypes[0].code if told.kind.subtypes else None


def _purpose(told: Told) -> str | None:
    return told.event.purpose or told.caller.purpose


def _data(told: Told) -> str:
    return told.data or ""


def _has_data(told: Told) -> bool:
    return bool(told.data or (told.event.type and not told.event.reference))


def _asks(told: Told) -> bool:
    return told.event.query is not None


QUESTIONS: list[tuple[str, Test]] = [
    ("action=R", lambda one: one.kind.action == "R"),
    ("action=C,D", lambda one: one.kind.action in "CD"),
    ("action:not=R", lambda one: one.kind.action != "R"),
    ("action=http://hl7.org/fhir/audit-event-action|U", lambda one: one.kind.action == "U"),
    ("action=urn:other|U", lambda _: False),
    ("outcome=0", lambda one: one.event.outcome == "0"),
    ("outcome:not=0", lambda one: one.event.outcome != "0"),
    ("outcome=8,4", lambda one: one.event.outcome in "48"),
    ("type=rest", lambda one: one.kind.code == "rest"),
    (f"type={DCM}|110113", lambda one: one.kind.code == "110113"),
    (f"type={DCM}|", lambda one: one.kind.code != "rest"),
    (f"type={DCM}|rest", lambda _: False),
    ("type=http://terminology.hl7.org/CodeSystem/audit-event-type|rest", lambda one: one.kind.code == "rest"),
    ("subtype=read", lambda one: _subtype(one) == "read"),
    ("subtype=110122", lambda one: _subtype(one) == "110122"),
    ("subtype=110106", lambda _: False),
    (f"subtype={SUBTYPE}|search-type", lambda one: _subtype(one) == "search-type"),
    (f"subtype={SUBTYPE}|110122", lambda _: False),
    (f"subtype={DCM}|", lambda one: (_subtype(one) or "").startswith("110")),
    (f"subtype={SUBTYPE}|", lambda one: bool(_subtype(one)) and not (_subtype(one) or "").startswith("110")),
    ("subtype:missing=true", lambda one: _subtype(one) is None),
    ("subtype:not=read", lambda one: _subtype(one) != "read"),
    ("purpose=HCOMPL", lambda one: _purpose(one) == "HCOMPL"),
    ("purpose:not=HCOMPL", lambda one: _purpose(one) != "HCOMPL"),
    ("purpose:missing=false", lambda one: _purpose(one) is not None),
    ("patient=A", lambda one: one.patient == "A"),
    ("patient=Patient/B,Patient/C", lambda one: one.patient in ("B", "C")),
    (f"patient={BASE}/Patient/B", lambda one: one.patient == "B"),
    ("patient=a", lambda _: False),
    ("patient:missing=true", lambda one: one.patient is None),
    ("patient=A&patient=B", lambda _: False),
    ("agent=ehr-one", lambda one: one.caller.client == "ehr-one"),
    ("agent=Practitioner/n1", lambda one: one.caller.user == "Practitioner/n1"),
    ("agent=n1", lambda one: one.caller.user == "Practitioner/n1"),
    ("agent:Practitioner=lee", lambda one: one.caller.user == "Practitioner/lee"),
    ("agent=Patient/n1", lambda _: False),
    ("agent:identifier=gate_way.2", lambda one: one.caller.client == "gate_way.2"),
    (f"agent:identifier={BASE}/sid/client|pages", lambda one: one.caller.client == "pages"),
    ("agent:identifier=urn:other|pages", lambda _: False),
    ("agent-name=zoe", lambda one: one.caller.name == "Zoë Müller"),
    ("agent-name=muller", lambda _: False),
    ("agent-name:contains=MULLER", lambda one: one.caller.name == "Zoë Müller"),
    ("agent-name:missing=true", lambda one: one.caller.name is None),
    ("agent-role=auditor", lambda one: one.caller.role == "auditor"),
    (f"agent-role={BASE}/CodeSystem/role|ehr", lambda one: one.caller.role == "ehr"),
    ("agent-role:not=ehr", lambda one: one.caller.role != "ehr"),
    ("address=10.0.0.2", lambda one: one.caller.address.startswith("10.0.0.2")),
    ("address:exact=10.0.0.2", lambda _: False),
    ("address:missing=true", lambda one: not one.caller.address),
    ("entity=Observation/o1", lambda one: (_data(one) + "/").startswith("Observation/o1/")),
    ("entity=Observation/o1/_history/1", lambda one: _data(one) == "Observation/o1/_history/1"),
    ("entity=Observation/o1/_history/2", lambda one: _data(one) == "Observation/o1/_history/2"),
    ("entity=o1", lambda one: (_data(one) + "/").startswith("Observation/o1/")),
    ("entity=n1", lambda one: _data(one) == "Device/n1"),
    ("entity=A", lambda one: one.patient == "A" or _data(one) in ("Location/A", "Patient/A")),
    ("entity=Patient/A", lambda one: one.patient == "A"),
    ("entity=Patient/A/_history/1", lambda _: False),
    ("entity=https://elsewhere.example/fhir/Observation/o1", lambda _: False),
    ("entity-type=1", lambda one: one.patient is not None),
    ("entity-type=2", lambda one: _has_data(one) or _asks(one)),
    ("entity-type=4", lambda one: one.event.subject is not None),
    ("entity-type=XrequestId", lambda one: not one.caller.is_internal),
    ("entity-type:missing=true", lambda one: one.caller.is_internal and one.event.subject is None),
    ("entity:missing=true", lambda one: one.patient is None and one.data is None),
    ("entity-role:missing=true", lambda one: one.patient is None and not _has_data(one) and not _asks(one)),
    ("entity-role=24", _asks),
    ("entity-role=http://terminology.hl7.org/CodeSystem/object-role|4", _has_data),
    ("entity-role:not=4", lambda one: not _has_data(one)),
    ("date=2026-01-02", lambda one: DAY // 3 <= one.recorded - FIRST - DAY < DAY + DAY // 3),
    ("date=ge2026-02", lambda one: to_datetime(one.recorded - DAY // 3).month >= 2),
    ("date=gt2026-01-15T00:00:00Z&date=lt2026-03-01T00:00:00Z", lambda one: FIRST + 14 * DAY < one.recorded < FIRST + 59 * DAY),
    ("_lastUpdated=le2026-01-10T00:00:00Z", lambda one: one.recorded <= FIRST + 9 * DAY),
    ("date=ne2026-01-02", lambda one: not DAY // 3 <= one.recorded - FIRST - DAY < DAY + DAY // 3),
    ("patient=A&action=R&agent-role=ehr", lambda one: one.patient == "A" and one.kind.action == "R" and one.caller.role == "ehr"),
]


def _pairs(query: str) -> list[tuple[str, str]]:
    return [(part.partition("=")[0], part.partition("=")[2]) for part in query.split("&") if part]


def _asked(trail: Trail, query: str, **more: Any) -> Any:
    return find(Context(trail.service, TESTS), "AuditEvent", _pairs(query), lenient=False, **more)[1]


def _walk(trail: Trail, query: str, count: int) -> list[str]:
    found, cursor = [], ""
    while True:
        page = _asked(trail, f"{query}&_count={count}{cursor}")
        found += [one.id for one in page.matches]
        if page.next is None:
            return found
        assert len(page.matches) == count
        cursor = f"&_cursor={page.next}"


@pytest.mark.parametrize(("query", "test"), QUESTIONS, ids=[query for query, _ in QUESTIONS])
def test_a_search_finds_what_there_is_and_counts_it(trail: Trail, query: str, test: Test) -> None:
    expected = {one.id for one in trail.told if test(one)}
    page = _asked(trail, f"{query}&_count=1000&_total=accurate")
    assert {one.id for one in page.matches} == expected
    assert page.total == len(page.matches) == len(expected)
    assert _asked(trail, f"{query}&_summary=count").total == len(expected)
    assert _asked(trail, f"{query}&_count=1&_total=accurate").total == len(expected)


def test_the_questions_have_power() -> None:
    """Every parameter is asked, and most questions choose some events and leave some."""
    asked = {name.partition(":")[0] for query, _ in QUESTIONS for name, _ in _pairs(query)}
    assert asked == parameters.MODIFIERS.keys() - {"_id"}


@pytest.mark.parametrize("count", [1, 7, 50])
@pytest.mark.parametrize("query", ["", "patient=A", "action:not=C", "_sort=date", "_sort=-_lastUpdated&patient=B"])
def test_pages_hold_each_event_once_in_order(trail: Trail, query: str, count: int) -> None:
    patient = dict(_pairs(query)).get("patient")
    told = [one for one in trail.told if patient in (None, one.patient) and ("action" not in query or one.kind.action != "C")]
    found = _walk(trail, query, count)
    assert sorted(found) == sorted(one.id for one in told)
    instants = {one.id: one.recorded for one in told}
    assert [instants[id] for id in found] == sorted((instants[id] for id in found), reverse="_sort=date" not in query)


def test_every_event_is_read_by_its_id(trail: Trail) -> None:
    ctx = Context(trail.service, TESTS)
    for one in trail.told[:40]:
        tree = json.loads(read(ctx, "AuditEvent", one.id).text or "")
        assert (tree["id"], tree["meta"]["versionId"]) == (one.id, "1")
        assert [page.id for page in _asked(trail, f"_id={one.id}").matches] == [one.id]
        assert vread(ctx, "AuditEvent", one.id, 1).text == read(ctx, "AuditEvent", one.id).text
        assert [version.id for version in history(ctx, HistoryQuery("AuditEvent", one.id)).versions] == [one.id]
        with pytest.raises(NotFound):
            vread(ctx, "AuditEvent", one.id, 2)


def test_no_other_id_names_an_event(trail: Trail) -> None:
    """An entry with several patients is no AuditEvent, and one without has no places."""
    one = next(one for one in trail.told if one.id.count("-") == 4)
    several = next(one for one in trail.told if one.id.endswith("-1"))
    entry = several.id.removesuffix("-1")
    for id in (f"{one.id}-1", f"{one.id}-0", entry, f"{entry}-9", f"{entry}-01", one.id.upper(), "x", "1"):
        with pytest.raises(NotFound):
            read(Context(trail.service, TESTS), "AuditEvent", id)
        assert _asked(trail, f"_id={id}").matches == ()


def test_a_compartment_has_the_events_of_its_patient_or_person(trail: Trail) -> None:
    page = _asked(trail, "_count=1000", compartment=Compartment("Patient", "B"))
    assert {one.id for one in page.matches} == {one.id for one in trail.told if one.patient == "B"} != set()
    page = _asked(trail, "_count=1000", compartment=Compartment("Practitioner", "n1"))
    assert {one.id for one in page.matches} == {one.id for one in trail.told if one.caller.user == "Practitioner/n1"} != set()


def test_below_the_base_they_are_asked_for_alone(trail: Trail) -> None:
    ctx = Context(trail.service, TESTS)
    _, page = find(ctx, None, [("_type", "AuditEvent"), ("_count", "1000")], lenient=False)
    assert {one.id for one in page.matches} == {one.id for one in trail.told}
    _, everything = find(ctx, None, [("_count", "1000")], lenient=False)
    assert [one for one in everything.matches if one.type == "AuditEvent"] == []
    with pytest.raises(BadRequest, match="searched alone"):
        find(ctx, None, [("_type", "Patient,AuditEvent")], lenient=False)


@pytest.mark.parametrize(
    "query",
    [
        *("altid=x", "entity-name=x", "policy=x", "site=x", "source=Device/x", "_tag=x", "_security=x", "_profile=x", "_source=x"),
        *(
            "_filter=action eq R",
            "_has:Provenance:target:agent=x",
            "_list=x",
            "_include=AuditEvent:patient",
            "_revinclude=Provenance:target",
        ),
        *("patient.name=x", "agent.name=x", "entity:Patient.name=x", "patient:identifier=x", "patient:above=x"),
        *("subtype:in=x", "type:text=x", "action:above=x", "date:missing=true", "_explain=true", "nonsense=1", "_query=x", "_text=x"),
        *("_sort=patient", "_sort=-date,action", "_contained=true", "_count=x", "date=never", "action="),
    ],
)
def test_what_is_not_supported_is_refused_and_says_what_is(trail: Trail, query: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        _asked(trail, query)
    [issue] = refusal.value.issues
    assert (issue.expression or "").startswith("http.")
    if issue.rule == "search-parameter":
        assert "It has: _id, _lastUpdated, action," in issue.diagnostics or "no value" in issue.diagnostics


def test_a_lenient_search_leaves_it_out_and_says_so(trail: Trail) -> None:
    ctx = Context(trail.service, TESTS)
    _, page = find(ctx, "AuditEvent", [("site", "x"), ("patient", "A"), ("_count", "1000")], lenient=True)
    assert {one.id for one in page.matches} == {one.id for one in trail.told if one.patient == "A"}
    assert [(issue.severity, issue.expression) for issue in page.issues] == [("warning", "http.site")]


@pytest.mark.parametrize(
    ("type", "name", "value"),
    [
        ("Patient", "_revinclude", "AuditEvent:patient"),
        ("Patient", "_revinclude", "AuditEvent:*"),
        ("Patient", "_revinclude:iterate", "AuditEvent:entity"),
        ("Observation", "_has:AuditEvent:entity:action", "R"),
    ],
)
def test_no_other_search_leads_to_the_trail(trail: Trail, type: str, name: str, value: str) -> None:
    with pytest.raises(BadRequest, match="kept apart from the record"):
        find(Context(trail.service, TESTS), type, [(name, value)], lenient=False)


def test_the_id_of_an_event_is_one_that_fhir_allows(trail: Trail) -> None:
    assert all(len(one.id) <= 64 for one in trail.told)
    assert audit_events.TYPE == "AuditEvent"


def test_the_index_of_the_record_says_nothing_of_the_trail(settings: Settings) -> None:
    """A service with another time zone has made the index its own: dates of the record wait for a reindex, those of the trail do not."""
    here, there = (wiring.service(replace(settings, time_zone=zone)) for zone in ("America/Los_Angeles", "UTC"))
    told, ctx = fill(there, rounds=1), Context(here, TESTS)
    with pytest.raises(BadRequest, match="reindex"):
        find(ctx, "Observation", [("date", "2026")], lenient=False)
    _, page = find(ctx, "AuditEvent", [("date", "ge2026-01-02"), ("_count", "1000")], lenient=False)
    assert {one.id for one in page.matches} == {one.id for one in told if one.recorded >= FIRST + DAY + DAY // 3}
    for one in (here, there):
        one.database.dispose()
