"""Locks by name, held until the transaction ends, for what no row stands for yet: the condition of a conditional create.

SQLite needs none: its writes run one after the other. On PostgreSQL a name is hashed into an advisory lock; two names with the
same hash only wait for each other needlessly.
"""

import hashlib
from collections.abc import Iterable

from sqlalchemy import ARRAY, Integer, bindparam, text

from service.storage import arrays
from service.storage.database import Transaction

_SPACE = 1
_HOLD = text(
    "SELECT count(pg_advisory_xact_lock(:space, number)) FROM (SELECT unnest(:numbers) AS number ORDER BY 1) AS ordered"
).bindparams(bindparam("numbers", type_=ARRAY(Integer)))


def hold(tx: Transaction, names: Iterable[str]) -> None:
    """Wait for every other transaction that holds one of `names`, then hold them all. One order for all callers: no deadlock."""
    numbers = sorted({_number(name) for name in names})
    if numbers and tx.dialect == "postgresql":
        tx.connection.execute(_HOLD, {"space": _SPACE, "numbers": numbers})


def hold_in_turn(tx: Transaction, groups: Iterable[Iterable[str]]) -> None:
    """The same for several groups of names, one group after the other: who holds a later one never waits for an earlier one."""
    numbers = list(dict.fromkeys(number for group in groups for number in sorted(map(_number, group))))
    if numbers and tx.dialect == "postgresql":
        tx.connection.exec_driver_sql(_HOLD_IN_TURN, (_SPACE, arrays.literal(numbers)))


_HOLD_IN_TURN = """
    SELECT count(pg_advisory_xact_lock(%s, number))
    FROM (SELECT number FROM unnest(%s::int4[]) WITH ORDINALITY AS wanted(number, turn) ORDER BY turn) AS ordered
"""


def _number(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest(), "big", signed=True)
