"""The verifier of exports of the register: clean ones pass, all else has its exit code, a verifier without one of its checks is noticed."""

import ast
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from service.audit import verify_register as verify
from service.ledger.entry import Entry
from tests.register_exports import mutations
from tests.register_exports.mutations import WITH_THE_KEY, WITHOUT_THE_KEY
from tests.register_exports.samples import Mutation, sample, signer, write

VERIFIER = Path(verify.__file__)
EVERY = (*WITHOUT_THE_KEY, *WITH_THE_KEY)


def _told(mutation: Mutation, seed: int, folder: Path) -> tuple[int, set[int]]:
    """What the verifier says of a mutation, and what it may say."""
    files, right = mutation(sample(seed))
    place = folder / f"{mutation.__name__}-{seed}"
    shutil.rmtree(place, ignore_errors=True)
    return verify.verify(write(files, place))[0], right


def _mutated(seeds: range, folder: Path) -> Counter[str]:
    done: Counter[str] = Counter()
    for seed in seeds:
        mutation = EVERY[seed % len(EVERY)]
        code, right = _told(mutation, seed, folder)
        assert code in right, (mutation.__name__, seed, code, right)
        done[mutation.__name__] += 1
    return done


def _clean(seeds: range, folder: Path) -> None:
    for seed in seeds:
        made = sample(seed)
        place = write(made.complete(), folder / str(seed))
        assert verify.verify(place)[0] == verify.OK, seed
        (folder / "kept.txt").write_text(made.checkpoint())
        assert verify.verify(place, folder / "kept.txt")[0] == verify.OK, seed


def test_clean_exports_pass(tmp_path: Path) -> None:
    _clean(range(40), tmp_path)


def test_200_mutated_exports_are_noticed(tmp_path: Path) -> None:
    done = _mutated(range(216), tmp_path)
    assert done.keys() == {mutation.__name__ for mutation in EVERY}
    assert done.total() >= 200


@pytest.mark.nightly
@pytest.mark.parametrize("part", range(4))
def test_thousands_of_exports_are_told_apart(tmp_path: Path, part: int) -> None:
    _clean(range(1000 + part * 200, 1200 + part * 200), tmp_path / "clean")
    assert _mutated(range(1000 + part * 1000, 2000 + part * 1000), tmp_path).total() == 1000


BREAKS: dict[str, tuple[Mutation, Callable[[pytest.MonkeyPatch], None]]] = {
    "signatures": (mutations.a_bit_of_the_manifest, lambda patch: patch.setattr(verify, "_verifies", lambda *_: True)),
    "files": (mutations.a_bit_of_a_file, lambda patch: patch.setattr(verify, "_check_files", lambda *_: None)),
    "chains": (WITH_THE_KEY[0], lambda patch: patch.setattr(verify, "_check_chain", lambda *_: None)),
    "amounts": (mutations.a_vial_holds_more, lambda patch: patch.setattr(verify, "_check_amounts", lambda *_: None)),
    "reversals": (WITH_THE_KEY[7], lambda patch: patch.setattr(verify, "_check_reversal", lambda *_: None)),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_verifier_without_a_check_is_noticed(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mutation, breaking = BREAKS[name]
    assert all(code in right for code, right in (_told(mutation, seed, tmp_path) for seed in range(20)))
    breaking(monkeypatch)
    assert any(code not in right for code, right in (_told(mutation, seed, tmp_path) for seed in range(20)))


def test_a_checkpoint_of_another_log_is_no_anchor(tmp_path: Path) -> None:
    made = sample(3)
    write(made.complete(), tmp_path / "export")
    stranger = sample(4)
    (tmp_path / "kept.txt").write_text(stranger.checkpoint())
    assert verify.verify(tmp_path / "export", tmp_path / "kept.txt")[0] == verify.UNSIGNED
    (tmp_path / "kept.txt").write_text("")
    assert verify.verify(tmp_path / "export", tmp_path / "kept.txt")[0] == verify.UNSIGNED
    assert verify.verify(tmp_path / "export", tmp_path / "nowhere")[0] == verify.UNUSABLE


def test_an_older_checkpoint_is_an_anchor_for_a_newer_key(tmp_path: Path) -> None:
    made = sample(5)
    older = made.checkpoint()
    made.signers.append(signer(made.random))
    write(made.complete(), tmp_path / "export")
    (tmp_path / "kept.txt").write_text(older)
    assert verify.verify(tmp_path / "export", tmp_path / "kept.txt")[0] == verify.OK


def test_a_link_out_of_the_export_is_no_file_of_it(tmp_path: Path) -> None:
    write(sample(1).complete(), tmp_path / "export")
    (tmp_path / "export/more").symlink_to(tmp_path)
    assert verify.verify(tmp_path / "export")[0] == verify.MISSING


def test_what_is_no_export_is_said_to_be_none(tmp_path: Path) -> None:
    assert verify.verify(tmp_path)[0] == verify.UNUSABLE
    assert verify.verify(tmp_path / "nowhere")[0] == verify.UNUSABLE


def test_the_file_runs_by_itself_with_the_exit_codes(tmp_path: Path) -> None:
    """A copy, in an isolated interpreter."""
    made = sample(2)
    write(made.complete(), tmp_path / "export")
    copy = shutil.copyfile(VERIFIER, tmp_path / "check.py")

    def run(*arguments: object) -> tuple[int, str]:
        done = subprocess.run([sys.executable, "-I", copy, *map(str, arguments)], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    code, told = run(tmp_path / "export")
    assert (code, told.split(":")[0]) == (0, "verified")
    (tmp_path / "export/README.txt").write_text("other words")
    assert run(tmp_path / "export")[0] == 2
    assert run("--nonsense")[0] == 1


def test_it_needs_nothing_of_the_service() -> None:
    names = {
        name.partition(".")[0]
        for node in ast.walk(ast.parse(VERIFIER.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert names - sys.stdlib_module_names == {"cryptography"}
    assert len(VERIFIER.read_text().splitlines()) <= 300


def test_the_verifier_and_the_ledger_agree_on_lines() -> None:
    assert (*verify.FIELDS, "hash") == tuple(one.name for one in fields(Entry))
