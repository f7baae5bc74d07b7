"""What could explode does not: bombs of the largest size that is let in take processor time in proportion to their size."""

import resource as limits
import subprocess
import sys
from pathlib import Path

import pytest

from service.errors import Unprocessable
from tests.faults import bombs

MOST_CPU_SECONDS = 120


def test_bombs_are_handled_in_proportion_to_their_size() -> None:
    """A careless build would need hours; the limit is far from what the careful one takes."""
    told = subprocess.run(
        [sys.executable, "-m", bombs.__name__],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
        preexec_fn=lambda: limits.setrlimit(limits.RLIMIT_CPU, (MOST_CPU_SECONDS, MOST_CPU_SECONDS)),
    )
    assert told.stdout.splitlines() == list(bombs.BOMBS), told.stderr[-2000:]


def test_a_patch_that_would_search_for_too_long_is_refused() -> None:
    with pytest.raises(Unprocessable, match="too many for a resource of this size"):
        bombs.BOMBS["a hundred searches"]()
