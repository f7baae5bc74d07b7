"""Which of several resources with one URL counts."""

from itertools import pairwise

import pytest

from service.terminology.lookup import Candidate, canonical, newest, version_order


def test_versions_in_order() -> None:
    ordered = [
        None,
        "draft",
        "0.9",
        "1.0-beta",
        "1.0",
        "1.0.1",
        "1.2",
        "1.10",
        "2.0.0-rc1",
        "2.0.0-rc2",
        "2.0.0",
        "10",
        "2026-03-14",
        "9" * 9999,
    ]
    assert all(version_order(lower) < version_order(higher) for lower, higher in pairwise(ordered))


def _candidate(status: str, version: str | None, at: int) -> Candidate:
    return Candidate({"status": status, "name": f"{status} {version} {at}", **({"version": version} if version else {})}, at)


@pytest.mark.parametrize(
    ("rows", "version", "name"),
    [
        ([("active", "1", 1), ("draft", "2", 2)], None, "active 1 1"),
        ([("draft", "1", 1), ("retired", "2", 2)], None, "retired 2 2"),
        ([("active", "1.9", 5), ("active", "1.10", 1), ("active", None, 9)], None, "active 1.10 1"),
        ([("active", "1", 1), ("active", "1", 2)], None, "active 1 2"),
        ([("active", "1", 1), ("draft", "2", 2)], "2", "draft 2 2"),
        ([("active", "1", 1)], "2", None),
        ([("entered-in-error", "1", 1)], None, None),
        ([], None, None),
    ],
)
def test_the_newest_counts(rows: list[tuple[str, str | None, int]], version: str | None, name: str | None) -> None:
    found = newest([_candidate(*row) for row in rows], version)
    assert (found.tree["name"] if found else None) == name


def test_a_canonical_with_and_without_its_version() -> None:
    assert str(canonical("http://x|1")) == "http://x|1"
    assert canonical("http://x|").version is None
