"""How a posted record is corrected, that it is never deleted, and that it is posted once (CS-30, CS-31, CS-33, CS-34)."""

from collections.abc import Callable, Iterable

from service.errors import Issue
from service.ledger.scene import Scene, Written

RULES: tuple[Callable[[Scene, Written], Iterable[Issue]], ...] = ()
