"""Exports of real databases (S-31): clean ones pass, mutated ones and those of a database that somebody changed have their exit codes."""

import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest

from service.audit import verify
from service.audit.export import Unexportable
from service.audit.verify import OK
from service.records.context import Service
from service.storage import audit_log
from tests.databases import KINDS, Databases
from tests.sequencing import real
from tests.sequencing.real import NEWER, exported, lived, notes, rotate
from tests.sequencing.trails import SIGNER
from tests.services import on_database
from tests.unit.audit.exports import Export, Log, write
from tests.unit.audit.mutations import WITHOUT_THE_LOG, Case


@dataclass(frozen=True, slots=True)
class Lived:
    """A database whose log has two keys and many checkpoints, with its whole export."""

    service: Service
    signed: list[audit_log.Signed]
    full: Export
    log: Log

    def kept(self, path: Path, size: int) -> Path:
        """The file with the checkpoint of that size."""
        path.write_text(next(one.note for one in self.signed if one.size == size))
        return path


@pytest.fixture(scope="module", params=KINDS)
def whole(
    request: pytest.FixtureRequest, databases: Databases, parts: Service, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lived]:
    """One for all tests of a kind of database, which change nothing in it."""
    with databases.fresh(request.param) as url:
        for service in on_database(parts, url):
            lived(service, 4)
            rotate(service.database)
            lived(service, 3, NEWER, first=10)
            folder = tmp_path_factory.mktemp("export") / "all"
            exported(service, folder)
            full, signed = real.values(folder), notes(service.database)
            yield Lived(service, signed, full, real.log(full, signed, [SIGNER, NEWER]))


def test_an_export_has_the_one_spelling(whole: Lived, tmp_path: Path) -> None:
    exported(whole.service, tmp_path / "a")
    assert whole.full.files() == real.files(tmp_path / "a")
    assert len(whole.full.lines) == whole.signed[-1].size >= 42
    assert len(whole.full.versions or ()) == 7 * 5


def _clean(whole: Lived, seeds: range, folder: Path) -> None:
    for seed in seeds:
        random = Random(seed)
        start = random.choice([0, 0, random.randrange(whole.full.end)])
        end = random.choice([None, random.randrange(start, whole.full.end + 1)])
        one = folder / str(seed)
        made = exported(whole.service, one, start, end)
        assert made.end in {point.size for point in whole.signed}
        assert made.end >= (end or start)
        between = [point.size for point in whole.signed if start <= point.size <= made.end]
        kept = whole.kept(folder / "kept.txt", random.choice(between)) if random.random() < 0.5 else None
        assert verify.verify(one, kept)[0] == OK, seed
        shutil.rmtree(one)


def test_s31_clean_exports_pass(whole: Lived, tmp_path: Path) -> None:
    _clean(whole, range(10), tmp_path)


@pytest.mark.nightly
def test_s31_a_thousand_clean_exports_pass(whole: Lived, tmp_path: Path) -> None:
    _clean(whole, range(500), tmp_path)


def _mutated(whole: Lived, seeds: range, folder: Path) -> Counter[str]:
    """Every mutation in its turn; each is told by one of its exit codes."""
    done: Counter[str] = Counter()
    for seed in seeds:
        mutation, random = WITHOUT_THE_LOG[seed % len(WITHOUT_THE_LOG)], Random(seed)
        start = random.choice([0, 0, random.randrange(whole.full.end - 8)])
        exported(whole.service, folder / "clean", start)
        export = real.values(folder / "clean")
        shutil.rmtree(folder / "clean")
        kept = random.choice([point.size for point in whole.signed if point.size > start])
        log = replace(whole.log, points=list(whole.log.points), signed_by=dict(whole.log.signed_by))
        files, right = mutation(Case(random, log, export, kept))
        write(files, folder / "mutated")
        code, message = verify.verify(folder / "mutated", whole.kept(folder / "kept.txt", kept))
        assert code in right, (mutation.__name__, seed, message)
        done[mutation.__name__] += 1
    return done


def test_s31_mutated_exports_are_told(whole: Lived, tmp_path: Path) -> None:
    assert _mutated(whole, range(100), tmp_path).keys() == {mutation.__name__ for mutation in WITHOUT_THE_LOG}


@pytest.mark.nightly
@pytest.mark.parametrize("part", range(4))
def test_s31_thousands_of_mutated_exports_are_told(whole: Lived, tmp_path: Path, part: int) -> None:
    begin = 1000 + part * 1250
    assert _mutated(whole, range(begin, begin + 1250), tmp_path).total() == 1250


def test_the_program_in_the_export_verifies_it(whole: Lived, tmp_path: Path) -> None:
    """In an isolated interpreter, somewhere else."""
    exported(whole.service, tmp_path / "a")
    kept = whole.kept(tmp_path / "kept.txt", whole.signed[2].size)
    command = [sys.executable, "-I", tmp_path / "a/verify.py", tmp_path / "a", "--trusted-checkpoint", kept]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "35 versions, from 1 trusted checkpoints" in done.stdout


def test_checkpoints_are_thinned_but_not_the_last(whole: Lived, tmp_path: Path) -> None:
    """The log was signed several times in one minute; any of those checkpoints can be the trusted one."""
    exported(whole.service, tmp_path / "a")
    assert len(real.values(tmp_path / "a").notes) < len(whole.signed)
    for point in whole.signed:
        assert verify.verify(tmp_path / "a", whole.kept(tmp_path / "kept.txt", point.size))[0] == OK


def test_without_a_checkpoint_there_is_nothing_to_export(service: Service, tmp_path: Path) -> None:
    with pytest.raises(Unexportable, match="Is a worker alive"):
        exported(service, tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_what_cannot_be_exported_is_told(whole: Lived, tmp_path: Path) -> None:
    with pytest.raises(Unexportable, match="there is none from 9999 on"):
        exported(whole.service, tmp_path / "a", 9999)
    with pytest.raises(Unexportable, match="No checkpoint covers 9999 entries"):
        exported(whole.service, tmp_path / "a", 0, 9999)
    assert not (tmp_path / "a").exists()
