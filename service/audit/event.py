"""AuditEvents as they are stored: what happened, told in the shape of IHE BALP 1.1.4 (https://profiles.ihe.net/ITI/BALP/).

Pure: from what happened (`Event`), who did it (`Actor`) and where (`Site`) to the bytes that are hashed. An event that succeeded and for
which BALP has a profile claims it; operations, histories, failures and the service's own events have none and are plain AuditEvents.
A search is told by its question, never by its results; the patients on its page are entities, in their order. Several patients are
more than BALP's profiles for one patient take: then the plain one is claimed, and whoever shows the event shows one for each patient.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from service.audit.kinds import DCM, ENTITY_TYPE, PARTICIPATION, REST_TYPE, Coding, Kind
from service.clock import to_text

SUCCESS, MINOR, SERIOUS = "0", "4", "8"
"""Outcomes: done; refused or failed by the request; failed by the service, or an attempt at what is forbidden."""

_PROFILE = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
_REQUEST_ID = {"system": "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType", "code": "XrequestId"}
_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_TOKEN = "urn:ietf:params:oauth:jti:"  # noqa: S105 - the name of a kind of identifier
_IP, _MACHINE, _URI = "2", "1", "5"
_PERSON, _SYSTEM, _OTHER = ({"system": ENTITY_TYPE, "code": code} for code in ("1", "2", "4"))
_PATIENT, _RESOURCE, _QUERY = ({"system": _ROLE, "code": code} for code in ("1", "4", "24"))
_encoded = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: `client` is the registered client or names internal work, `user` refers to a person (`Practitioner/id`), `token` is the
    id of the row of the token or session, never the token. `purpose` is a code of v3-ActReason."""

    client: str
    user: str | None = None
    name: str | None = None
    role: str | None = None
    address: str = ""
    token: str | None = None
    purpose: str | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """Where it happened: the service, known by its FHIR base."""

    base_url: str


@dataclass(frozen=True, slots=True)
class Event:
    """What happened.

    `reference` is the resource (`Type/id`, with `/_history/n` for a version that this event made), `type` its type where it has no id.
    `query` is the request as it was asked, `description` says the same without values. `subject` names what is no resource: a client,
    a file, a setting. `details` are (name, text) of the resource or subject. `told` says in constant words why it failed.
    `policy`: URLs under which it was allowed. `purpose`, where it is not that of the actor.
    """

    kind: Kind
    outcome: str = SUCCESS
    told: str | None = None
    reference: str | None = None
    type: str | None = None
    query: str | None = None
    description: str | None = None
    subject: str | None = None
    details: tuple[tuple[str, str], ...] = ()
    patients: tuple[str, ...] = ()
    purpose: str | None = None


def body(event: Event, actor: Actor, site: Site, recorded: int, request_id: str) -> bytes:
    """The AuditEvent as FHIR JSON, compact. `recorded` in microseconds since the epoch."""
    purpose = event.purpose or actor.purpose
    tree: dict[str, Any] = {"resourceType": "AuditEvent"}
    if profile := _profile(event):
        tree["meta"] = {"profile": [profile]}
    tree["type"] = event.kind.type.tree
    if event.kind.subtypes:
        tree["subtype"] = [one.tree for one in event.kind.subtypes]
    tree["action"] = event.kind.action
    tree["recorded"] = to_text(recorded)
    tree["outcome"] = event.outcome
    if event.told:
        tree["outcomeDesc"] = event.told
    if purpose:
        tree["purposeOfEvent"] = [_reason(purpose)]
    tree["agent"] = _agents(event.kind, actor, site, purpose)
    tree["source"] = {"observer": _observer(site), "type": [_WEB_SERVER]}
    if entities := _entities(event, request_id):
        tree["entity"] = entities
    return _encoded(tree)


_WEB_SERVER = {"system": "http://terminology.hl7.org/CodeSystem/security-source-type", "code": "3", "display": "Web Server"}


def _profile(event: Event) -> str | None:
    if event.kind.profile is None or event.outcome != SUCCESS:
        return None
    return f"{_PROFILE}{'Patient' if len(event.patients) == 1 else ''}{event.kind.profile}"


def _agents(kind: Kind, actor: Actor, site: Site, purpose: str | None) -> list[Mapping[str, Any]]:
    client: dict[str, Any] = {
        "type": {"coding": [kind.client.tree]},
        "who": {"identifier": {"system": f"{site.base_url}/sid/client", "value": actor.client}},
        "requestor": actor.user is None,
    }
    network = {"address": actor.address, "type": _IP} if actor.address else {"address": "localhost", "type": _MACHINE}
    if actor.user is None:
        client |= _extras(actor, site, purpose)
    client["network"] = network
    server = {
        "type": {"coding": [kind.server.tree]},
        "who": _observer(site),
        "requestor": False,
        "network": {"address": site.base_url, "type": _URI},
    }
    return [client, server] if actor.user is None else [client, server, _user(kind, actor, site, purpose)]


def _user(kind: Kind, actor: Actor, site: Site, purpose: str | None) -> Mapping[str, Any]:
    type = {"coding": [Coding(PARTICIPATION, kind.user).tree]}
    user: dict[str, Any] = {"type": type, "who": {"reference": actor.user}, "requestor": True}
    if actor.name:
        user["name"] = actor.name
    return user | _extras(actor, site, purpose)


def _extras(actor: Actor, site: Site, purpose: str | None) -> dict[str, Any]:
    """What is known of the one who asks: the role that he has here, the token, the purpose."""
    found: dict[str, Any] = {}
    if actor.role:
        found["role"] = [{"coding": [{"system": f"{site.base_url}/CodeSystem/role", "code": actor.role}]}]
    if actor.token:
        found["policy"] = [f"{_TOKEN}{actor.token}"]
    if purpose:
        found["purposeOfUse"] = [_reason(purpose)]
    return found


def _observer(site: Site) -> Mapping[str, Any]:
    return {"identifier": {"value": site.base_url}}


def _reason(code: str) -> Mapping[str, Any]:
    return {"coding": [{"system": _REASON, "code": code}]}


def _entities(event: Event, request_id: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    if event.reference or event.type:
        what = {"reference": event.reference} if event.reference else {"type": event.type}
        found.append(_with_details({"what": what, "type": _SYSTEM, "role": _RESOURCE}, event))
    if event.subject is not None:
        found.append(_with_details({"what": {"identifier": {"value": event.subject}}, "type": _OTHER}, event))
    if event.query is not None:
        found.append(_query(event.query, event.description))
    found += [{"what": {"reference": f"Patient/{id}"}, "type": _PERSON, "role": _PATIENT} for id in event.patients]
    if request_id:
        found.append({"what": {"identifier": {"value": request_id}}, "type": _REQUEST_ID})
    return found


def _query(query: str, description: str | None) -> Mapping[str, Any]:
    entity: dict[str, Any] = {"type": _SYSTEM, "role": _QUERY}
    if description:
        entity["description"] = description
    return {**entity, "query": base64.b64encode(query.encode()).decode()}


def _with_details(entity: dict[str, Any], event: Event) -> Mapping[str, Any]:
    if event.details:
        entity["detail"] = [{"type": name, "valueString": text} for name, text in event.details]
    return entity


__all__ = ["DCM", "MINOR", "REST_TYPE", "SERIOUS", "SUCCESS", "Actor", "Event", "Site", "body"]
