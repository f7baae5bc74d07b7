"""What happens to people's accounts, sessions and emergency accesses, on its way to the audit trail: one place that all of it passes.

Nothing secret is told: no password, no code, no cookie; of a name that nobody has only that nobody has it, since people type passwords
into the wrong field.
"""

from dataclasses import dataclass

from service.audit.event import SUCCESS, Event
from service.audit.kinds import Kind
from service.records import trail
from service.records.context import Service
from service.security.caller import Caller
from service.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened: `who` did it, to which `subject`, `detail` says what in words; how it ended; the id of the `patient`."""

    kind: Kind
    who: Caller
    subject: str
    detail: str
    outcome: str = SUCCESS
    patient: str | None = None


def tell(service: Service, happening: Happening, tx: Transaction | None = None) -> None:
    """Write it down, in the transaction of what it is about where there is one."""
    event = Event(
        happening.kind,
        happening.outcome,
        told=None if happening.outcome == SUCCESS else happening.detail,
        subject=happening.subject,
        details=(("what", happening.detail),),
        patients=(happening.patient,) if happening.patient else (),
    )
    if tx is None:
        trail.record(service, event, happening.who)
    else:
        trail.append(service, tx, event, happening.who)
