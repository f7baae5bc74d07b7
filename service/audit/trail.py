"""What one request has for the audit trail: the events that wait to be committed before its answer leaves, and how many there were."""

from dataclasses import dataclass, field

from service.storage.audit import Entry


@dataclass(slots=True)
class Trail:
    """The notes of one request, or of one attempt of a write.

    `pending` are events that are not committed yet. `count` counts them and those that a write committed with what they tell of: an
    interaction that leaves it as it was has not been recorded. `seen` are the resources (type, stored text) that the present
    interaction shows. `patients` are named by it otherwise.
    """

    pending: list[Entry] = field(default_factory=list)
    count: int = 0
    seen: list[tuple[str, str]] = field(default_factory=list)
    patients: set[str] = field(default_factory=set)

    def saw(self, type: str, text: str) -> None:
        """Note that the present interaction shows a resource of `type`, whose stored JSON is `text`."""
        self.seen.append((type, text))

    def add(self, entry: Entry) -> None:
        """One more event to be committed."""
        self.pending.append(entry)
        self.count += 1

    def back_to(self, count: int) -> None:
        """Forget the events that wait beyond the first `count` of them: what they tell of has been undone."""
        self.count -= len(self.pending) - count
        del self.pending[count:]

    def forget_sights(self) -> None:
        """The present interaction has ended."""
        self.seen.clear()
        self.patients.clear()
