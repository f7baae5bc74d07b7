"""A small audit trail that has one of everything, and what each of its AuditEvents is about, told without a database."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import cycle

from service import clock
from service.audit.event import Event
from service.audit.kinds import CLIENT_CHANGED, EXPORTED, GLASS_BROKEN, REFUSED, REST, SIGNED_IN, STARTED, Kind
from service.records import trail
from service.records.context import Service
from service.security.caller import Caller

DAY = 86_400_000_000
FIRST = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
EHR = Caller("ehr-one", role="ehr", address="10.0.0.21", token="t1")
GATEWAY = Caller("gate_way.2", role="gateway", address="10.0.0.7")
NURSE = Caller("pages", user="Practitioner/n1", name="Zoë Müller", role="clinician", address="192.168.1.4")
LEE = Caller("pages", user="Practitioner/lee", name="Auditor Lee", role="auditor", address="192.168.1.5", purpose="HCOMPL")
WORK = Caller.internal("worker")


@dataclass(frozen=True, slots=True)
class Told:
    """One AuditEvent: its id, the event, the caller, its patient, and the instant."""

    id: str
    event: Event
    caller: Caller
    patient: str | None
    recorded: int

    @property
    def kind(self) -> Kind:
        """The kind of the event."""
        return self.event.kind

    @property
    def data(self) -> str | None:
        """The resource that this AuditEvent names."""
        reference = self.event.reference
        if reference and reference.startswith("Patient/") and self.patient and reference.split("/")[1] != self.patient:
            return None
        return reference


def _read(reference: str, *patients: str, **more: object) -> Event:
    return Event(REST["read"], reference=reference, type=reference.partition("/")[0], patients=patients, **more)  # type: ignore[arg-type]


def _asked(query: str, *patients: str, kind: str = "search-type", **more: object) -> Event:
    return Event(REST[kind], query=query, description="GET", patients=patients, **more)  # type: ignore[arg-type]


_WRITTEN = Event(REST["create"], reference="Observation/o1/_history/1", type="Observation", patients=("A",))
EVENTS: tuple[tuple[Event, Caller], ...] = (
    (_WRITTEN, NURSE),
    (replace(_WRITTEN, kind=REST["update"], reference="Observation/o1/_history/2"), NURSE),
    (replace(_WRITTEN, kind=REST["update"], reference="Observation/o1/_history/10", patients=("A", "B")), NURSE),
    (replace(_WRITTEN, kind=REST["delete"], reference="Observation/o1/_history/11"), NURSE),
    (_read("Observation/o1", "A"), EHR),
    (_read("Observation/o10", "B"), EHR),
    (_read("Patient/A", "A"), EHR),
    (_read("Patient/B", "B"), LEE),
    (_read("Patient/A", "A", "B"), NURSE),
    (_read("Device/n1"), NURSE),
    (_read("Location/A"), EHR),
    (_asked("Observation?patient=A,B,C&_count=50", "A", "B", "C"), EHR),
    (_asked("Patient?name=Bertram%20Bell&birthdate=1970-01-02", "B"), LEE),
    (_asked("Patient/C/Observation?code=8480-6", "C"), NURSE),
    (_asked("AuditEvent?patient=A"), LEE),
    (_asked("_history?_since=2026", "C", "A", kind="history-system"), EHR),
    (_asked("Observation/$lastn?patient=A", "A", kind="operation"), EHR),
    (Event(REFUSED, "8", "403 Forbidden: scope", type="AuditEvent", query="AuditEvent?patient=B"), GATEWAY),
    (
        Event(REST["read"], "4", "404 Not Found: unknown-id", reference="Observation/none", type="Observation", query="Observation/none"),
        EHR,
    ),
    (Event(SIGNED_IN, subject="Practitioner/n1"), NURSE),
    (Event(SIGNED_IN, "4", "401 Unauthorized: authentication", query="Patient/A"), replace(EHR, client="nobody", role=None)),
    (Event(CLIENT_CHANGED, subject="ehr-one", details=(("change", "disabled"),)), WORK),
    (Event(GLASS_BROKEN, patients=("C",), purpose="ETREAT", details=(("reason", "unconscious"),)), NURSE),
    (Event(STARTED), WORK),
    (Event(EXPORTED, patients=("A", "B")), EHR),
    (_read("Observation/o1", "A", purpose="TREAT"), NURSE),
    (_read("Observation/o1", "A", purpose="HRESCH"), NURSE),
    (_read("Observation/o1/_history/2", "A"), GATEWAY),
)
"""What happened, and who did it, in this order."""


def fill(service: Service, rounds: int = 2) -> list[Told]:
    """Write the events, some hours apart, a few at the same instant; what there is afterwards, the oldest first."""
    steps, now, found = cycle((DAY // 3, 0, DAY // 24, 0, 0, 5 * DAY)), FIRST, []
    for number in range(rounds):
        for event, caller in EVENTS:
            now += next(steps)
            found += _written(replace(service, clock=clock.fixed(now)), event, caller, now, number)
    return found


def _written(service: Service, event: Event, caller: Caller, now: int, number: int) -> Iterator[Told]:
    with service.database.write() as tx:
        mark = trail.append(service, tx, event, caller, "" if caller == WORK else f"request-{number}")
    if len(event.patients) < 2:
        yield Told(mark.audit_id, event, caller, next(iter(event.patients), None), now)
        return
    for place, patient in enumerate(event.patients, 1):
        yield Told(f"{mark.audit_id}-{place}", event, caller, patient, now)
