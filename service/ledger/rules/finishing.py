"""What must be settled before a visit is finished, and that a finished one is closed (CS-24, CS-25)."""

from collections.abc import Callable, Iterable

from service.errors import Issue
from service.ledger.scene import Scene, Written

RULES: tuple[Callable[[Scene, Written], Iterable[Issue]], ...] = ()
