"""Group commit: threads that have something to commit at the same time share one commit.

The first one there leads: it commits what is waiting. When something came in the meantime, the one that came first leads next; so
nobody works for others longer than one commit.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")

MOST = 64
"""How many items one commit takes."""


@dataclass(slots=True)
class _Waiting(Generic[Item]):
    """An item in the queue; its thread is woken when it is done with, or when it shall lead."""

    item: Item
    woken: threading.Event = field(default_factory=threading.Event)
    leads: bool = False
    error: BaseException | None = None


class Together(Generic[Item]):
    """One queue of items that are committed in groups. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[_Waiting[Item]] = []
        self._is_led = False

    def run(self, item: Item, commit: Callable[[Sequence[Item]], None]) -> None:
        """Have `item` committed by `commit`, alone or with others. Raises what the commit raised.

        A commit of several that fails is tried again one by one, so that nobody fails for another one's item.
        """
        mine = _Waiting(item)
        with self._lock:
            self._waiting.append(mine)
            mine.leads, self._is_led = not self._is_led, True
        if not mine.leads:
            mine.woken.wait()
        if mine.leads:
            self._lead(commit)
        if mine.error is not None:
            raise mine.error

    def _lead(self, commit: Callable[[Sequence[Item]], None]) -> None:
        """Commit those who wait, the leader among them, and hand over."""
        with self._lock:
            group, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        _commit(group, commit)
        with self._lock:
            self._is_led = bool(self._waiting)
            if self._waiting:
                self._waiting[0].leads = True
                self._waiting[0].woken.set()
        for one in group:
            one.woken.set()


def _commit(group: Sequence[_Waiting[Item]], commit: Callable[[Sequence[Item]], None]) -> None:
    try:
        commit([one.item for one in group])
    except BaseException as error:  # noqa: BLE001 - it is raised again, in the thread that it belongs to
        if len(group) == 1:
            group[0].error = error
            return
        for one in group:
            _commit([one], commit)
