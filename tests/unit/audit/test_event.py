"""AuditEvents as they are stored: every kind is valid, against the BALP profile that it claims too; nothing of a secret stands in one."""

import base64
import json
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from service.audit import kinds
from service.audit.event import MINOR, SERIOUS, Actor, Event, Site, body
from service.audit.kinds import REST, Kind
from service.fhir import definitions, library
from service.validation.check import Asked, Gate
from service.validation.profile.hold import Holder

SITE = Site("https://records.clinic.example/fhir")
RECORDED = 1_800_000_000_123_000
CLIENT = Actor("gateway", address="10.0.0.7", token="0190-row")
PERSON = Actor("clinic", "Practitioner/p1", "Nora Quist", "clinician", "2001:db8::1", "0190-row", "TREAT")
INTERNAL = Actor("command-line")
BALP = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
VERSIONED = ("create", "update", "patch", "delete")
READS = ("read", "vread")
SEARCHES = ("search-type", "search-system")
OWN: dict[str, Kind] = {name: kind for name, kind in vars(kinds).items() if isinstance(kind, Kind)}


@cache
def _gate() -> Gate:
    known = definitions.load("")
    return Gate(known, Holder(known, library.load(), "", refuses=True))


def _tree(event: Event, actor: Actor = CLIENT) -> dict[str, Any]:
    return json.loads(body(event, actor, SITE, RECORDED, "request-1"))


def _require_valid(tree: dict[str, Any]) -> None:
    issues = _gate().check(tree, "AuditEvent", Asked(profiles=tree.get("meta", {}).get("profile", ())))
    assert [issue for issue in issues if issue.severity in ("error", "fatal")] == []


def _event(code: str, patients: tuple[str, ...] = ()) -> Event:
    if code in (*VERSIONED, *READS):
        return Event(REST[code], reference="Observation/o1/_history/2", type="Observation", patients=patients)
    return Event(REST[code], query="Observation?code=x&subject=Patient/1", description="GET code&subject", patients=patients)


@pytest.mark.parametrize("actor", [CLIENT, PERSON, INTERNAL], ids=["client", "person", "internal"])
@pytest.mark.parametrize("patients", [(), ("a",), ("a", "b")], ids=["nobody", "one", "two"])
@pytest.mark.parametrize("code", REST)
def test_every_interaction_is_valid(code: str, patients: tuple[str, ...], actor: Actor) -> None:
    tree = _tree(_event(code, patients), actor)
    _require_valid(tree)
    about = [one["what"]["reference"] for one in tree["entity"] if one.get("role", {}).get("code") == "1"]
    assert about == [f"Patient/{id}" for id in patients]


@pytest.mark.parametrize("code", [*VERSIONED, *READS, *SEARCHES])
def test_what_balp_has_a_profile_for_claims_it(code: str) -> None:
    name = REST[code].profile
    assert _tree(_event(code))["meta"]["profile"] == [f"{BALP}{name}"]
    assert _tree(_event(code, ("a",)))["meta"]["profile"] == [f"{BALP}Patient{name}"]
    assert _tree(_event(code, ("a", "b")))["meta"]["profile"] == [f"{BALP}{name}"]


@pytest.mark.parametrize("code", [*VERSIONED, *READS, *SEARCHES])
@pytest.mark.parametrize("broken", ["action", "agent", "entity", "source", "subtype"])
def test_the_profiles_can_fail(code: str, broken: str) -> None:
    tree = _tree(_event(code, ("a",)))
    if broken == "action":
        tree["action"] = "X"
    elif broken in ("agent", "entity"):
        tree[broken] = tree[broken][:1]
    else:
        del tree[broken]
    with pytest.raises(AssertionError):
        _require_valid(tree)


@pytest.mark.parametrize("outcome", [MINOR, SERIOUS])
@pytest.mark.parametrize("code", REST)
def test_a_failure_claims_no_profile_and_says_why(code: str, outcome: str) -> None:
    tree = _tree(replace(_event(code), outcome=outcome, told="404 Not Found: unknown-id"))
    _require_valid(tree)
    assert "meta" not in tree
    assert (tree["outcome"], tree["outcomeDesc"]) == (outcome, "404 Not Found: unknown-id")


@pytest.mark.parametrize("name", OWN)
def test_every_event_of_the_service_itself_is_valid(name: str) -> None:
    _require_valid(_tree(Event(OWN[name], subject="something", details=(("name", "text"),), purpose="ETREAT"), PERSON))


def test_the_codes_are_those_of_the_design() -> None:
    found = {name: (kind.code, kind.interaction, kind.action) for name, kind in OWN.items()}
    assert found["REFUSED"][:2] == ("110113", "110132")
    assert found["SIGNED_IN"][:2] == ("110114", "110122")
    assert found["STARTED"][:2] == ("110100", "110120")
    assert found["STOPPED"][:2] == ("110100", "110121")
    assert found["CONFIGURED"][:2] == ("110113", "110129")
    assert found["ROLES_CHANGED"][:2] == ("110113", "110136")
    assert found["CLIENT_CHANGED"][:2] == ("110113", "110137")
    assert found["GLASS_BROKEN"][:2] == ("110113", "110127")
    assert found["GLASS_MENDED"][:2] == ("110113", "110138")
    assert found["EXPORTED"] == ("110106", "110106", "R")


def test_a_question_is_told_and_no_answer() -> None:
    (entity,) = [one for one in _tree(_event("search-type", ("a",)))["entity"] if one.get("role", {}).get("code") == "24"]
    assert base64.b64decode(entity["query"]).decode() == "Observation?code=x&subject=Patient/1"
    assert entity["description"] == "GET code&subject"
    assert not {"what", "detail", "lifecycle"} & set(entity)


def test_who_asked_is_told() -> None:
    client, server, user = _tree(_event("read", ("a",)), PERSON)["agent"]
    assert client["who"] == {"identifier": {"system": f"{SITE.base_url}/sid/client", "value": "clinic"}}
    assert client["network"] == {"address": "2001:db8::1", "type": "2"}
    assert server["network"] == {"address": SITE.base_url, "type": "5"}
    assert (user["who"], user["name"]) == ({"reference": "Practitioner/p1"}, "Nora Quist")
    assert [one["requestor"] for one in (client, server, user)] == [False, False, True]
    assert user["policy"] == ["urn:ietf:params:oauth:jti:0190-row"]
    assert user["purposeOfUse"][0]["coding"][0]["code"] == "TREAT"


def test_on_a_read_the_data_come_from_the_server() -> None:
    def parts(code: str) -> list[str]:
        return [one["type"]["coding"][0]["code"] for one in _tree(_event(code))["agent"]]

    assert parts("read") == ["110152", "110153"]
    assert parts("create") == ["110153", "110152"]
    assert parts("search-type") == ["110153", "110152"]
    assert parts("delete") == ["110150", "custodian"]


def test_the_bytes_are_compact_and_the_time_is_exact() -> None:
    told = body(_event("read"), CLIENT, SITE, RECORDED, "")
    assert told == json.dumps(json.loads(told), separators=(",", ":")).encode()
    assert json.loads(told)["recorded"] == "2027-01-15T08:00:00.123Z"
