"""The accounting of disclosures of a patient, `/audit/disclosures`: as a page, as CSV and as PDF, with the same lines in each.

`from` and `to` are dates of the clinic, both included; without them it covers the six years that the law gives a patient.
https://www.ecfr.gov/current/title-45/section-164.528
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from service.config import Settings
from service.errors import BadRequest
from service.records.disclosures import Disclosure
from service.reports.table import Table
from service.web.pages.site import Site

PATH = "/audit/disclosures"
FIELDS = ("patient", "from", "to")
FORMATS = ("html", "csv", "pdf")
COLUMNS = ("Date", "Disclosed to", "What", "Purpose")
_WIDTHS = (18, 26, 34, 32)
_YEARS = 6
_ID = re.compile(r"(?:Patient/)?(?P<id>[A-Za-z0-9\-.]{1,64})")


@dataclass(frozen=True, slots=True)
class Question:
    """Whose accounting, for which dates (both included), in which format. `patient` is empty where it has not been said."""

    patient: str
    since: date
    until: date
    format: str


def question(given: Mapping[str, str], today: date) -> Question:
    """What the fields ask for. Raises BadRequest for a field that there is not, an id that is none, a date that is none."""
    for name in given:
        if name not in (*FIELDS, "_format"):
            raise BadRequest.of("invalid", "parameter-unknown", f"The report has no field {name[:40]!r}. It has: {', '.join(FIELDS)}.")
    wanted = given.get("_format") or "html"
    if wanted not in FORMATS:
        raise BadRequest.of("not-supported", "report-format", f"'_format' of the report is one of {', '.join(FORMATS)}.")
    until = _date("to", given.get("to", "")) or today
    since = _date("from", given.get("from", "")) or _earlier(until)
    if since > until:
        raise BadRequest.of("value", "report-period", "'from' is later than 'to'. Exchange them.")
    return Question(_patient(given.get("patient", "").strip()), since, until, wanted)


def table(asked: Question, lines: Iterable[Disclosure], site: Site, settings: Settings, told: tuple[tuple[str, str], ...]) -> Table:
    """The report. `told` says who made it and when."""
    rows = tuple((site.local_time(one.recorded), one.who, one.what, one.purpose) for one in lines)
    statements = (
        ("Patient", f"Patient/{asked.patient}"),
        ("Period", f"{asked.since} to {asked.until} ({site.zone.key}), both included"),
        ("Counted", rule(settings)),
        ("Disclosures", str(len(rows))),
        *told,
    )
    nothing = "No disclosure that counts was made in this period. That is an answer: the service looked and found none."
    return Table("Accounting of disclosures", statements, COLUMNS, rows, _WIDTHS, nothing)


def rule(settings: Settings) -> str:
    """What counts, in words."""
    roles, purposes = (
        ", ".join(filter(None, text.split(","))) or "none" for text in (settings.disclosure_roles, settings.disclosure_exempt_purposes)
    )
    return (
        f"Reads, searches, histories, operations and exports that showed data of the patient to a role of: {roles}; "
        f"or for a stated purpose other than: {purposes} (45 CFR 164.528)"
    )


def _patient(text: str) -> str:
    found = _ID.fullmatch(text)
    if text and not found:
        raise BadRequest.of("value", "report-patient", "'patient' is the id of a Patient, as in p1 or Patient/p1.")
    return found["id"] if found else ""


def _date(name: str, text: str) -> date | None:
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise BadRequest.of("value", "date", f"'{name}' is a date such as 2026-03-14, not {text[:20]!r}.") from None


def _earlier(day: date) -> date:
    try:
        return day.replace(year=day.year - _YEARS)
    except ValueError:
        return day.replace(year=day.year - _YEARS, day=28) + timedelta(days=1) if day.year > _YEARS else date.min
