"""`$cs-waste`: what was wasted, and who saw it (21 CFR 1304.22(c)).

The answer is a report: Parameters, CSV, a workbook or paper, by `_format` (docs/register.md).
"""

from service.records.context import Context
from service.records.register import wastes
from service.records.register.report import Report
from service.rest.operations import inspected
from service.rest.operations.arguments import Arguments

DAYS = 31
"""How long the period is, unless it is given."""


def made(ctx: Context, given: Arguments) -> Report:
    """The report."""
    return wastes.report(ctx, inspected.question(ctx, given, DAYS))


OPERATION = inspected.operation(
    "cs-waste",
    "What was wasted of controlled substances: of which draw and visit, how and why, by whom, before which witness, and when both signed.",
    (*inspected.PERIOD, inspected.SITE, *inspected.PRODUCT, inspected.PERFORMER, inspected.WITNESS, inspected.PATIENT, inspected.FLAG),
    made,
)
