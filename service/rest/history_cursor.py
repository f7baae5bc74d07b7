"""Where a walk through history goes on: the horizon it keeps and the last version that it showed, signed and opaque."""

from service.errors import BadRequest
from service.records.context import Context

Position = tuple[int, int, int]


def sealed(ctx: Context, name: str, until: int | None, after: Position) -> str:
    """The cursor for the page after `after` of the history `name`."""
    raise NotImplementedError


def opened(ctx: Context, name: str, text: str) -> tuple[int | None, Position]:
    """What a cursor holds. BadRequest when it was not made here for this history."""
    raise BadRequest.of("value", "cursor", "_cursor is not one of this server's. Follow the links as they are given.")
