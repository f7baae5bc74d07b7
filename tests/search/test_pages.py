"""Pages: nothing twice and nothing left out while others write; cursors that belong to their search alone."""

import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest

from service.errors import BadRequest
from tests.search.clinic import Clinic, Stored

STATUSES = ("final", "amended", "corrected")


def _observation(number: int) -> dict[str, object]:
    return {
        "resourceType": "Observation",
        "id": f"o{number:03}",
        "status": STATUSES[number % 3],
        "code": {"coding": [{"system": "http://c", "code": "bp"}]},
        "effectiveDateTime": f"2026-03-{1 + number % 28:02}T10:00:00Z",
    }


def _walk(clinic: Clinic, asked: str) -> list[str]:
    found: list[str] = []
    cursor = ""
    while True:
        page = clinic.page("Observation", f"{asked}&_count=7{cursor}")
        found += [one.id for one in page.matches]
        if page.next is None:
            return found
        cursor = f"&_cursor={page.next}"


@pytest.mark.parametrize(
    "asked", ["", "code=http://c|bp", "code=bp", "_sort=-date", "_sort=date,-_id", "_sort=status,-date", "date=ge2026", "_sort=_id"]
)
def test_a_walk_returns_everything_once(clinic: Clinic, asked: str) -> None:
    clinic.put(*map(_observation, range(40)))
    found = _walk(clinic, asked)
    assert sorted(found) == [f"o{number:03}" for number in range(40)]


@pytest.mark.parametrize("asked", ["", "code=http://c|bp", "_sort=_id", "_sort=-date"])
def test_a_walk_is_whole_while_others_write(clinic: Clinic, asked: str) -> None:
    stored = clinic.put(*map(_observation, range(60)))
    stop = threading.Event()
    writer = threading.Thread(target=_disturb, args=(clinic, stored[::2], stop))
    writer.start()
    try:
        for _ in range(5):
            found = _walk(clinic, asked)
            assert len(found) == len(set(found))
            assert {f"o{number:03}" for number in range(60)} <= set(found)
    finally:
        stop.set()
        writer.join()


def _disturb(clinic: Clinic, stored: list[Stored], stop: threading.Event) -> None:
    """Change the status of some, add others and remove them again."""
    turn = 0
    while not stop.is_set():
        stored = [clinic.update(one, status=STATUSES[turn % 3]) for one in stored]
        added = clinic.put(_observation(1000 + turn))
        clinic.remove(*added)
        turn += 1


def test_a_walk_under_pull_ends_at_its_horizon(clinic: Clinic) -> None:
    clinic.put(*map(_observation, range(10)))
    first = clinic.page("Observation", "_lastUpdated=ge2020&_count=7")
    clinic.put(_observation(500))
    second = clinic.page("Observation", f"_lastUpdated=ge2020&_count=7&_cursor={first.next}")
    assert len(second.matches) == 3
    assert second.next is None
    assert second.horizon == first.horizon is not None


def test_pulls_joined_at_the_horizon_see_everything_once(clinic: Clinic) -> None:
    from service.clock import to_text

    seen: list[str] = []
    since = "2020"
    for turn in range(4):
        clinic.put(*(_observation(turn * 10 + number) for number in range(5)))
        page = clinic.page("Observation", f"_lastUpdated=gt{since}")
        assert page.horizon is not None
        seen += [one.id for one in page.matches]
        since = to_text(page.horizon)
    page = clinic.page("Observation", f"_lastUpdated=gt{since}")
    seen += [one.id for one in page.matches]
    assert len(seen) == len(set(seen)) == 20


def test_a_cursor_that_was_changed_is_refused(clinic: Clinic) -> None:
    clinic.put(*map(_observation, range(10)))
    cursor = clinic.page("Observation", "_count=7").next
    assert cursor is not None
    raw = bytearray(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    for at in (0, 20, len(raw) - 1):
        changed = bytearray(raw)
        changed[at] ^= 1
        with pytest.raises(BadRequest, match="cursor"):
            clinic.page("Observation", [("_count", "7"), ("_cursor", urlsafe_b64encode(changed).decode())])


@pytest.mark.parametrize("asked", ["_count=6", "_count=7&status=final", "_count=7&_sort=date"])
def test_a_cursor_of_another_search_is_refused(clinic: Clinic, asked: str) -> None:
    clinic.put(*map(_observation, range(10)))
    cursor = clinic.page("Observation", "_count=7").next
    with pytest.raises(BadRequest, match="cursor"):
        clinic.page("Observation", f"{asked}&_cursor={cursor}")


@pytest.mark.parametrize("cursor", ["", "x", "é", "A" * 100, "A" * 10_000, "====", "../.."])
def test_what_is_no_cursor_is_refused(clinic: Clinic, cursor: str) -> None:
    with pytest.raises(BadRequest, match="cursor"):
        clinic.page("Observation", [("_cursor", cursor)])
