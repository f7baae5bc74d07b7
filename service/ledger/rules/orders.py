"""Under which order, consent, allergy and weight a controlled substance is given (CS-26)."""

from collections.abc import Callable, Iterable

from service.errors import Issue
from service.ledger.scene import Scene, Written

RULES: tuple[Callable[[Scene, Written], Iterable[Issue]], ...] = ()
