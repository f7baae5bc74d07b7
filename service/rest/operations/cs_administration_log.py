"""`$cs-administration-log`: every administration of a controlled substance in a period (21 CFR 1304.22(c)).

The answer is a report: Parameters, CSV, a workbook or paper, by `_format` (docs/register.md).
"""

from service.records.context import Context
from service.records.register import administration_log
from service.records.register.report import Report
from service.rest.operations import arguments, inspected
from service.rest.operations.arguments import Arguments
from service.rest.operations.operation import Parameter

DAYS = 31
"""How long the period is, unless it is given."""
_SCHEDULES = ("CII", "CIII", "CIV", "CV")


def made(ctx: Context, given: Arguments) -> Report:
    """The report. BadRequest for a schedule that there is not."""
    schedule = given.text("schedule")
    if schedule not in (None, *_SCHEDULES):
        raise arguments.refused("schedule", f"There is no schedule {schedule[:20]!r}. There are: {', '.join(_SCHEDULES)}.")
    return administration_log.report(ctx, inspected.question(ctx, given, DAYS), schedule)


OPERATION = inspected.operation(
    "cs-administration-log",
    "Every administration of a controlled substance: when, to whom, what, how much, by whom, by whose order, and what became of the draw.",
    (
        *inspected.PERIOD,
        Parameter("schedule", "code"),
        inspected.SITE,
        *inspected.PRODUCT,
        inspected.PERFORMER,
        inspected.PATIENT,
        inspected.FLAG,
    ),
    made,
)
