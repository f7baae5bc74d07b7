"""What is measured during a visit: eight observations of six kinds, and the weight at the first visit.

An observation is numbered by visit and slot. One in fifty lacks its value and says why.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.search.dataset.chance import chance, one_in
from benchmarks.search.dataset.clinic import Visit

PRESSURE, HEART, OXYGEN, MOOD, PAIN, WEIGHT = range(6)
SLOTS = (PRESSURE, HEART, OXYGEN, MOOD, PRESSURE, HEART, OXYGEN, PAIN)
OF_A_VISIT = len(SLOTS)
NUMBERS_OF_A_VISIT = 16
_WEIGHT_SLOT = 8
_MINUTES = (10, 11, 12, 5, 45, 46, 47, 90)
_RANGES = {PRESSURE: (95, 90), HEART: (55, 70), OXYGEN: (88, 13), MOOD: (0, 28), PAIN: (0, 11), WEIGHT: (450, 700)}


@dataclass(frozen=True, slots=True)
class Reading:
    """One observation: its number, kind, instant (seconds), and value (None: absent). Weight in tenths of a kilogram."""

    number: int
    kind: int
    at: int
    value: int | None

    @property
    def diastolic(self) -> int | None:
        """The lower value of a pressure."""
        return None if self.value is None else self.value // 2 + 10 + self.number % 7


def readings(visit: Visit) -> Iterator[Reading]:
    """Everything that was measured in a visit, in the order in which it is recorded."""
    if visit.ordinal == 0:
        yield reading(visit, _WEIGHT_SLOT)
    for slot in range(OF_A_VISIT):
        yield reading(visit, slot)


def reading(visit: Visit, slot: int) -> Reading:
    """The observation in a slot of a visit."""
    number = visit.rank * NUMBERS_OF_A_VISIT + slot
    kind, minute = (WEIGHT, 3) if slot == _WEIGHT_SLOT else (SLOTS[slot], _MINUTES[slot])
    mixed = chance(number, 30)
    least, width = _RANGES[kind]
    at = visit.start + minute * 60 + mixed % 60
    return Reading(number, kind, at, None if one_in(50, number, 31) else least + (mixed >> 8) % width)


def of_kind(visit: Visit, kind: int) -> Iterator[Reading]:
    """The observations of one kind in a visit, but for the weight."""
    for slot, found in enumerate(SLOTS):
        if found == kind:
            yield reading(visit, slot)
