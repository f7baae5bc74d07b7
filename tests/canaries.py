"""Words of patients that no log may have: every line that the service logs in any test is searched for them.

`CANARY` stands in whatever a test wants to be sure of; the others stand in the records that most tests use.
"""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.web.request_log import LOGGER, JsonLines

CANARY = "zqcanaryzq"
WORDS = (CANARY, "Jordan", "KET-000123", "12 Sample St", "Lovelace", "FamilyA", "FamilyB", "Springer", "Chalmers")
"""Names, numbers and addresses of the patients of the test data."""


class Watch(logging.Handler):
    """Reads every record as it would be written, with its traceback if it has one."""

    def __init__(self) -> None:
        super().__init__()
        self.leaks: list[str] = []
        self.read = 0
        self._plain = logging.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        """Look at one record."""
        self.read += 1
        line = JsonLines().format(record) + self._plain.format(record)
        self.leaks.extend(found(line))


def found(text: str) -> list[str]:
    """The words in a text, each with what stands around it."""
    return [f"{word}: …{text[max(0, text.index(word) - 80) :][:200]}" for word in WORDS if word in text]


def require_clean(log: Path) -> None:
    """That the log of a server that ran says nothing of a patient."""
    assert found(log.read_text(encoding="utf-8", errors="replace")) == []


@pytest.fixture(scope="session")
def watch() -> Iterator[Watch]:
    """Reads along with everything that the service logs in this process."""
    reading = Watch()
    LOGGER.addHandler(reading)
    yield reading
    LOGGER.removeHandler(reading)


@pytest.fixture(autouse=True)
def _no_patient_in_the_log(watch: Watch) -> Iterator[None]:
    """Fails the test in which a word was logged."""
    before = len(watch.leaks)
    yield
    assert watch.leaks[before:] == []
