"""`$cs-expiring`: vials with something in them that have expired, will soon, or are open for too long.

The answer is a report: Parameters, CSV, a workbook or paper, by `_format` (docs/register.md).
"""

from service.records.context import Context
from service.records.register import expiries
from service.records.register.report import Report
from service.rest.operations import inspected
from service.rest.operations.arguments import Arguments
from service.rest.operations.operation import Parameter

_MOST = 3660


def made(ctx: Context, given: Arguments) -> Report:
    """The vials, now or at `asOf`; `within` says how many days ahead is looked."""
    days = given.whole("within", _MOST, least=0)
    return expiries.report(ctx, inspected.question(ctx, given), expiries.DAYS if days is None else days)


OPERATION = inspected.operation(
    "cs-expiring",
    "Vials with something in them that have expired, will within so many days, or are open for longer than the policy allows.",
    (inspected.AS_OF, Parameter("within", "integer"), inspected.SITE, *inspected.PRODUCT),
    made,
)
