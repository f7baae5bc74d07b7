"""The parts of an infusion against the whole: rate, time, volume and dose (CS-03, CS-04)."""

from collections.abc import Callable, Iterable

from service.errors import Issue
from service.ledger.scene import Scene, Written

RULES: tuple[Callable[[Scene, Written], Iterable[Issue]], ...] = ()
