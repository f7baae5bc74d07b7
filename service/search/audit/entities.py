"""What the entities of an AuditEvent are, told by the columns of its entry: the patient, the resource, the question, other subjects.

An AuditEvent of one patient does not name the others (`audit.projection`), so what is found here is what it names. The resource is left
out where it is itself another patient. https://hl7.org/fhir/R4/auditevent-definitions.html#AuditEvent.entity
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, false, literal, not_, or_

from service.search.query import Target, Token
from service.search.types.folding import AFTER_ALL
from service.storage.audit_search import about, event

Condition = ColumnElement[bool]
Test = Callable[[], Condition]

_TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_OWN_TYPE = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"
_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"


def targeted(reference: str, version: str | None) -> Condition:
    """The event is about this resource, by whichever of its versions, or about this version of it."""
    below = f"{reference}/_history/"
    named = event.c.target == f"{below}{version}"
    if not version:
        named = or_(event.c.target == reference, and_(event.c.target > below, event.c.target < below + AFTER_ALL))
    return and_(event.c.type.is_not(None), event.c.target.is_not(None), named)


def of_any_type(id: str) -> Condition:
    """The event is about a resource with this id, of whichever type but Patient."""
    named = or_(event.c.target.like(f"%/{id}"), event.c.target.like(f"%/{id}/\\_history/%", escape="\\"))
    return and_(event.c.type.is_not(None), event.c.type != "Patient", event.c.target.is_not(None), named)


def about_patient(target: Target) -> Condition:
    """A patient is an entity of the events of that patient, and of events that are about nobody's record."""
    read = targeted(f"Patient/{target.id}", target.version)
    theirs = and_(about.c.patient.is_not(None), about.c.patient == target.id)
    if target.version:
        return and_(read, or_(about.c.patient.is_(None), theirs))
    return or_(theirs, and_(read, about.c.patient.is_(None)))


def coded(name: str, token: Token) -> Condition:
    """An entity has a code: `name` is entity-type or entity-role."""
    fitting = (row for row in CODED[name] if token.code in (None, row.code) and token.system in (None, row.system))
    return or_(false(), *(test() for row in fitting for test in row.tests))


def absent(name: str) -> Condition:
    """No entity has a code; for `entity`, none refers to a resource."""
    if name in CODED:
        return not_(or_(*(test() for row in CODED[name] for test in row.tests)))
    return not_(or_(_has_patient(), and_(_has_resource(), event.c.target.is_not(None))))


def _has_patient() -> Condition:
    return about.c.patient.is_not(None)


def _has_resource() -> Condition:
    name = literal("Patient/") + about.c.patient
    own = or_(event.c.target == name, event.c.target.like(name + "/%"))
    return and_(event.c.type.is_not(None), or_(event.c.type != "Patient", event.c.target.is_(None), about.c.patient.is_(None), own))


def _has_question() -> Condition:
    condition: Condition = event.c.is_question.is_(True)
    return condition


def _has_subject() -> Condition:
    return and_(event.c.type.is_(None), event.c.target.is_not(None))


def _has_request() -> Condition:
    condition: Condition = event.c.request_id != ""
    return condition


@dataclass(frozen=True, slots=True)
class _Code:
    """A code that entities have, its system, and the conditions that each tell of such an entity."""

    code: str
    system: str
    tests: tuple[Test, ...]


CODED: Mapping[str, tuple[_Code, ...]] = {
    "entity-type": (
        _Code("1", _TYPE, (_has_patient,)),
        _Code("2", _TYPE, (_has_resource, _has_question)),
        _Code("4", _TYPE, (_has_subject,)),
        _Code("XrequestId", _OWN_TYPE, (_has_request,)),
    ),
    "entity-role": (
        _Code("1", _ROLE, (_has_patient,)),
        _Code("4", _ROLE, (_has_resource,)),
        _Code("24", _ROLE, (_has_question,)),
    ),
}
"""The codes by parameter."""
