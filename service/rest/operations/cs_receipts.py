"""`$cs-receipts`: what came in, from whom, and who received it (21 CFR 1304.22(c)).

The answer is a report: Parameters, CSV, a workbook or paper, by `_format` (docs/register.md).
"""

from service.records.context import Context
from service.records.register import receipts
from service.records.register.report import Report
from service.rest.operations import inspected
from service.rest.operations.arguments import Arguments

DAYS = 31
"""How long the period is, unless it is given."""


def made(ctx: Context, given: Arguments) -> Report:
    """The report."""
    return receipts.report(ctx, inspected.question(ctx, given, DAYS))


OPERATION = inspected.operation(
    "cs-receipts",
    "Receipts of controlled substances: each container, its supplier by name, address and DEA registration, its invoice, who received it.",
    (*inspected.PERIOD, inspected.SITE, *inspected.PRODUCT, inspected.PERFORMER, inspected.WITNESS, inspected.FLAG),
    made,
)
