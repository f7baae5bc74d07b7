"""When things happen: no future, no wrong order, late entries, expiry, quarantine (CS-20 to CS-23)."""

from collections.abc import Callable, Iterable

from service.errors import Issue
from service.ledger.scene import Scene, Written

RULES: tuple[Callable[[Scene, Written], Iterable[Issue]], ...] = ()
