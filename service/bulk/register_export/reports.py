"""The reports in an export, as CSV and PDF with the same rows: those of the register's operations, for the whole period.

Where an export has both directories of schedules, each report is made for one substance at a time, so that nothing of Schedule II stands
beside the others. A report that would be too long for one is made of shorter periods or lot by lot, and its files are named so.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from service.bulk.register_export.content import Making
from service.clock import to_datetime, to_text
from service.errors import BadRequest
from service.fhir import temporal
from service.records.context import Context
from service.records.register import (
    activity,
    administration_log,
    amendments,
    book_inventory,
    expiries,
    inventories,
    losses,
    movement_lines,
    movements,
    prescription_checks,
    receipts,
    recipients,
    reconciling,
    wastes,
)
from service.records.register.question import Question
from service.records.register.report import Report
from service.reports.writing import CSV, FORMATS, PDF

Made = Callable[[Context, Question], Report]

OF_A_PERIOD: Mapping[str, Made] = {
    "cs-administration-log": administration_log.report,
    "cs-ledger": movements.report,
    "cs-ledger-lines": movement_lines.report,
    "cs-receipts": receipts.report,
    "cs-waste": wastes.report,
    "cs-inventory": inventories.report,
    "cs-practitioner-activity": activity.report,
    "cs-patient": recipients.report,
    "cs-amendments": amendments.report,
    "cs-reconcile": reconciling.report,
    "cs-loss-report": losses.report,
    "cs-pdmp-evidence": prescription_checks.report,
}
"""By the name of their files: what happened in the period."""
OF_ITS_END: Mapping[str, Made] = {"cs-inventory-by-the-books": book_inventory.report, "cs-expiring": expiries.report}
"""What there was when the period ended."""
_TOO_LONG = "report-size"
_FROM_THE_FIRST_LINE = frozenset({movement_lines.report})
"""They tell running balances, for which they read every line of a vial."""
_MANY, _LONG = 60_000, 184 * temporal.DAY


def write(making: Making, place: str, substances: tuple[str, ...]) -> None:
    """Write every report into the directory `place`: about each of `substances`, or about everything when there are none."""
    for substance in substances or (None,):
        named = f"-{_safe(substance)}" if substance else ""
        for name, made, asked in _asked(making, substance):
            making.alive(f"{place}: {name}{named}")
            for part, report in _parts(making, made, asked):
                for ending in (CSV, PDF):
                    making.alive(f"{place}: {name}{named}{part}.{ending}")
                    making.folder.write(f"{place}/{name}{named}{part}.{ending}", [FORMATS[ending].written(report)])


def _asked(making: Making, substance: str | None) -> Iterator[tuple[str, Made, Question]]:
    """Each report with what it is asked."""
    export = making.export
    told = (("substance", substance),) if substance else ()
    period = Question(since=export.since, before=export.until, substance=substance, told=(*told, *making.period))
    for name, made in OF_A_PERIOD.items():
        yield name, made, period
    for name, made in OF_ITS_END.items():
        yield name, made, replace(period, as_of=export.until - 1)


def _parts(making: Making, made: Made, asked: Question, part: str = "") -> Iterator[tuple[str, Report]]:
    """The report with what its files are called besides: nothing, or the begin or the lot of its part where it is made in parts.

    What sums up a vial from its first line on is as long in a short period as in a long one: such a report is made lot by lot.
    """
    is_much = _is_much(making, asked)
    report = None if is_much else _whole(making, made, asked)
    if report is not None:
        yield part, report
    elif asked.as_of is None and asked.before - asked.since > _LONG and not (is_much and made in _FROM_THE_FIRST_LINE):
        yield from _halves(making, made, asked)
    else:
        for number, lot in enumerate(making.lots, 1):
            told = (*asked.told, ("lot", lot or "none"))
            yield f"{part}-lot-{number}-{_safe(lot)}", made(making.ctx, replace(asked, lot=lot, told=told))


def _halves(making: Making, made: Made, asked: Question) -> Iterator[tuple[str, Report]]:
    middle = (asked.since + asked.before) // 2
    for since, before in ((asked.since, middle), (middle, asked.before)):
        told = (*making.period, ("part from", to_text(since)), ("part to", to_text(before)))
        yield from _parts(making, made, replace(asked, since=since, before=before, told=told), f"-{to_datetime(since):%Y%m%dT%H%M%S}")


def _is_much(making: Making, asked: Question) -> bool:
    """Whether the report would take more memory than a worker should: the rows of a report are all there before it is written."""
    return asked.as_of is None and making.lines > _MANY and asked.before - asked.since > _LONG


def _whole(making: Making, made: Made, asked: Question) -> Report | None:
    """The report; None where it is too long for one."""
    try:
        return made(making.ctx, asked)
    except BadRequest as error:
        if all(one.rule != _TOO_LONG for one in error.issues):
            raise
        return None


def _safe(word: str) -> str:
    """The code of a substance, or a lot, as a part of the name of a file."""
    return "".join(one if one.isascii() and one.isalnum() else "-" for one in word)[:40]
