"""Accounting of disclosures: to whom a patient's data were shown outside of treatment, payment and the running of the clinic, and why.

What counts is an event of the audit trail that showed data of the patient (a read, a search, a history, an operation, an export) and
succeeded, if
- the role of who asked is one of the setting DISCLOSURE_ROLES (systems of others, auditors), or
- a purpose of use was stated that is none of the setting DISCLOSURE_EXEMPT_PURPOSES (treatment, payment, operations).
The clinic's own staff and apps do neither, and what patients see of themselves is no disclosure.
https://www.ecfr.gov/current/title-45/section-164.528
"""

from dataclasses import dataclass
from typing import Any as Json

from service.audit import words
from service.config import Settings
from service.errors import BadRequest
from service.fhir.document import stored
from service.records import audit_events
from service.records.context import Context
from service.search.query import All, Any, Clause, Match, Missing, Not, Token
from service.security.access import forbidden
from service.security.roles import ROLES

MOST = 5000
"""Lines of one accounting."""
SHOWING = ("read", "vread", "search-type", "search-system", "history-instance", "history-type", "history-system", "operation")
"""The subtypes of the events that show data."""
EXPORT = "110106"
"""The type of the event of an export (DICOM)."""
NO_ROLE = "none"
"""Stands in DISCLOSURE_ROLES for clients that were registered without a role."""
_PATIENT = "Patient"


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One line: the AuditEvent `id`, the instant (FHIR), to whom, what, and for which purpose. No text has what was searched for."""

    id: str
    recorded: str
    who: str
    what: str
    purpose: str


def of_patient(ctx: Context, patient: str, since: str, until: str) -> tuple[Disclosure, ...]:
    """The disclosures of the data of a patient in a period of dates, both included; the earliest first.

    Raises Forbidden for who does not see the whole trail of the patient, BadRequest for a date that is none and for more than `MOST` lines.
    """
    _require_whole(ctx, patient)
    pairs = [
        ("patient", f"{_PATIENT}/{patient}"),
        ("date", f"ge{since}"),
        ("date", f"le{until}"),
        ("_sort", "date"),
        ("_total", "accurate"),
    ]
    found = audit_events.every(ctx, pairs, counted(ctx.service.settings), MOST)
    if found is None:
        raise BadRequest.of(
            "too-costly", "report-size", f"The period has more than {MOST} disclosures. Ask for a shorter one.", "http.from"
        )
    return tuple(_line(ctx, stored(one.text).tree) for one in found)


def counted(settings: Settings) -> Clause:
    """What an event must be to count."""
    roles, exempt = _listed(settings.disclosure_roles), _listed(settings.disclosure_exempt_purposes)
    named = Match("agent-role", tuple(Token(role) for role in roles if role != NO_ROLE))
    by_role = Any((named, Missing("agent-role", True))) if NO_ROLE in roles else named
    by_purpose = All((Missing("purpose", False), Not(Match("purpose", tuple(map(Token, exempt))))))
    showing = Any((Match("subtype", tuple(map(Token, SHOWING))), Match("type", (Token(EXPORT),))))
    return All((Match("outcome", (Token("0"),)), showing, Any((by_role, by_purpose))))


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part for part in map(str.strip, text.split(",")) if part)


def _require_whole(ctx: Context, patient: str) -> None:
    """An accounting with gaps would say what is not so."""
    whole = ctx.access.reaches("s", audit_events.TYPE)
    if not ctx.caller.is_internal and not any(not one.conditions and one.patient in (None, patient) for one in whole):
        raise forbidden(
            f"An accounting takes a scope to search {audit_events.TYPE} without conditions, as in system/{audit_events.TYPE}.s."
        )


def _line(ctx: Context, tree: Json) -> Disclosure:
    question = next((audit_events.question(ctx, one) for one in tree.get("entity", ()) if "query" in one), "")
    what = " ".join(part for part in (words.done(tree), words.resource(tree) or question) if part)
    return Disclosure(tree["id"], tree["recorded"], words.who(tree), what, words.purposes(tree) or _usual(tree))


def _usual(tree: Json) -> str:
    """What the role of who asked is for: the purpose where none was stated."""
    role = next((ROLES[name] for name in words.roles(tree) if name in ROLES), None)
    return f"None stated. {role.purpose}" if role else "None stated."
