"""Many writers at once on real databases: what must hold however they interleave.

Small counts run always, the large ones nightly. `tests/properties/test_broken_builds.py` shows that each property can fail.
"""

from dataclasses import replace

import pytest

from tests.faults.checker import require_sound
from tests.properties import races

SMALL = races.Size(threads=8, keys=4)
LARGE = races.Size(threads=64, keys=100)

FEW_KEYS = 10
"""For the race that makes deadlocks: PostgreSQL looks for one only after a second."""

SIZES = [pytest.param(SMALL, id="8x4"), pytest.param(LARGE, id="64x100", marks=pytest.mark.nightly)]


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> races.Size:
    """How many threads, how many keys."""
    return request.param


@pytest.mark.parametrize("race", races.RACES, ids=lambda race: race.__name__)
def test_race(service, size: races.Size, race) -> None:
    if race is races.crossing_transactions_end_cleanly:
        size = replace(size, keys=min(size.keys, FEW_KEYS))
    race(service, size)
    require_sound(service)
