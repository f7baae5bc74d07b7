"""Reading: current, one version, and history at its three levels, with paging, `since` and `at` (both databases)."""

import pytest

from service.errors import Gone, NotFound
from service.records import read
from service.records.context import Context
from service.records.read import HistoryPage, HistoryQuery
from tests.records.samples import create, delete, observation, one, patient, update

Seen = tuple[str, str, int]


@pytest.fixture
def stamps(ctx: Context) -> dict[Seen, int]:
    """A small history: what was written when, by (type, id, version)."""
    changes = [
        update(patient(id="a")),
        update(observation("Patient/a", id="o")),
        update(patient(id="b")),
        update(patient(id="a", active=True)),
        delete("Patient/b"),
        update(patient(id="b", active=True)),
        update(observation(id="o")),
    ]
    done = [one(ctx, change) for change in changes]
    return {(found.type, str(found.id), found.version): found.last_updated for found in done}


def _seen(page: HistoryPage) -> list[Seen]:
    return [(found.type, found.id, found.version) for found in page.versions]


def test_what_never_was_is_not_found_and_what_was_deleted_is_gone(ctx: Context, stamps: dict[Seen, int]) -> None:
    one(ctx, delete("Observation/o"))
    for type, id, error in (
        ("Patient", "never", NotFound),
        ("Observation", "a", NotFound),
        ("Patient", "A", NotFound),
        ("Observation", "o", Gone),
    ):
        with pytest.raises(error):
            read.read(ctx, type, id)


def test_ids_are_told_apart_to_the_letter(ctx: Context) -> None:
    for id in ("a", "A", "a.", "a-", "-a", "1", "01"):
        one(ctx, update(patient(id=id, gender="other")))
    for id in ("a", "A", "a.", "a-", "-a", "1", "01"):
        assert (read.read(ctx, "Patient", id).id, read.read(ctx, "Patient", id).version) == (id, 1)


def test_every_version_can_be_read(ctx: Context, stamps: dict[Seen, int]) -> None:
    for (type, id, version), stamp in stamps.items():
        if (id, version) != ("b", 2):
            found = read.vread(ctx, type, id, version)
            assert (found.version, found.last_updated) == (version, stamp)
    with pytest.raises(Gone):
        read.vread(ctx, "Patient", "b", 2)
    for version in (0, 4, 999_999_999):
        with pytest.raises(NotFound):
            read.vread(ctx, "Patient", "b", version)


def test_the_history_of_one_of_a_type_and_of_all_newest_first(ctx: Context, stamps: dict[Seen, int]) -> None:
    everything = sorted(stamps, key=lambda key: stamps[key], reverse=True)
    assert _seen(read.history(ctx, HistoryQuery())) == everything
    assert _seen(read.history(ctx, HistoryQuery("Patient"))) == [key for key in everything if key[0] == "Patient"]
    page = read.history(ctx, HistoryQuery("Patient", "b"))
    assert _seen(page) == [key for key in everything if key[:2] == ("Patient", "b")]
    assert [(found.method, found.text is None) for found in page.versions] == [("PUT", False), ("DELETE", True), ("PUT", False)]
    assert (page.total, page.after, page.until) == (3, None, None)


def test_the_history_of_what_never_was_is_not_found_and_of_the_deleted_is_there(ctx: Context, stamps: dict[Seen, int]) -> None:
    with pytest.raises(NotFound):
        read.history(ctx, HistoryQuery("Patient", "never"))
    assert _seen(read.history(ctx, HistoryQuery("Device"))) == []
    one(ctx, delete("Observation/o"))
    assert read.history(ctx, HistoryQuery("Observation", "o")).total == 3


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8])
def test_a_walk_sees_everything_once_though_others_write(ctx: Context, stamps: dict[Seen, int], count: int) -> None:
    seen: list[Seen] = []
    page = read.history(ctx, HistoryQuery(count=count))
    while True:
        seen += _seen(page)
        one(ctx, create(patient()))
        if page.after is None:
            break
        page = read.history(ctx, HistoryQuery(count=count, after=page.after, until=page.until))
        assert len(page.versions) <= count
    assert seen == sorted(stamps, key=lambda key: stamps[key], reverse=True)


def test_since_is_inclusive_and_goes_on_from_the_horizon(ctx: Context, stamps: dict[Seen, int]) -> None:
    for key, stamp in stamps.items():
        page = read.history(ctx, HistoryQuery(since=stamp))
        assert set(_seen(page)) == {other for other in stamps if stamps[other] >= stamp}, key
        assert page.until is not None
        assert page.until > max(stamps.values())
    until = read.history(ctx, HistoryQuery(since=0)).until
    made = one(ctx, create(patient()))
    assert _seen(read.history(ctx, HistoryQuery(since=until))) == [("Patient", made.id, 1)]
    assert _seen(read.history(ctx, HistoryQuery("Observation", since=until))) == []


def test_a_walk_of_a_pull_keeps_its_horizon(ctx: Context, stamps: dict[Seen, int]) -> None:
    page = read.history(ctx, HistoryQuery(since=0, count=3))
    seen = _seen(page)
    while page.after:
        one(ctx, create(patient()))
        page = read.history(ctx, HistoryQuery(since=0, count=3, after=page.after, until=page.until))
        assert page.total == len(stamps)
        seen += _seen(page)
    assert seen == sorted(stamps, key=lambda key: stamps[key], reverse=True)


def test_at_finds_what_was_current_then(ctx: Context, stamps: dict[Seen, int]) -> None:
    def brute(lo: int, hi: int) -> set[Seen]:
        found = set()
        for (type, id, version), stamp in stamps.items():
            replaced = stamps.get((type, id, version + 1))
            if stamp <= hi and (replaced is None or replaced > lo):
                found.add((type, id, version))
        return found

    instants = [moment for stamp in stamps.values() for moment in (stamp - 1, stamp, stamp + 1)]
    for lo in instants:
        for hi in (lo, lo + 2):
            if hi >= lo:
                assert set(_seen(read.history(ctx, HistoryQuery(at=(lo, hi))))) == brute(lo, hi)


def test_instants_far_away_are_fine(ctx: Context, stamps: dict[Seen, int]) -> None:
    far = 253_402_300_799_999_999
    assert _seen(read.history(ctx, HistoryQuery(since=far))) == []
    assert len(_seen(read.history(ctx, HistoryQuery(since=-62_135_596_800_000_000)))) == len(stamps)
    assert len(_seen(read.history(ctx, HistoryQuery("Patient", at=(far, far))))) == 2


def test_a_read_inside_a_write_sees_the_write(ctx: Context) -> None:
    with ctx.service.database.write() as tx:
        bound = ctx.within(tx)
        with pytest.raises(NotFound):
            read.read(bound, "Patient", "a")
        assert read.history(bound, HistoryQuery()).total == 0
