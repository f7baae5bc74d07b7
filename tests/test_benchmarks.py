"""The benchmarks run to their end, which they do only when every answer that they time is right."""

import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]


@pytest.mark.nightly
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_quick_run_finds_no_wrong_answer(database: str) -> None:
    command = [sys.executable, "-m", "benchmarks", "--quick", "--database", database]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the service reaches" in done.stdout


@pytest.mark.nightly
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_quick_run_of_the_register_finds_no_wrong_answer(database: str) -> None:
    command = [sys.executable, "-m", "benchmarks.register", "--quick", "--database", database]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("aim 1.5") == 4
