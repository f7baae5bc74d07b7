"""`$cs-amendments`: what was changed after it had been posted, by whom, when and why.

The answer is a report: Parameters, CSV, a workbook or paper, by `_format` (docs/register.md).
"""

from service.records.context import Context
from service.records.register import amendments
from service.records.register.report import Report
from service.rest.operations import inspected
from service.rest.operations.arguments import Arguments

DAYS = 31
"""How long the period is, unless it is given."""


def made(ctx: Context, given: Arguments) -> Report:
    """The report."""
    return amendments.report(ctx, inspected.question(ctx, given, DAYS))


OPERATION = inspected.operation(
    "cs-amendments",
    "Amendments of controlled-substance records: old and new value of each element, who, when and why, and the lines that were moved back.",
    (*inspected.PERIOD, inspected.SITE, *inspected.PRODUCT, inspected.PERFORMER, inspected.WITNESS, inspected.PATIENT),
    made,
)
