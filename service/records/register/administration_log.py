"""The administration log: every administration of a controlled substance in a period, with what 21 CFR 1304.22(c) asks for.

Parents alone: the segments of an infusion are evidence, and stand as its rates. Amounts drawn, wasted and returned are those of the draws
that it names, summed from the ledger when the log is read; two administrations out of one draw both show them. Names, addresses and
licences are those of now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from service.errors import BadRequest
from service.ledger.entry import AMENDED, LATE, OPENED, UNRECEIVED, UNWITNESSED
from service.records.context import Context
from service.records.register import draws_of_record, inquiry
from service.records.register.administration_cells import COLUMNS, Cells
from service.records.register.inquiry import Inquiry
from service.records.register.question import Question
from service.records.register.report import Report
from service.storage import ledger, register, register_reports
from service.storage.register import Administration, Became

MOST = 200_000
"""Rows of one log."""
SOURCE = "21 CFR 1304.22(c)"
_PLACES = {one.name: place for place, one in enumerate(fields(Administration))}


def report(ctx: Context, asked: Question, schedule: str | None = None) -> Report:
    """The log, by the time of the start. `schedule` is the code of a DEA schedule. Raises Forbidden, and BadRequest for too many rows."""
    with inquiry.opened(ctx, asked) as one:
        found = _found(one, schedule)
        became = draws_of_record.became(one.tx, _ids(found, "draws"))
        if asked.flags:
            found = _flagged(one, found, became)
        vials = ledger.vials(one.tx, _ids(found, "vials"))
        one.sheets.load({name for column in ("patient", "orderer", "performers", "reasons") for name in _ids(found, column)})
        one.sheets.load({name for each in became.values() for name in each.witnesses.split()})
        made = Cells(one, vials, became)
        rows, totals = made.rows(found), made.totals(found)
        header = one.header(COLUMNS, SOURCE)
    return Report("cs-administration-log", "Administrations of controlled substances", header, COLUMNS, rows, one.zone, totals)


def _found(one: Inquiry, schedule: str | None) -> Sequence[Any]:
    asked = one.asked
    wanted = register.Asked(asked.since, asked.before, one.sites, asked.patient, asked.performer)
    found = register.rows(one.tx, wanted, MOST)
    if len(found) > MOST:
        told = f"The log would have more than {MOST} rows. Ask for a shorter period (start, end), or for a site, person or substance."
        raise BadRequest.of("too-costly", "report-size", told, "http.start")
    if asked.lot is None and asked.substance is None and asked.vial is None and schedule is None:
        return found
    known = ledger.known(one.tx, lot=asked.lot, substance=asked.substance)
    allowed = {each.vial for each in known if schedule in (None, each.schedule) and asked.vial in (None, each.vial)}
    return [row for row in found if not allowed.isdisjoint(row.vials.split())]


def _ids(rows: Sequence[Any], column: str) -> set[str]:
    """What a column names."""
    place = _PLACES[column]
    return {name for text in {row[place] for row in rows} for name in text.split()}


def _flagged(one: Inquiry, rows: Sequence[Any], became: Mapping[str, Became]) -> Sequence[Any]:
    """The rows that have every flag that is asked for."""
    flags = set(one.asked.flags)
    opened = register_reports.opened(one.tx, _ids(rows, "vials"), OPENED) if UNRECEIVED in flags else {}

    def has(row: Any) -> bool:
        marks = {LATE: row.is_late, AMENDED: row.is_amended}
        marks[UNWITNESSED] = any(became[draw].unwitnessed for draw in row.draws.split() if draw in became)
        marks[UNRECEIVED] = any(vial in opened for vial in row.vials.split())
        return all(marks.get(flag, False) for flag in flags)

    return [row for row in rows if has(row)]
