"""`$cs-lot-recall`: from a lot to everybody who was given of it.

The answer is a report: Parameters, CSV, a workbook or paper, by `_format` (docs/register.md).
"""

from service.records.context import Context
from service.records.register import recalls
from service.records.register.report import Report
from service.rest.operations import inspected
from service.rest.operations.arguments import Arguments
from service.rest.operations.operation import Parameter


def made(ctx: Context, given: Arguments) -> Report:
    """The report."""
    return recalls.report(ctx, inspected.question(ctx, given))


OPERATION = inspected.operation(
    "cs-lot-recall",
    "From a lot to its vials, the draws from them, and the patients, with what is known to reach them.",
    (Parameter("lot", "string", required=True), Parameter("substance", "code"), inspected.SITE, Parameter("vial", "string")),
    made,
)
