"""Leak row 46, without a clock: what is hidden and what never was are answered by the same statements, so neither takes longer."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from tests.leaks.principals import Principal
from tests.leaks.sender import Sender
from tests.leaks.world import World

NEVER = "never-was-here"
REQUESTS = [("GET", "{}"), ("HEAD", "{}"), ("GET", "{}/_history/1"), ("GET", "{}/_history"), ("DELETE", "{}"), ("GET", "{}/$meta")]
TRIES = 4
"""Some things are looked at once in a while, whatever is asked: two answers in a row without them are compared."""


@contextmanager
def _statements(world: World) -> Iterator[list[str]]:
    """The statements that the database is asked meanwhile."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    engine = world.service.database.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize(("method", "path"), REQUESTS)
def test_leak_46_what_is_hidden_is_as_much_work_as_nothing(sender: Sender, world: World, who: Principal, method: str, path: str) -> None:
    """Of every type that the caller reaches in part."""
    hidden: dict[str, str] = {one.type: one.id for one in world.kept.values() if not one.is_deleted and not who.sees_now(one)}
    for type, id in sorted(hidden.items()):
        address, nothing = (path.format(f"{type}/{one}") for one in (id, NEVER))
        for _ in range(TRIES):
            with _statements(world) as of_nothing:
                never = sender.send(method, nothing)
            with _statements(world) as asked:
                refused = sender.send(method, address)
            assert refused.status_code == never.status_code != 200, address
            if asked == of_nothing:
                break
        assert asked == of_nothing, address
