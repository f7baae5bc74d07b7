"""`$cs-ledger`: the perpetual ledger, in sums of each vial or line by line, as of any instant (21 CFR 1304.21(a)).

The answer is a report: Parameters, CSV, a workbook or paper, by `_format` (docs/register.md).
"""

from dataclasses import replace

from service.fhir import temporal
from service.records.context import Context
from service.records.register import movement_lines, movements
from service.records.register.report import Report
from service.rest.operations import arguments, inspected
from service.rest.operations.arguments import Arguments
from service.rest.operations.operation import Parameter

_STRONGEST = 1_000_000
"""Milligrams in a millilitre."""


def made(ctx: Context, given: Arguments) -> Report:
    """The report. BadRequest for a period that ends before it begins."""
    zone = ctx.service.settings.zone
    start, end, as_of = (given.moment(name, zone) for name in ("start", "end", "asOf"))
    if end and as_of:
        raise arguments.refused("asOf", "The ledger is told as of 'asOf', or up to 'end'. Leave out one of them.", "invalid")
    until = end or as_of
    since, before = start.lo if start else temporal.BEGINNING, until.hi + 1 if until else ctx.service.clock() + 1
    if since >= before:
        raise arguments.refused("end", "The period ends before it begins. Give 'start' before 'end'.")
    asked = inspected.question(ctx, given)
    told = (*arguments.pairs_of(given, ("start", "end")), *asked.told)
    report = movement_lines.report if given.flag("detail") else movements.report
    return report(ctx, replace(asked, since=since, before=before, told=told), _strength(given))


def _strength(given: Arguments) -> int | None:
    """Micrograms in a millilitre."""
    found = given.decimal("strength")
    if found is None:
        return None
    if found > _STRONGEST or found * 1000 != int(found * 1000):
        raise arguments.refused("strength", "'strength' takes milligrams in a millilitre, as 50, with three decimals at most.")
    return int(found * 1000)


OPERATION = inspected.operation(
    "cs-ledger",
    "The perpetual ledger of controlled substances: what each vial held, received, gave, wasted, lost and holds; or line by line.",
    (
        *inspected.PERIOD,
        inspected.AS_OF,
        inspected.SITE,
        *inspected.PRODUCT,
        Parameter("strength", "decimal"),
        Parameter("detail", "boolean"),
    ),
    made,
)
