"""Where a walk through history goes on: the last version that it showed and the horizon that it keeps, signed and opaque."""

from service.records.context import Context
from service.rest.exchange import Pairs
from service.search.paging import Position

After = tuple[int, int, int]
"""Instant, resource and version of the last entry that was shown."""


def sealed(ctx: Context, name: Pairs, until: int | None, after: After) -> str:
    """The cursor for the page that follows `after` in the history `name`."""
    instant, res_id, version = after
    return ctx.service.cursors.write(_signed(ctx, name), Position((instant, version), res_id, until))


def opened(ctx: Context, name: Pairs, cursor: str) -> tuple[int | None, After]:
    """The horizon and the last entry in a cursor. BadRequest when it was not made here for the history `name`."""
    position = ctx.service.cursors.read(_signed(ctx, name), cursor)
    instant, version = (value if isinstance(value, int) else 0 for value in position.values[:2])
    return position.horizon, (instant, position.res_id, version)


def _signed(ctx: Context, name: Pairs) -> Pairs:
    """A cursor is good for those who see what its first reader saw."""
    return (*name, ("", ctx.access.key))
