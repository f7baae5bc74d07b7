"""`$cs-patient`: what patients were given; of one of them, every line (21 CFR 1304.22(c)).

The answer is a report: Parameters, CSV, a workbook or paper, by `_format` (docs/register.md).
"""

from service.records.context import Context
from service.records.register import recipients
from service.records.register.report import Report
from service.rest.operations import inspected
from service.rest.operations.arguments import Arguments

DAYS = 31
"""How long the period is, unless it is given."""


def made(ctx: Context, given: Arguments) -> Report:
    """The report."""
    return recipients.report(ctx, inspected.question(ctx, given, DAYS))


OPERATION = inspected.operation(
    "cs-patient",
    "Controlled substances by patient: of one patient every line, of all of them the sums.",
    (*inspected.PERIOD, inspected.SITE, *inspected.PRODUCT, inspected.PERFORMER, inspected.PATIENT),
    made,
)
