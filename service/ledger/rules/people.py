"""Who may draw, give, waste and witness (CS-10 to CS-13)."""

from collections.abc import Callable, Iterable

from service.errors import Issue
from service.ledger.scene import Scene, Written

RULES: tuple[Callable[[Scene, Written], Iterable[Issue]], ...] = ()
