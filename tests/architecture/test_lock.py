"""The locks pin every package by hash, name no registry, and hold what pyproject.toml asks for."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-build.lock")
PIN = re.compile(r"^(?P<name>[a-z0-9-]+)(?:\[[a-z,]+\])?==(?P<version>\S+)")


def _pins(lock: str) -> dict[str, str]:
    lines = (ROOT / lock).read_text().splitlines()
    return {pin["name"]: pin["version"] for pin in map(PIN.match, lines) if pin}


def _asked(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=~! ]", requirement)[0].replace(".", "-") for requirement in requirements}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash_and_no_registry_is_named(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert "index-url" not in text
    assert "find-links" not in text
    blocks = re.split(r"\n(?=[a-z0-9])", text)
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_the_locks_hold_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert _asked(project["dependencies"]) <= _pins("requirements.lock").keys()
    assert _asked(project["optional-dependencies"]["dev"]) <= _pins("requirements-dev.lock").keys()


def test_the_locks_agree() -> None:
    development = _pins("requirements-dev.lock")
    for lock in LOCKS:
        pins = _pins(lock)
        assert {name: development.get(name) for name in pins} == pins
