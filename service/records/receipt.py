"""Idempotency-Key: a request that is sent again gets the first answer, and nothing is written twice.

A key belongs to a client and a route and is kept for a setting's number of hours. The answer is stored in the transaction of
the write it answers, so that there is never one without the other.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from service.errors import Unprocessable
from service.records.context import Context
from service.records.write import Committed
from service.storage import receipts
from service.storage.database import Transaction

_HOUR = 3_600_000_000
_REACH = "reach"
"""Kept beside the header fields: a hash of what the caller could see, who must not be shown more by asking again with less."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as it went out. `last_updated` (microseconds) is not kept: a repeated answer has none."""

    status: int
    headers: Mapping[str, str]
    body: str
    last_updated: int | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """How a request is known again (`client`, `route`, `key`, hash of its body) and how its answer is made, inside the transaction.

    `key` None: the answer is made in the transaction but not kept.
    """

    client: str
    route: str
    key: str | None
    body_hash: str
    conclude: Callable[[Context, Sequence[Committed]], Answer]


def recall(ctx: Context, receipt: Receipt) -> Answer | None:
    """The answer given before, when nothing is to be written. Raises Unprocessable like `replay`."""
    with ctx.glance() as tx:
        return replay(ctx, tx, receipt)


def replay(ctx: Context, tx: Transaction, receipt: Receipt) -> Answer | None:
    """The answer given before. Raises Unprocessable when the key came with another body then."""
    if receipt.key is None:
        return None
    kept = receipts.find(tx, (receipt.client, receipt.route, receipt.key), ctx.service.clock())
    if kept is None:
        return None
    if kept.body_hash != receipt.body_hash:
        raise Unprocessable.of(
            "duplicate", "idempotency-key", "This Idempotency-Key came with another body before. Use a new key for a new request."
        )
    headers = dict(kept.headers)
    if headers.pop(_REACH, None) not in (None, _reach(ctx)):
        raise Unprocessable.of(
            "duplicate", "idempotency-key", "This Idempotency-Key came with other scopes before. Send it with a token of the same scopes."
        )
    return Answer(kept.status, headers, kept.body)


def conclude(ctx: Context, tx: Transaction, receipt: Receipt, committed: Sequence[Committed]) -> Answer:
    """Make the answer of a write that is about to commit, and keep it with the write."""
    answer = receipt.conclude(ctx.within(tx), committed)
    if receipt.key is not None:
        now = ctx.service.clock()
        kept = receipts.Kept(receipt.body_hash, answer.status, {**answer.headers, _REACH: _reach(ctx)}, answer.body)
        receipts.keep(tx, (receipt.client, receipt.route, receipt.key), kept, now, now + ctx.service.settings.idempotency_hours * _HOUR)
    return answer


def _reach(ctx: Context) -> str:
    return sha256(ctx.access.key.encode()).hexdigest()
