"""`$cs-inventory`: the inventories that were taken, or what the books say was on hand at an instant (21 CFR 1304.11).

The answer is a report: Parameters, CSV, a workbook or paper, by `_format` (docs/register.md).
"""

from service.records.context import Context
from service.records.register import book_inventory, inventories
from service.records.register.report import Report
from service.rest.operations import arguments, inspected
from service.rest.operations.arguments import Arguments

DAYS = 3 * 366
"""How long the period is, unless it is given: the last inventory is at most two years old."""


def made(ctx: Context, given: Arguments) -> Report:
    """The inventories of a period; with `asOf` the book inventory. BadRequest for both."""
    if not given.has("asOf"):
        return inventories.report(ctx, inspected.question(ctx, given, DAYS))
    if given.has("start") or given.has("end"):
        raise arguments.refused("asOf", "'asOf' is an instant, 'start' and 'end' are a period. Give one of the two.", "invalid")
    return book_inventory.report(ctx, inspected.question(ctx, given))


OPERATION = inspected.operation(
    "cs-inventory",
    "Inventories of controlled substances: those that were taken, with every count; or by the books, at the instant asOf.",
    (*inspected.PERIOD, inspected.AS_OF, inspected.SITE, *inspected.PRODUCT),
    made,
)
