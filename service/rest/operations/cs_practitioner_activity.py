"""`$cs-practitioner-activity`: what each practitioner drew, gave, wasted and witnessed.

The answer is a report: Parameters, CSV, a workbook or paper, by `_format` (docs/register.md).
"""

from service.records.context import Context
from service.records.register import activity
from service.records.register.report import Report
from service.rest.operations import inspected
from service.rest.operations.arguments import Arguments

DAYS = 92
"""How long the period is, unless it is given."""


def made(ctx: Context, given: Arguments) -> Report:
    """The report."""
    return activity.report(ctx, inspected.question(ctx, given, DAYS))


OPERATION = inspected.operation(
    "cs-practitioner-activity",
    "Controlled substances by practitioner: drawn, given, wasted, the share of waste beside that of the others, and who witnessed.",
    (*inspected.PERIOD, inspected.SITE, *inspected.PRODUCT),
    made,
)
