"""A shape: its name, how a question of it is made, and what may be expected of its speed."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.search.asking import Ask, Check
from benchmarks.search.dataset.elements import LOINC
from benchmarks.search.world import World

HEART_RATE = f"{LOINC}|8867-4"
PAGE = 50


@dataclass(frozen=True, slots=True)
class Shape:
    """`make` asks for a draw. `bounded`: the answer does not grow with the record, so its time may not either. `same`: every draw asks
    the same. `pages`: how many pages of the walk come before the one that is measured. `scans`: why a plan may read a large table from
    end to end; None when it may not."""

    name: str
    make: Callable[[World, int], Ask]
    bounded: bool = True
    same: bool = False
    pages: int = 0
    scans: str | None = None


def search(type: str, check: Check, /, *pairs: tuple[str, str]) -> Ask:
    """A search of a type."""
    return Ask((type,), pairs, check)
