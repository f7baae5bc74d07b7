"""The job that makes exports: what it survives, what fails so that everybody sees it, what it clears away."""

import errno
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from service import wiring
from service.audit.checkpoint import Signer
from service.bulk.register_export import folder, reports
from service.bulk.register_export.content import Making
from service.bulk.register_export.work import ATTEMPTS, LEASE, Exports
from service.ledger.entry import Account, Entry, digest
from service.records import upkeep
from service.records.register.exports import DONE, EXPIRED, FAILED, RUNNING, WAITING
from service.records.register.question import Question
from service.storage import leases, ledger, register_exports
from service.storage.ledger import Asked
from tests.register_exports.conftest import Clinic
from tests.register_exports.made import asked, verified
from tests.sequencing.trails import SIGNER, Worker

PLACE, APART = "schedule-iii-v", "schedule-i-ii"


def _left(clinic: Clinic) -> list[str]:
    """What lies in the directory of exports."""
    root = clinic.maker.path("x").parent
    return sorted(path.name for path in root.iterdir()) if root.is_dir() else []


def _dying(_making: Making, _place: str, _apart: tuple[str, ...]) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_worker_leaves_no_half_export_and_the_next_one_makes_it(clinic: Clinic) -> None:
    """A process of its own is killed in the middle, when the ledger and the records lie there already."""
    id = asked(clinic.client)
    Worker(clinic.maker.service.database).sign()
    clinic.maker.service.database.dispose()
    child = os.fork()
    if child == 0:
        try:
            service = wiring.service(clinic.maker.service.settings)
            job = Exports(service, SIGNER, _dying, lease_seconds=0.2)
            job._taken()
            job.make()
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert _left(clinic) == [f"{id}{folder.PART}"]
    assert clinic.maker.find(id).status == RUNNING
    assert clinic.client.get(f"/exports/{id}").status_code == 202
    assert clinic.client.get(f"/exports/{id}/files/manifest.txt").status_code == 404
    _await_lease(clinic)
    clinic.maker.make(signs=False)
    assert (clinic.maker.find(id).status, clinic.maker.find(id).attempts) == (DONE, 2)
    assert _left(clinic) == [id]
    assert verified(clinic.maker.path(id)) == 0


def _await_lease(clinic: Clinic) -> None:
    """Until the lease of who died has run out."""
    while True:
        with clinic.maker.service.database.glance() as tx:
            lease = leases.find(tx, LEASE)
        if lease is None or not lease.is_live:
            return


def test_what_is_broken_off_again_and_again_has_failed(clinic: Clinic) -> None:
    id = asked(clinic.client)
    with clinic.maker.service.database.write() as tx:
        register_exports.change(tx, id, status=RUNNING, attempts=ATTEMPTS)
    clinic.maker.make()
    answer = clinic.client.get(f"/exports/{id}")
    assert (answer.status_code, answer.json["issue"][0]["severity"]) == (500, "error")
    assert "broken off 3 times" in answer.json["issue"][0]["diagnostics"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT], ids=["full", "quota"])
def test_a_full_disk_fails_it_so_that_it_is_seen(clinic: Clinic, number: int) -> None:
    id = asked(clinic.client)

    def full(*_: object) -> None:
        raise OSError(number, "no room")

    clinic.maker.make(reports=full)
    assert clinic.maker.find(id).status == FAILED
    answer = clinic.client.get(f"/exports/{id}")
    assert answer.status_code == 500
    assert "There is no room for it" in answer.json["issue"][0]["diagnostics"]
    assert _left(clinic) == []


def test_a_disk_that_takes_no_more_bytes_is_one(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in a report, but in the middle of a file."""
    id = asked(clinic.client)
    monkeypatch.setattr(os, "fsync", _refusing)
    clinic.maker.make()
    monkeypatch.undo()
    assert (clinic.maker.find(id).status, _left(clinic)) == (FAILED, [])


def _refusing(_number: int) -> None:
    raise OSError(errno.ENOSPC, "no room")


def test_a_directory_that_everybody_may_write_to_is_refused(empty: Clinic) -> None:
    root = empty.maker.path("x").parent
    root.mkdir()
    root.chmod(0o777)
    id = asked(empty.client)
    empty.maker.make()
    assert "Everybody on the machine" in empty.maker.find(id).told


def test_a_worker_with_another_key_signs_nothing(empty: Clinic) -> None:
    id = asked(empty.client)
    Worker(empty.maker.service.database).sign()
    job = Exports(empty.maker.service, Signer("clinic.example/audit", b"t" * 32), reports.write)
    assert job._taken()
    job.make()
    assert empty.maker.find(id).status == FAILED
    assert "not the newest key" in empty.maker.find(id).told


def test_one_worker_makes_exports_at_a_time(empty: Clinic) -> None:
    first, second = empty.maker.exports(), empty.maker.exports()
    assert first._taken()
    assert not second._taken()
    first._release()
    assert second._taken()


def test_who_has_lost_the_lease_finishes_nothing(clinic: Clinic) -> None:
    """Another worker took over while this one was away: what it made is not put down as done."""
    id = asked(clinic.client)

    def robbed(making: Making, _place: str, _apart: tuple[str, ...]) -> None:
        with making.ctx.service.database.write() as tx:
            holder = leases.find(tx, LEASE)
            assert holder
            leases.release(tx, LEASE, holder.holder)
            assert leases.take(tx, LEASE, "another", 60)

    clinic.maker.make(reports=robbed)
    assert clinic.maker.find(id).status == RUNNING
    assert clinic.client.get(f"/exports/{id}/files/manifest.txt").status_code == 404


def test_what_is_given_up_is_broken_off(clinic: Clinic) -> None:
    id = asked(clinic.client)

    def given_up(making: Making, _place: str, _apart: tuple[str, ...]) -> None:
        assert clinic.client.delete(f"/exports/{id}").status_code == 202

    clinic.maker.make(reports=given_up)
    assert clinic.client.get(f"/exports/{id}").status_code == 404
    clinic.maker.exports().sweep()
    assert _left(clinic) == []


def test_a_worker_that_stops_leaves_it_to_the_next(clinic: Clinic) -> None:
    id, jobs = asked(clinic.client), []

    def stopping(making: Making, place: str, apart: tuple[str, ...]) -> None:
        jobs[0].stop()
        reports.write(making, place, apart)

    Worker(clinic.maker.service.database).sign()
    jobs.append(clinic.maker.exports(reports=stopping))
    jobs[0]._taken()
    jobs[0].make()
    jobs[0]._release()
    assert (clinic.maker.find(id).status, clinic.maker.find(id).attempts) == (WAITING, 0)
    clinic.maker.make()
    assert clinic.maker.find(id).status == DONE


def test_it_is_begun_by_a_turn_of_the_worker_in_a_thread_of_its_own(empty: Clinic) -> None:
    job, id = empty.maker.exports(), asked(empty.client)
    Worker(empty.maker.service.database).sign()
    for one in job.jobs:
        one.run()
    while empty.maker.find(id).status in (WAITING, RUNNING):
        job.turn()
    job.stop()
    assert empty.maker.find(id).status == DONE
    assert empty.maker.exports()._taken()


def test_a_worker_from_start_to_stop_makes_what_was_asked_for(empty: Clinic) -> None:
    """Beside the log of the audit trail, which it needs and does not hold up."""
    id, stop = asked(empty.client), threading.Event()
    beside = empty.maker.exports()
    worker = threading.Thread(target=upkeep.run, args=(empty.maker.service, stop, None, beside))
    worker.start()
    while empty.maker.find(id).status in (WAITING, RUNNING) and worker.is_alive():
        stop.wait(0.05)
    stop.set()
    worker.join()
    assert empty.maker.find(id).status == DONE
    assert verified(empty.maker.path(id)) == 0


def test_what_has_expired_is_removed_and_said_to_be_gone(empty: Clinic) -> None:
    id = asked(empty.client)
    empty.maker.make()
    later = replace(empty.maker.service, clock=lambda: empty.maker.find(id).expires + 1)
    strange = empty.maker.path("x").parent / "of somebody else"
    strange.mkdir()
    empty.maker.exports().sweep()
    assert empty.maker.path(id).exists()
    Exports(later, SIGNER, reports.write).sweep()
    assert _left(empty) == ["of somebody else"]
    answer = empty.client.get(f"/exports/{id}")
    assert answer.status_code == 410
    assert empty.maker.find(id).patients == ()
    assert empty.maker.find(id).status == EXPIRED


def test_a_directory_elsewhere_is_told(empty: Clinic) -> None:
    """The service and its worker do not look at the same directory."""
    id = asked(empty.client)
    empty.maker.make()
    empty.maker.path(id).rename(empty.maker.path("y"))
    answer = empty.client.get(f"/exports/{id}/export.zip")
    assert answer.status_code == 404
    assert "REGISTER_EXPORTS" in answer.json["issue"][0]["diagnostics"]


@pytest.fixture
def second(clinic: Clinic) -> Iterator[Clinic]:
    """The clinic with a vial of Schedule II, at another site."""
    database = clinic.maker.service.database
    with database.write() as tx:
        [row] = list(ledger.lines(tx, Asked(kinds=("received",))))
        line = replace(Entry(*tuple(row)), vial="second", number=1, site="elsewhere", previous="0" * 64, hash="")
        line = replace(line, target=str(Account("vial", "second", line.safe)))
        line = replace(line, hash=digest(line))
        [vial] = ledger.known(tx)
        changed = {"vial": "second", "schedule": "CII", "substance": "0000", "lot": "LOT2", "site": "elsewhere", "head": line.hash}
    columns: dict[str, Any] = {name: getattr(vial, name) for name in vial.__slots__}
    _insert(clinic, "ledger_vial", {**columns, **changed, "entries": 1, "remaining_ug": line.amount_ug})
    _insert(clinic, "ledger_entry", {name: getattr(line, name) for name in ledger.LINE})
    return clinic


def _insert(clinic: Clinic, table: str, values: dict[str, Any]) -> None:
    from sqlalchemy import insert

    from service.storage.tables.metadata import metadata

    with clinic.maker.service.database.engine.begin() as connection:
        connection.execute(insert(metadata.tables[table]), values)


def test_what_is_of_schedule_ii_stands_apart(second: Clinic) -> None:
    """Its lines, its records and its reports are in a directory of their own."""
    id = asked(second.client)
    second.maker.make()
    root: Path = second.maker.path(id)
    assert verified(root) == 0
    assert '"second"' in (root / APART / "vials.ndjson").read_text()
    assert '"second"' not in (root / PLACE / "ledger.ndjson").read_text()
    assert "LOT2" in (root / APART / "cs-receipts-0000.csv").read_text()
    [ours] = (root / PLACE).glob("cs-receipts-*.csv")
    assert "LOT2" not in ours.read_text()


@pytest.mark.parametrize("why", ["too many lines", "too many rows"])
def test_long_reports_are_made_of_shorter_periods(clinic: Clinic, monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    """The export verifies, and the waste stands in one of the parts."""
    if why == "too many lines":
        monkeypatch.setattr(reports, "_MANY", 4)
    else:
        whole = reports._whole
        monkeypatch.setattr(reports, "_whole", lambda making, made, one: None if _is_long(one) else whole(making, made, one))
    id = asked(clinic.client, "?start=2024-01-01")
    clinic.maker.make()
    assert clinic.maker.find(id).told == ""
    assert verified(clinic.maker.path(id)) == 0
    files = sorted((clinic.maker.path(id) / PLACE).glob("cs-waste*.csv"))
    assert len(files) == 8
    assert all("-20" in path.name for path in files)
    if why == "too many lines":
        assert [path.name for path in (clinic.maker.path(id) / PLACE).glob("cs-ledger-lines*.csv")] == [
            "cs-ledger-lines-lot-1-KET24A117.csv"
        ]
    assert sum(path.read_text().count("17.8") for path in files) >= 1


def _is_long(one: Question) -> bool:
    return one.as_of is None and one.before - one.since > reports._LONG


def test_lines_of_another_site_are_sealed(second: Clinic) -> None:
    """Who may see one site gets whole chains, and of lines elsewhere neither people nor sources."""
    id = asked(second.client)
    with second.maker.service.database.write() as tx:
        register_exports.change(tx, id, sites='["elsewhere"]')
        [row] = list(ledger.lines(tx, Asked(sites=("elsewhere",))))
        first = Entry(*tuple(row))
        moved = replace(first, number=2, kind="counted", origin="", target="", site="far", patient="Patient/hidden", previous=first.hash)
    moved = replace(moved, hash=digest(moved))
    _insert(second, "ledger_entry", {name: getattr(moved, name) for name in ledger.LINE})
    with second.maker.service.database.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE ledger_vial SET entries = 2, head = '{moved.hash}' WHERE vial = 'second'")
    second.maker.make()
    root = second.maker.path(id)
    assert verified(root) == 0
    text = (root / APART / "ledger.ndjson").read_text()
    assert ('"sealed":true' in text, "Patient/hidden" in text, '"SupplyDelivery' in text) == (True, False, True)
    assert not (root / PLACE).exists()
