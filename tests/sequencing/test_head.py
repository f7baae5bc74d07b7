"""The log does not go on from what somebody did to it; and a worker without one of its checks would."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from service.audit import head, subtrees
from service.audit.checkpoint import Signer
from service.audit.head import Halted
from service.audit.publication import Publication
from service.audit.tree import Frontier
from service.storage import audit_log
from service.storage.database import Database
from tests.sequencing.owner import owning
from tests.sequencing.trails import ORIGIN, SIGNER, Worker, add, require_sound

NEWER = Signer(ORIGIN, b"n" * 32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of checkpoints."""
    return tmp_path / "points" / "audit.txt"


@pytest.fixture
def worker(database: Database, path: Path) -> Worker:
    """One that has signed 20 entries and published it, and left one entry with a place but unsigned."""
    add(database, 20)
    made = Worker(database, publication=Publication(path))
    made.sign()
    made.sequencer.finish()
    add(database, 1, seed=1)
    Worker(database, publication=Publication(path)).sequencer.step()
    _free(database)
    return made


def _free(database: Database) -> None:
    with owning(database) as connection:
        connection.execute(text("UPDATE lease SET holder = '', expires = 0"))


def rewrite_everything(database: Database) -> None:
    """Another first entry, and every hash above it is right."""
    with database.read() as tx:
        leaves = [b"x" * 32, *audit_log.leaves(tx, 1, audit_log.size(tx))]
    frontier = Frontier()
    with owning(database) as connection:
        for index, leaf in enumerate(leaves):
            frontier, nodes = subtrees.appended(frontier, leaf)
            values = {"leaf": leaf, "nodes": nodes, "idx": index}
            connection.execute(text("UPDATE audit_log SET leaf = :leaf, nodes = :nodes WHERE idx = :idx"), values)


def drop_an_entry(database: Database) -> None:
    """The last entry that is signed is gone, and what comes after it is there."""
    with owning(database) as connection:
        connection.execute(text("DELETE FROM audit_log WHERE idx = (SELECT max(size) - 1 FROM audit_checkpoint)"))


def change_the_checkpoint(database: Database) -> None:
    """A bit of the note that was signed."""
    with owning(database) as connection:
        connection.execute(text("UPDATE audit_checkpoint SET note = replace(note, 'audit', 'audif')"))


def drop_the_end(database: Database) -> None:
    """The end of the log and its checkpoint are gone, as in a backup that was restored."""
    with owning(database) as connection:
        connection.execute(text("DELETE FROM audit_checkpoint WHERE size > 5"))
        connection.execute(text("DELETE FROM audit_log WHERE idx >= 5"))


def replace_the_key(database: Database) -> None:
    """A newer key has signed."""
    with owning(database) as connection:
        values = {"line": SIGNER.introduce(NEWER.key), "note": NEWER.sign(f"{ORIGIN}\n99\n")}
        connection.execute(text("INSERT INTO audit_key (place, line, created) VALUES (1, :line, 0)"), values)
    Worker(database, NEWER).sign()
    _free(database)


def forget_the_key(database: Database) -> None:
    """The first key is another's."""
    with owning(database) as connection:
        connection.execute(text("UPDATE audit_key SET line = :line"), {"line": str(NEWER.key)})


CASES: dict[str, tuple[Callable[[Database], None], str]] = {
    "everything rewritten": (rewrite_everything, "not those that were signed"),
    "an entry gone": (drop_an_entry, "not whole"),
    "a checkpoint changed": (change_the_checkpoint, "is not one that a key of this log has signed"),
    "the end dropped": (drop_the_end, "older than what was published"),
    "the key replaced": (replace_the_key, "has been replaced"),
    "another's key": (forget_the_key, "none of this log's"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_log_does_not_go_on(database: Database, worker: Worker, path: Path, case: str) -> None:
    change, told = CASES[case]
    change(database)
    with database.read() as tx:
        before = audit_log.size(tx)
    add(database, 1, seed=2)
    with pytest.raises(Halted, match=told):
        Worker(database, publication=Publication(path)).turn()
    with database.read() as tx:
        assert audit_log.size(tx) == before


def test_an_untouched_log_goes_on(database: Database, worker: Worker, path: Path) -> None:
    heir = Worker(database, publication=Publication(path))
    heir.turn()
    assert heir.sign().size == 21 + worker.beats + heir.beats
    assert path.read_text().count("\n\n— ") == require_sound(database)


BREAKS: dict[str, tuple[Callable[[Database], None], Callable[[pytest.MonkeyPatch], None]]] = {
    "roots": (rewrite_everything, lambda patch: patch.setattr(head, "_frontier", lambda tx, _: subtrees.frontier(tx, audit_log.size(tx)))),
    "publication": (drop_the_end, lambda patch: patch.setattr(head, "_compare", lambda *_: None)),
    "order of keys": (replace_the_key, lambda patch: patch.setattr(head, "_place", lambda *_: 0)),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_worker_without_the_check_goes_on(
    database: Database, worker: Worker, path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    change, breaking = BREAKS[name]
    if name == "publication":
        with owning(database) as connection:  # so that there is a checkpoint left to go on from
            connection.execute(text("DELETE FROM audit_checkpoint"))
            connection.execute(text("DELETE FROM audit_log"))
    change(database)
    breaking(monkeypatch)
    assert Worker(database, publication=Publication(path)).turn()


def test_the_log_keeps_its_first_key(database: Database) -> None:
    Worker(database).sign()
    _free(database)
    with pytest.raises(Halted, match="none of this log's"):
        Worker(database, NEWER).turn()


def test_a_key_of_another_name_is_refused(database: Database) -> None:
    Worker(database).sign()
    _free(database)
    with pytest.raises(Halted, match="none of this log's"):
        Worker(database, replace(SIGNER, name="other.example/audit")).turn()


@pytest.mark.parametrize("torn", ["\nclinic.example/audit\n30", "\nclinic.example/audit\n30\nAAAA\n\n— clinic.example/audit AAA"])
def test_what_broke_off_in_the_file_is_written_again(database: Database, worker: Worker, path: Path, torn: str) -> None:
    whole = path.read_text()
    path.write_text(whole + torn)
    heir = Worker(database, publication=Publication(path))
    heir.turn()
    heir.sign()
    assert path.read_text().startswith(whole)
    assert path.read_text().count("\n\n— ") == require_sound(database)


def test_an_old_key_signs_until_the_new_one_has(database: Database) -> None:
    old = Worker(database)
    old.sign()
    with database.write() as tx:
        audit_log.add_key(tx, 1, SIGNER.introduce(NEWER.key), 0)
    add(database, 2, seed=3)
    assert old.sign().size > 2
    old.sequencer.finish()
    Worker(database, NEWER).sign()
    assert require_sound(database, (SIGNER, NEWER)) > 1
