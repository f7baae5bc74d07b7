"""Pages are stateless: a cursor says after which values the next page begins, and is signed with the query it belongs to.

It carries the sort values and res_id of the last match and the horizon of a pull. A cursor that was changed, or that comes with
another query, is a 400. HMAC-SHA256 (RFC 2104) over the canonical text of the query and the state; base64url.
"""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from service.errors import BadRequest

_SIGNATURE = 16
_LONGEST = 4000

SortValue = int | str | None


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ends: the sort values and the res_id of its last match, the horizon that bounds the walk, and, where types come one
    after the other, the number of the type that it is in."""

    values: tuple[SortValue, ...]
    res_id: int
    horizon: int | None = None
    turn: int = 0


class Cursors:
    """Writes and reads cursors with one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def write(self, query: Sequence[tuple[str, str]], position: Position) -> str:
        """The cursor for the page of `query` (names and values without `_cursor`) after `position`."""
        state = json.dumps([*position.values, position.res_id, position.horizon, position.turn], separators=(",", ":")).encode()
        return urlsafe_b64encode(self._signature(query, state) + state).decode().rstrip("=")

    def read(self, query: Sequence[tuple[str, str]], cursor: str) -> Position:
        """The position in a cursor. BadRequest for one that this service did not write for this very query."""
        try:
            if not cursor.isascii() or len(cursor) > _LONGEST:
                raise ValueError
            content = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            signature, state = content[:_SIGNATURE], content[_SIGNATURE:]
            if not hmac.compare_digest(signature, self._signature(query, state)):
                raise ValueError
            *values, res_id, horizon, turn = json.loads(state)
        except ValueError:
            raise _refused() from None
        return Position(tuple(values), res_id, horizon, turn)

    def _signature(self, query: Sequence[tuple[str, str]], state: bytes) -> bytes:
        canonical = json.dumps([list(pair) for pair in query], ensure_ascii=True).encode()
        return hmac.digest(self._key, sha256(canonical).digest() + state, "sha256")[:_SIGNATURE]


def _refused() -> BadRequest:
    message = (
        "The cursor is not one that this service wrote for this search. Follow the next link as it is, or begin again without '_cursor'."
    )
    return BadRequest.of("invalid", "search-cursor", message, "http._cursor")
