"""Every race can be lost: on a build with one safeguard taken out, its test fails.

Where a safeguard closes a window of microseconds, a pause widens the window, so that the failure is certain.
"""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from service.records import commit, condition, plan, receipt
from service.records.context import Service
from service.search import index
from service.storage import versions
from service.storage.database import Transaction
from service.storage.tables.resources import resource, version
from tests.properties import races

pytestmark = pytest.mark.nightly

SIZE = races.Size(threads=12, keys=6)
FEW = races.Size(threads=5, keys=15)
"""No more threads than connections, where writes must be under way at the same time."""
PAUSE_SECONDS = 0.1


def _pause() -> None:
    threading.Event().wait(PAUSE_SECONDS)


def _paused(function: Callable[..., object]) -> Callable[..., object]:
    def slow(*arguments: object, **options: object) -> object:
        result = function(*arguments, **options)
        _pause()
        return result

    return slow


def _require_lost(service: Service, race: Callable[[Service, races.Size], None], size: races.Size = SIZE) -> None:
    with pytest.raises((AssertionError, TypeError, AttributeError)):
        _run(service, race, size)


def _run(service: Service, race: Callable[[Service, races.Size], None], size: races.Size = SIZE) -> None:
    race(service, size)
    races.require_dense(service)


def _only(service: Service, dialect: str) -> None:
    if service.database.dialect != dialect:
        pytest.skip(f"the safeguard is one of {dialect}")


@pytest.mark.parametrize("race", [races.same_if_none_exist_makes_one, races.same_conditional_update_makes_one])
def test_without_the_lock_on_the_condition(service: Service, monkeypatch: pytest.MonkeyPatch, race) -> None:
    _only(service, "postgresql")
    monkeypatch.setattr(condition.locks, "hold", lambda _tx, _names: None)
    monkeypatch.setattr(condition, "matching", _paused(condition.matching))
    _require_lost(service, race)


@pytest.mark.parametrize("race", [races.same_if_none_exist_makes_one, races.same_conditional_update_makes_one])
def test_with_a_search_that_does_not_see_the_newest_state(service: Service, monkeypatch: pytest.MonkeyPatch, race) -> None:
    monkeypatch.setattr(condition, "matching", lambda *_arguments: [])
    _require_lost(service, race)


def _append_whatever_the_version(tx: Transaction, rows) -> None:
    """What a build without optimistic locking would do: number the version after the newest one, and write it."""
    for row in rows:
        newest = tx.connection.scalar(select(func.max(version.c.version)).where(version.c.res_id == row.res_id)) or 0
        if newest:
            row = replace(row, version=newest + 1)
            values = {"version": row.version, "last_updated": row.last_updated, "deleted": row.body is None}
            tx.connection.execute(resource.update().where(resource.c.res_id == row.res_id).values(values))
            tx.connection.execute(version.insert(), versions._values(row))
        else:
            versions._insert(tx, [row])


def _unlocked(tx: Transaction, keys, key_share: bool) -> set[int]:
    return set(tx.connection.scalars(select(resource.c.res_id)))


def test_without_the_check_of_the_version(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    _only(service, "postgresql")
    monkeypatch.setattr(versions, "_lock", _unlocked)
    monkeypatch.setattr(versions, "append", _append_whatever_the_version)
    monkeypatch.setattr(plan, "_links", _paused(plan._links))
    _require_lost(service, races.one_etag_lets_one_through)


def test_without_if_match(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "_require_version", lambda *_arguments: None)
    _require_lost(service, races.one_etag_lets_one_through)


def test_with_versions_numbered_from_the_clock(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Versions that are not dense are noticed."""
    insert = versions._values
    monkeypatch.setattr(versions, "_values", lambda row: {**insert(row), "version": row.version + (row.version > 1)})
    _require_lost(service, races.patches_lose_nothing)


def test_with_the_instant_at_which_the_writer_began_to_wait(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """On PostgreSQL a writer that waited for a row would stamp its version before the one that it replaces."""
    _only(service, "postgresql")
    monkeypatch.setattr(commit, "later", lambda tx, _than: tx)
    monkeypatch.setattr(plan, "_links", _paused(plan._links))
    _require_lost(service, races.updates_without_an_etag_all_happen_one_after_the_other)


def test_without_the_lock_on_what_is_referred_to(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    _only(service, "postgresql")

    def existing(tx: Transaction, keys) -> set[tuple[int, str]]:
        rows = select(resource.c.type, resource.c.fhir_id).where(resource.c.deleted.is_(False))
        found = {(row.type, row.fhir_id) for row in tx.connection.execute(rows)}
        _pause()
        return found & set(keys)

    monkeypatch.setattr(versions, "existing", existing)
    monkeypatch.setattr(index, "referrers", _paused(index.referrers))
    _require_lost(service, races.a_deletion_and_references_exclude_each_other, FEW)


def test_without_the_check_of_referrers(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "referrers", lambda *_arguments: [])
    create_first = races.a_deletion_and_references_exclude_each_other
    monkeypatch.setattr(races, "delete", _paused(races.delete))
    _require_lost(service, create_first)


def test_without_the_receipt(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipt.receipts, "find", lambda *_arguments: None)
    monkeypatch.setattr(receipt.receipts, "keep", lambda *_arguments: None)
    _require_lost(service, races.one_idempotency_key_writes_once)


def test_without_a_second_attempt(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lost race for a new id must be run again; a build that gives up at once is noticed."""
    _only(service, "postgresql")
    monkeypatch.setattr(commit, "_ATTEMPTS", 1)
    _require_lost(service, races.a_new_id_is_made_once)
