"""Numbers that look random and follow from other numbers: the same on every machine, in any order, without a state.

The mixing is that of splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
"""

_MASK = 2**64 - 1
_STEP, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def chance(number: int, purpose: int) -> int:
    """64 bits for the `number`th of something, one such value for each `purpose`."""
    mixed = (number * _STEP + (purpose + 1) * _FIRST) & _MASK
    mixed = ((mixed ^ mixed >> 30) * _FIRST) & _MASK
    mixed = ((mixed ^ mixed >> 27) * _SECOND) & _MASK
    return mixed ^ mixed >> 31


def one_in(most: int, number: int, purpose: int) -> bool:
    """True once in `most` numbers, on average."""
    return chance(number, purpose) % most == 0
