"""A build that leaves the audit out at one place fails the tests of S-30: each place is taken out in turn, and the failure is required."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from service.app import create_app
from service.audit.trail import Trail
from service.config import Settings
from service.records import trail
from service.records.context import Context
from service.rest import dispatch
from service.rest.interactions import batch
from service.storage import audit
from service.web import fhir
from tests.access import admitted
from tests.audit import test_completeness as complete
from tests.audit.test_completeness import ABOUT_NOBODY, ONE, PATIENT, World, found_of
from tests.databases import Databases
from tests.watch import rows as wanted_rows

Break = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture
def world(databases: Databases) -> Iterator[World]:
    with databases.fresh("sqlite") as url:
        app = create_app(replace(Settings(cursor_key="c" * 32, conditional_delete_multiple=True, body_bytes=200_000), database_url=url))
        database = app.extensions["infusion_records"].database
        found = World(admitted(app), database)
        found.patient = found.send("POST", "/Patient", PATIENT)[0].json["id"]
        found.observation = found.send("POST", "/Observation", found_of(found))[0].json["id"]
        yield found
        database.dispose()


@pytest.fixture(autouse=True)
def audited_exactly() -> None:
    """The watch of the suite is not asked here: what it would find is what these tests are for."""


def _fails(world: World, check: Callable[..., None], *arguments: Any) -> bool:
    try:
        check(world, *arguments)
    except AssertionError:
        return True
    return False


def _case(name: str) -> Any:
    return next(case for case in (*ONE, *ABOUT_NOBODY) if case[0] == name)


def _blind(module: str) -> Break:
    """What one module shows is not noted."""
    saw = Trail.saw

    def forgetful(self: Trail, type: str, text: str) -> None:
        if sys._getframe(1).f_globals["__name__"] != module:
            saw(self, type, text)

    return lambda patched: patched.setattr(Trail, "saw", forgetful)


def _nothing(*_arguments: object) -> None:
    pass


_INTERACTIONS, _OPERATIONS = "service.rest.interactions.", "service.rest.operations."
BLIND = {
    "read": _INTERACTIONS + "read",
    "read-in-parts": _INTERACTIONS + "read",
    "vread": _INTERACTIONS + "vread",
    "search": _INTERACTIONS + "search",
    "search-in-parts": _INTERACTIONS + "search",
    "search-including": _INTERACTIONS + "search",
    "search-all": _INTERACTIONS + "search",
    "history": _INTERACTIONS + "history",
    "history-type": _INTERACTIONS + "history",
    "history-system": _INTERACTIONS + "history",
    "lastn": _OPERATIONS + "lastn",
    "stats": _OPERATIONS + "stats",
    "meta": _OPERATIONS + "meta",
    "validate": _OPERATIONS + "validate",
}


@pytest.mark.parametrize("name", BLIND)
def test_what_is_shown_is_not_noted(world: World, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    complete.test_one_event_with_its_patient(world, _case(name))
    _blind(BLIND[name])(monkeypatch)
    assert _fails(world, complete.test_one_event_with_its_patient, _case(name))


@pytest.mark.parametrize("name", ["read", "search", "history", "everything", "capabilities", "count"])
def test_answers_are_not_noted(world: World, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(dispatch.trail, "note", _nothing)
    check = complete.test_one_event_with_its_patient if _case(name) in ONE else complete.test_one_event_about_nobody
    assert _fails(world, check, _case(name))


@pytest.mark.parametrize("name", ["unknown-id", "unknown-path", "wrong-verb", "invalid", "no-json", "too-long", "not-acceptable"])
def test_refusals_are_not_noted(world: World, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(fhir.trail, "note", _nothing)
    assert _fails(world, complete.test_one_event_about_nobody, _case(name))


def test_failed_entries_are_not_noted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    quiet = lambda ctx, request: dispatch.answer(ctx, dispatch.calls.understood(ctx, request, dispatch.dispatch))  # noqa: E731
    monkeypatch.setattr(dispatch, "dispatch", quiet)
    assert _fails(world, complete.test_a_batch_tells_of_each_entry_that_fails)


def test_entries_that_make_no_request_are_not_noted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    class Deaf:
        note = staticmethod(_nothing)

    monkeypatch.setattr(batch, "trail", Deaf)
    assert _fails(world, complete.test_a_batch_tells_of_each_entry_that_fails)


def test_reads_of_a_failed_transaction_are_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Trail, "back_to", _nothing)
    assert _fails(world, complete.test_a_transaction_that_fails_is_one)


def test_reads_of_a_transaction_are_not_committed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from service.records import commit

    class Forgetful:
        append = staticmethod(_nothing)

    monkeypatch.setattr(commit, "audit", Forgetful)
    assert _fails(world, complete.test_each_entry_of_a_bundle_is_one)


def test_nothing_is_settled(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trail, "settle", _nothing)
    assert _fails(world, complete.test_one_event_with_its_patient, _case("read"))


def test_writes_that_change_nothing_are_left_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    told = trail.told

    def only_versions(ctx: Context, tx: Any, writes: Any) -> Any:
        return told(ctx, tx, [one for one in writes if one[0].writes]) or [trail.Mark("none", b"")] * len(writes)

    monkeypatch.setattr(trail, "told", only_versions)
    assert _fails(world, complete.test_conditional_writes_and_repeated_ones)


def test_the_patient_of_before_is_forgotten(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    patients = trail._patients
    monkeypatch.setattr(trail, "_patients", lambda ctx, write: patients(ctx, replace(write, before=None)))
    assert _fails(world, complete.test_a_changed_resource_tells_of_both_patients)


def test_the_index_of_patients_is_not_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "_patients", lambda _entries: iter(()))
    assert _fails(world, complete.test_one_event_with_its_patient, _case("read"))


def test_an_answer_goes_out_though_the_trail_failed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The build that is not fail-closed: the test of that is what notices it (test_fail_closed)."""
    monkeypatch.setattr(fhir, "_settled", lambda _ctx, answer: answer)
    answer, rows = world.send("GET", f"/Patient/{world.patient}")
    assert (answer.status_code, rows) == (200, [])


def test_the_watch_of_the_suite_counts() -> None:
    entry = {"response": {"status": "204", "extension": [{"url": "x/audit-entry", "valueString": "a;leaf=b, c;leaf=d"}]}}
    text = '{"resourceType":"Bundle","type":"batch-response","entry":[]}'
    assert wanted_rows(200, {}, text.replace("[]", f"[{entry}]".replace("'", '"'))) == 2
    assert wanted_rows(200, {}, text) == 1
    assert wanted_rows(204, {"X-Audit-Entry": "a;leaf=b, c;leaf=d"}, None) == 2
    assert wanted_rows(404, {}, '{"resourceType":"OperationOutcome"}') == 1
