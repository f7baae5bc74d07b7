"""What the answers to the entries of one Bundle may come to together: the limits on single requests bound no thousand of them.

Two amounts: the seconds that reads take, and the size of all answers. They are looked at before an entry begins, so the last one may pass
them. In a batch the entries that are left over are refused, in a transaction everything is undone.
"""

from collections.abc import Callable
from dataclasses import dataclass

from service import clock
from service.config import Settings
from service.errors import PayloadTooLarge
from service.rest.exchange import FhirRequest, FhirResponse

_READS = frozenset({"GET", "HEAD"})


@dataclass(slots=True)
class Budget:
    """What is left for one Bundle: `seconds` of reads, `size` in characters."""

    seconds: float
    size: int

    @classmethod
    def of(cls, settings: Settings) -> "Budget":
        """The whole of it."""
        return cls(settings.bundle_read_seconds, settings.bundle_answer_bytes)

    def require(self, request: FhirRequest) -> None:
        """Raises PayloadTooLarge when the entries before this one left nothing for it."""
        if self.size <= 0 or (self.seconds <= 0 and _is_read(request)):
            raise PayloadTooLarge.of(
                "too-costly",
                "bundle-answers",
                "The entries before this one took as long, or answered with as much, as one Bundle may. Send the rest as another Bundle.",
            )

    def spent(self, request: FhirRequest, answer: Callable[[], FhirResponse]) -> FhirResponse:
        """The answer to an entry, taken off the budget."""
        begun = clock.monotonic()
        try:
            found = answer()
        finally:
            if _is_read(request):
                self.seconds -= clock.monotonic() - begun
        self.size -= len(found.body or "")
        return found


def _is_read(request: FhirRequest) -> bool:
    last = request.path[-1] if request.path else ""
    return request.method in _READS or last == "_search" or last.startswith("$")
