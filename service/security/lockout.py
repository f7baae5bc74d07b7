"""How guessing is slowed down: after some failures in a row nothing is let in for a while, and for longer after each further one.

An attempt counts before its password is looked at, so that attempts at the same moment cannot all pass. The delay has an upper bound:
whoever wants to keep a colleague out must come back again and again, and leaves a trace each time.
"""

FREE_FAILURES = 4
"""So many may go wrong without a delay."""
FIRST_SECONDS = 60
MOST_SECONDS = 15 * 60
_SECOND = 1_000_000


def until(failures: int, at: int) -> int | None:
    """Until when (microseconds) nothing is let in after so many failures, the last of them at the instant `at`; None when not at all."""
    if failures <= FREE_FAILURES:
        return None
    doublings = min(failures - FREE_FAILURES - 1, 10)
    return at + min(FIRST_SECONDS << doublings, MOST_SECONDS) * _SECOND


def is_locked(locked_until: int | None, at: int) -> bool:
    """Whether nothing is let in at the instant `at`."""
    return locked_until is not None and at < locked_until
