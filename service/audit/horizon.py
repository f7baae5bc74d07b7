"""Up to which serial the trail is complete: every event that will ever be there can be seen.

Events become visible out of order. What is up to the newest serial that is visible is complete once every transaction that was writing
when it was seen has ended: whoever draws a serial later gets a larger one.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class Horizon:
    """`complete`: the serial up to which those who look from now on see everything. `look` moves it on."""

    complete: int
    _candidate: int = 0
    _open: frozenset[str] = frozenset()

    def look(self, newest: int, writers: frozenset[str]) -> int:
        """What is complete, given the newest serial that was visible and, asked after that, the transactions that are writing."""
        if self._open:
            self._open &= writers
        if not self._open:
            self.complete = max(self.complete, self._candidate)
            self._candidate, self._open = newest, writers
            if not writers:
                self.complete = max(self.complete, newest)
        return self.complete
