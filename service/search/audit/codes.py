"""The code systems of AuditEvent, and which system a code of the trail is of: the columns hold the codes alone.

https://hl7.org/fhir/R4/auditevent.html#bnr, https://profiles.ihe.net/ITI/BALP/
"""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, false, not_, true

DICOM = "http://dicom.nema.org/resources/ontology/DCM"
KIND = "http://terminology.hl7.org/CodeSystem/audit-event-type"
INTERACTION = "http://hl7.org/fhir/restful-interaction"
ACTION = "http://hl7.org/fhir/audit-event-action"
OUTCOME = "http://hl7.org/fhir/audit-event-outcome"
REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
PEOPLE = ("Device", "Organization", "Patient", "Practitioner", "PractitionerRole", "RelatedPerson")
_DICOM_CODES = "110%"


def kind(code: str) -> str:
    """The system of a code of `AuditEvent.type`."""
    return DICOM if _is_dicom(code) else KIND


def subtype(code: str) -> str:
    """The system of a code of `AuditEvent.subtype`."""
    return DICOM if _is_dicom(code) else INTERACTION


SYSTEM_OF: Mapping[str, Callable[[str], str]] = {
    "action": lambda _: ACTION,
    "outcome": lambda _: OUTCOME,
    "purpose": lambda _: REASON,
    "subtype": subtype,
    "type": kind,
}
"""The system of a code, by the parameter that looks for it."""


def of_system(system_of: Callable[[str], str], system: str) -> Callable[[Any], ColumnElement[bool]]:
    """The condition that the code in a column is of `system`."""
    dicom, other = system_of("110100"), system_of("rest")
    if dicom == other:
        return lambda _: true() if system == other else false()
    if system == dicom:
        return lambda column: column.like(_DICOM_CODES)
    return lambda column: not_(column.like(_DICOM_CODES)) if system == other else false()


def _is_dicom(code: str) -> bool:
    return len(code) == 6 and code.startswith("110") and code.isdigit()
