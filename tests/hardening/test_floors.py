"""Versions below which a dependency has a weakness that matters here, and packages that must not come in at all.

The advisories are those of https://osv.dev; a lock file below a floor fails the build, on a machine without a network too.
"""

import re
import sqlite3
from pathlib import Path

import pytest
from packaging.version import Version

LOCK = (Path(__file__).parents[2] / "requirements.lock").read_text(encoding="utf-8")
LOCKED = {
    name.lower(): Version(version) for name, version in re.findall(r"^([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==([^ ;\\]+)", LOCK, re.MULTILINE)
}

FLOORS = {
    "joserfc": "1.8.0",  # CVE-2026-49852 (empty HMAC key) and CVE-2026-62995
    "gunicorn": "22.0.0",  # CVE-2024-1135, CVE-2024-6827: request smuggling
    "werkzeug": "3.0.6",  # CVE-2024-49767: forms that fill the memory
    "jinja2": "3.1.6",  # CVE-2025-27516
    "requests": "2.32.4",  # CVE-2024-47081: credentials of .netrc
    "urllib3": "2.5.0",  # CVE-2025-50181, CVE-2025-50182: redirects
    "cryptography": "44.0.1",  # CVE-2024-12797
}
NEVER = ("python-jose", "pyjwt", "authlib", "jwcrypto", "lxml", "defusedxml", "pyyaml-include", "pickle5")
"""Other implementations of what one library does here, parsers of XML, and what loads code."""


@pytest.mark.parametrize("name", sorted(FLOORS))
def test_a_dependency_is_not_below_its_floor(name: str) -> None:
    assert LOCKED[name] >= Version(FLOORS[name])


@pytest.mark.parametrize("name", NEVER)
def test_what_must_not_come_in_is_not_locked(name: str) -> None:
    assert LOCKED
    assert name not in LOCKED


def test_a_journal_that_older_sqlite_corrupts_is_not_used() -> None:
    from service.storage import database

    assert database._WAL_RESET_FIXED == (3, 51, 3)
    assert sqlite3.sqlite_version_info >= (3, 35)
