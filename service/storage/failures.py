"""What the database says when it cannot, in the words of the error tree.

Busy, out of time, out of room and out of connections are Overloaded (503): nothing was written, the client may try again.
A lost race (unique key, deadlock, serialisation) is Collision: the writer runs its transaction again from the start.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from sqlalchemy import exc

from service.errors import Overloaded

_RETRY_SECONDS = "1"
_LOST_RACE = ("40001", "40P01", "23505")
_OUT_OF_REACH = ("08", "25006", "25P03", "25P04", "53", "55P03", "57", "58")
_SQLITE_OUT_OF_REACH = ("locked", "busy", "full", "disk i/o", "unable to open", "readonly")


class Collision(Exception):
    """Another transaction got there first; running this one again will see what it did."""


def overloaded(rule: str, diagnostics: str) -> Overloaded:
    """The 503 that tells when to come back."""
    error = Overloaded.of("transient", rule, diagnostics)
    error.headers = {"Retry-After": _RETRY_SECONDS}
    return error


@contextmanager
def committing(transaction: AbstractContextManager[object]) -> Iterator[None]:
    """Run in `transaction`. When the connection is lost while it commits, nobody knows whether it did: the 503 says so."""
    finished = False
    try:
        with transaction:
            yield
            finished = True
    except exc.DBAPIError as error:
        if finished and error.connection_invalidated:
            raise overloaded(
                "outcome-unknown",
                "The database went away while the write was being committed; it may have been written. "
                "Read before sending it again, or send it with the Idempotency-Key or condition that it had.",
            ) from error
        raise


@contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's exceptions into Overloaded or Collision where they mean that; others pass unchanged."""
    try:
        yield
    except exc.TimeoutError:
        raise overloaded("busy", "All database connections are in use. Nothing was written; send it again.") from None
    except exc.DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None) or ""
        if isinstance(error, exc.IntegrityError) and ("UNIQUE" in str(error.orig) or state in _LOST_RACE):
            raise Collision from error
        if state in _LOST_RACE:
            raise Collision from error
        if _is_out_of_reach(error, state):
            raise overloaded("busy", "The database cannot take the request now. Nothing was written; send it again.") from error
        raise


def _is_out_of_reach(error: exc.DBAPIError, state: str) -> bool:
    if state:
        return state.startswith(_OUT_OF_REACH)
    message = str(error.orig).lower()
    lost_connection = error.connection_invalidated or "connection" in message
    return isinstance(error, exc.OperationalError) and (lost_connection or any(word in message for word in _SQLITE_OUT_OF_REACH))
