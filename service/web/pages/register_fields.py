"""What the filters of the register ask for: the fields of its form, which are the query of its URL.

Dates are days of the clinic, both included. People, patients, sites and vials are named by their ids, so that no name stands in a URL.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta, tzinfo

from werkzeug.datastructures import MultiDict

from service.errors import BadRequest
from service.records.register.lines import BALANCES, Filter
from service.records.register.marks import MARKS

FIELDS = ("drug", "site", "from", "to", "practitioner", "witness", "patient", "lot", "vial", "flag", "balance")
"""What the form asks for. `flag` may come several times: a line must have each."""
FORMATS = ("html", "csv", "xlsx", "pdf", "json")
CURSOR, COUNT, FORMAT = "_cursor", "_count", "_format"
USUAL, MOST = 100, 1000
"""Lines of a page, unless it says otherwise, and at most."""
PERIODS = (("Today", 0), ("7 days", 6), ("30 days", 29), ("A year", 364))
_OTHERS = (CURSOR, COUNT, FORMAT)
_TYPES = {"site": "Location", "practitioner": "Practitioner", "witness": "Practitioner", "patient": "Patient"}
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_LONGEST = 200
_SECOND = 1_000_000

Pairs = list[tuple[str, str]]


def read(given: MultiDict[str, str], zone: tzinfo) -> tuple[Filter, Pairs]:
    """The filter, and the pairs that say it. Raises BadRequest for a field that there is not, or a value that is none."""
    for name in given:
        if name not in (*FIELDS, *_OTHERS):
            raise BadRequest.of("invalid", "parameter-unknown", f"The register has no field {name[:40]!r}. It has: {', '.join(FIELDS)}.")
    told = once(asked(given))
    one = {name: value for name, value in told if name != "flag"}
    since, until = _day("from", one), _day("to", one)
    if since and until and since > until:
        raise BadRequest.of("value", "report-period", "'from' is later than 'to'. Exchange them.", "http.from")
    return Filter(
        drug=text_of("drug", one.get("drug", "")),
        since=_instant(since, zone) if since else None,
        before=_instant(until, zone, 1) if until else None,
        lot=text_of("lot", one.get("lot", "")),
        vial=text_of("vial", one.get("vial", "")).removeprefix("Medication/"),
        flags=tuple(_chosen("flag", value, MARKS) for name, value in told if name == "flag"),
        balance=_chosen("balance", one.get("balance", BALANCES[0]), BALANCES),
        **{name: id_of(name, type, one.get(name, "")) for name, type in _TYPES.items()},
    ), told


def once(told: Pairs) -> Pairs:
    """The same. Raises BadRequest for a field that says two things."""
    names = [name for name, _ in told if name != "flag"]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise BadRequest.of("value", "report-field", f"'{twice}' comes twice, with two values. Ask for one.", f"http.{twice}")
    return told


def asked(given: MultiDict[str, str]) -> Pairs:
    """The fields that were filled in, in their order, each value once."""
    return [(name, value) for name in FIELDS for value in dict.fromkeys(map(str.strip, given.getlist(name))) if value]


def count(given: MultiDict[str, str]) -> int:
    """How many lines the page shows. Raises BadRequest."""
    text = given.get(COUNT) or str(USUAL)
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MOST)) and 1 <= int(text) <= MOST):
        raise BadRequest.of("value", "count", f"'{COUNT}' is a number from 1 to {MOST}.", f"http.{COUNT}")
    return int(text)


def wanted_format(given: MultiDict[str, str]) -> str:
    """The format that was asked for. Raises BadRequest."""
    return _chosen(FORMAT, given.get(FORMAT) or FORMATS[0], FORMATS)


def periods(today: date) -> Iterable[tuple[str, Pairs]]:
    """The usual periods that end today, in words and as fields."""
    return [(words, [("from", str(today - timedelta(days=days))), ("to", str(today))]) for words, days in PERIODS]


def _chosen(name: str, value: str, options: Sequence[str]) -> str:
    if value not in options:
        raise BadRequest.of("value", "report-field", f"'{name}' is one of {', '.join(options)}.", f"http.{name}")
    return value


def text_of(name: str, value: str) -> str:
    """The value of a field that is compared as it is. Raises BadRequest for one that nothing is called."""
    if len(value) > _LONGEST or not value.isprintable():
        raise BadRequest.of("value", "report-field", f"'{name}' is text of at most {_LONGEST} characters.", f"http.{name}")
    return value


def id_of(name: str, type: str, value: str) -> str:
    """The id in `ID` or `Type/ID`; empty for nothing. Raises BadRequest."""
    id = value.removeprefix(f"{type}/")
    if id and not _ID.fullmatch(id):
        raise BadRequest.of("value", "report-field", f"'{name}' is the id of a {type}, as in a1 or {type}/a1.", f"http.{name}")
    return id


def _day(name: str, given: dict[str, str]) -> date | None:
    value = given.get(name)
    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise BadRequest.of("value", "date", f"'{name}' is a date such as 2026-03-14, not {value[:20]!r}.", f"http.{name}") from None


def _instant(day: date, zone: tzinfo, days: int = 0) -> int:
    """The beginning of a day, or of one that comes `days` later, in microseconds."""
    try:
        return int(datetime.combine(day + timedelta(days=days), datetime.min.time(), zone).timestamp()) * _SECOND
    except (OverflowError, ValueError):
        raise BadRequest.of("value", "date", f"The day {day} is out of reach of calendars.", "http.from") from None
