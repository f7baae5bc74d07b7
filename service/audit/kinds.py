"""The kinds of events: the codes of type, subtype and action, the BALP profile, and the parts that client, server and user have in them.

Codes of https://dicom.nema.org/medical/dicom/current/output/chtml/part16/sect_CID_400.html and of
https://hl7.org/fhir/R4/valueset-restful-interaction.html. Which party is source and which destination follows BALP: on a read the data
come from the server, on everything else the request comes from the client; of a deletion the server is the custodian.
"""

from dataclasses import dataclass
from functools import cached_property

DCM = "http://dicom.nema.org/resources/ontology/DCM"
REST_TYPE = "http://terminology.hl7.org/CodeSystem/audit-event-type"
INTERACTION = "http://hl7.org/fhir/restful-interaction"
ENTITY_TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"


@dataclass(frozen=True)
class Coding:
    """A code of a system, with how people call it."""

    system: str
    code: str
    display: str | None = None

    @cached_property
    def tree(self) -> dict[str, str]:
        """The Coding of FHIR."""
        shown = {"display": self.display} if self.display else {}
        return {"system": self.system, "code": self.code, **shown}


_APPLICATION = Coding(DCM, "110150", "Application")
_DESTINATION = Coding(DCM, "110152", "Destination Role ID")
_SOURCE = Coding(DCM, "110153", "Source Role ID")
_CUSTODIAN = Coding("http://terminology.hl7.org/CodeSystem/provenance-participant-type", "custodian", "Custodian")
_REST = Coding(REST_TYPE, "rest", "RESTful Operation")
_AUTHOR, _RECIPIENT = "AUT", "IRCP"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: `profile` is the end of the name of BALP's profile, `user` the code of the user's part (v3-ParticipationType)."""

    type: Coding
    subtypes: tuple[Coding, ...]
    action: str
    profile: str | None = None
    client: Coding = _SOURCE
    server: Coding = _DESTINATION
    user: str = _AUTHOR

    @property
    def code(self) -> str:
        """The code of the type."""
        return self.type.code

    @property
    def interaction(self) -> str:
        """The code of the first subtype; that of the type where there is none."""
        return self.subtypes[0].code if self.subtypes else self.type.code


def _rest(code: str, action: str, profile: str | None = None, **parts: object) -> Kind:
    return Kind(_REST, (Coding(INTERACTION, code, code),), action, profile, **parts)  # type: ignore[arg-type]


def _own(type: str, name: str, subtype: tuple[str, str] | None, action: str) -> Kind:
    """An event of the service itself, in the words of DICOM."""
    subtypes = (Coding(DCM, *subtype),) if subtype else ()
    return Kind(Coding(DCM, type, name), subtypes, action, client=_APPLICATION, server=_DESTINATION)


def _read(code: str) -> Kind:
    return _rest(code, "R", "Read", client=_DESTINATION, server=_SOURCE, user=_RECIPIENT)


def _asked(code: str, profile: str | None) -> Kind:
    return _rest(code, "E", profile, user=_RECIPIENT)


REST = {
    "create": _rest("create", "C", "Create"),
    "update": _rest("update", "U", "Update"),
    "patch": _rest("patch", "U", "Update"),
    "delete": _rest("delete", "D", "Delete", client=_APPLICATION, server=_CUSTODIAN),
    "read": _read("read"),
    "vread": _read("vread"),
    "search-type": _asked("search-type", "Query"),
    "search-system": _asked("search-system", "Query"),
    "history-instance": _asked("history-instance", None),
    "history-type": _asked("history-type", None),
    "history-system": _asked("history-system", None),
    "operation": _asked("operation", None),
    "capabilities": _asked("capabilities", None),
    "transaction": _rest("transaction", "E"),
    "batch": _rest("batch", "E"),
}
"""By the interaction's code."""

UNKNOWN_ROUTE = Kind(_REST, (), "E")
"""A request that is none of the interactions."""

_ACTIVITY, _SECURITY, _PEOPLE = "110100", "110113", "110114"
STARTED = _own(_ACTIVITY, "Application Activity", ("110120", "Application Start"), "E")
STOPPED = _own(_ACTIVITY, "Application Activity", ("110121", "Application Stop"), "E")
CONFIGURED = _own(_SECURITY, "Security Alert", ("110129", "Security Configuration"), "E")
HEARTBEAT = _own(_ACTIVITY, "Application Activity", None, "E")
SIGNED_IN = _own(_PEOPLE, "User Authentication", ("110122", "Login"), "E")
SIGNED_OUT = _own(_PEOPLE, "User Authentication", ("110123", "Logout"), "E")
TOKEN_ISSUED = _own(_PEOPLE, "User Authentication", ("110122", "Login"), "C")
TOKEN_REVOKED = _own(_PEOPLE, "User Authentication", ("110123", "Logout"), "D")
TOKEN_SHOWN = _own(_PEOPLE, "User Authentication", None, "R")
REFUSED = _own(_SECURITY, "Security Alert", ("110132", "Use of Restricted Function"), "E")
ROLES_CHANGED = _own(_SECURITY, "Security Alert", ("110136", "Security Roles Changed"), "U")
CLIENT_CHANGED = _own(_SECURITY, "Security Alert", ("110137", "User security Attributes Changed"), "U")
GLASS_BROKEN = _own(_SECURITY, "Security Alert", ("110127", "Emergency Override Started"), "E")
GLASS_MENDED = _own(_SECURITY, "Security Alert", ("110138", "Emergency Override Stopped"), "E")
IMPORTED = _own("110107", "Import", None, "C")
EXPORTED = _own("110106", "Export", None, "R")
LOG_USED = _own("110101", "Audit Log Used", None, "R")
