"""A process that dies before its n-th statement, for n = 0, 1, 2 ... until one gets through: `python -m tests.faults.dying URL`.

It prints each n at which it died. Every time a fresh process writes one transaction of three creations and an update.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from typing import Any

from sqlalchemy import event

from service import wiring
from service.config import Settings
from service.records.change import Change
from service.records.commit import commit
from service.records.context import Context, Service
from tests.access import TESTS
from tests.records.samples import observation, one, patient, update


def ids(number: int) -> list[str]:
    """What transaction `number` makes."""
    return [f"w{number}-{place}" for place in range(3)]


def base() -> Change:
    """The resource that every transaction changes."""
    return update(patient("0", id="base", name=[{"family": "Base"}]))


def changes(number: int) -> list[Change]:
    """Transaction `number`."""
    made: list[Change] = [update(observation("Patient/base", id=id, effectiveDateTime="2026-03-14")) for id in ids(number)]
    return [*made, update(patient(f"{number}", id="base", name=[{"family": f"Writer {number}"}]))]


def write(ctx: Context, number: int) -> None:
    """Commit transaction `number`."""
    commit(ctx, changes(number))


@contextmanager
def failing_at(service: Service, number: int, fail: Callable[[], None]) -> Iterator[None]:
    """Calls `fail` before the statement `number` of the service's database; a commit counts as a statement."""
    numbers = count()

    def before(*_arguments: Any) -> None:
        if next(numbers) == number:
            fail()

    engine = service.database.engine
    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "commit", before)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", before)
        event.remove(engine, "commit", before)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _attempt(service: Service, number: int) -> bool:
    """Whether a process that would die before statement `number` got through."""
    child = os.fork()
    if child == 0:
        own = replace(service, database=wiring.database(service.settings))
        with failing_at(own, number, _die):
            write(Context(own, TESTS), number)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def main(url: str) -> None:
    """Die again and again."""
    service = wiring.service(Settings(database_url=url, cursor_key="c" * 32))
    one(Context(service, TESTS), base())
    service.database.dispose()
    for number in count():
        if _attempt(service, number):
            return
        print(number, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
