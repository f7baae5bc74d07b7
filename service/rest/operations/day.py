"""The input `date` of terminology operations: the definitions that are used are those of now."""

from service.records.context import Context
from service.rest.operations import arguments
from service.rest.operations.arguments import Arguments

_DAY = 24 * 3600 * 1_000_000


def require_present(ctx: Context, given: Arguments) -> None:
    """BadRequest for a date of another day: definitions may have changed since, and what they were then is not told."""
    asked = given.moment("date", ctx.service.settings.zone)
    now = ctx.service.clock()
    if asked is not None and not asked.lo - _DAY <= now <= asked.hi + _DAY:
        says = "'date' is another day. Codes are told by the definitions of now; leave it out, or read the older versions of the resource."
        raise arguments.refused("date", says, "not-supported")
