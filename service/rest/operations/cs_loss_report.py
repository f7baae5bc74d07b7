"""`$cs-loss-report`: the worksheet for a report of theft or loss (21 CFR 1301.76(b)).

The answer is a report: Parameters, CSV, a workbook or paper, by `_format` (docs/register.md).
"""

from service.records.context import Context
from service.records.register import losses
from service.records.register.report import Report
from service.rest.operations import inspected
from service.rest.operations.arguments import Arguments

DAYS = 366
"""How long the period is, unless it is given."""


def made(ctx: Context, given: Arguments) -> Report:
    """The report."""
    return losses.report(ctx, inspected.question(ctx, given, DAYS))


OPERATION = inspected.operation(
    "cs-loss-report",
    "The worksheet for DEA Form 106: what was lost or broken, how much, and by when the DEA is told.",
    (*inspected.PERIOD, inspected.SITE, *inspected.PRODUCT, inspected.FLAG),
    made,
)
