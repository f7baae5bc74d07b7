"""`$cs-reconcile`: what does not add up: open draws, counts that differ, missing witnesses and receipts, open discrepancies.

The answer is a report: Parameters, CSV, a workbook or paper, by `_format` (docs/register.md).
"""

from service.records.context import Context
from service.records.register import reconciling
from service.records.register.report import Report
from service.rest.operations import inspected
from service.rest.operations.arguments import Arguments
from service.rest.operations.operation import Parameter

DAYS = 31
"""How long the period is, unless it is given."""


def made(ctx: Context, given: Arguments) -> Report:
    """The report; with `agreeing` also the counts that agree."""
    return reconciling.report(ctx, inspected.question(ctx, given, DAYS), with_agreeing=given.flag("agreeing"))


OPERATION = inspected.operation(
    "cs-reconcile",
    "What does not add up: open draws, counts that differ from the book, missing witnesses and receipts, discrepancies and their Tasks.",
    (*inspected.PERIOD, inspected.SITE, *inspected.PRODUCT, Parameter("agreeing", "boolean")),
    made,
)
