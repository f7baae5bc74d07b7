"""`$cs-pdmp-evidence`: that the state's register of prescriptions was looked at before treatments.

The answer is a report: Parameters, CSV, a workbook or paper, by `_format` (docs/register.md).
"""

from service.records.context import Context
from service.records.register import prescription_checks
from service.records.register.report import Report
from service.rest.operations import inspected
from service.rest.operations.arguments import Arguments

DAYS = 31
"""How long the period is, unless it is given."""


def made(ctx: Context, given: Arguments) -> Report:
    """The report."""
    return prescription_checks.report(ctx, inspected.question(ctx, given, DAYS))


OPERATION = inspected.operation(
    "cs-pdmp-evidence",
    "Reviews of the prescription monitoring program: by patient and prescriber, the last one before each treatment.",
    (*inspected.PERIOD, inspected.SITE, *inspected.PRODUCT, inspected.PATIENT),
    made,
)
