"""The offline verifier (S-31): clean exports pass, all else has its exit code, and a verifier without one of its checks is noticed."""

import ast
import hashlib
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from unittest.mock import ANY

import pytest

from service.audit import tree, verify
from service.audit.checkpoint import Signer
from tests.unit.audit import mutations
from tests.unit.audit.exports import BEGIN, Entry, Export, Log, event, grow, grown, purged, signer, text, write
from tests.unit.audit.mutations import OF_THE_LOG, WITHOUT_THE_LOG, Case, Mutation

VERIFIER = Path(verify.__file__)
EVERY = (*WITHOUT_THE_LOG, *OF_THE_LOG)
MINUTE = timedelta(minutes=1)


def _case(seed: int) -> Case:
    """A log, an export of all of it or of its end, and a checkpoint in it that somebody kept."""
    random = Random(seed)
    while True:
        log = grown(random)
        start = random.choice([0, 0, random.randrange(len(log.entries) - 2)])
        export = log.export(start)
        sizes = [size for size, _ in log.points if size > start]
        if export.versions and len(export.lines) > 1:
            return Case(random, log, export, random.choice(sizes))


def _kept(case: Case, folder: Path) -> Path:
    """The file with the checkpoint that the auditor kept."""
    path = folder / "kept.txt"
    path.write_text(dict(case.log.points)[case.kept_size])
    return path


def _told(mutation: Mutation, seed: int, folder: Path) -> tuple[int, set[int]]:
    """What the verifier says of a mutation, and what it may say."""
    case = _case(seed)
    files, right = mutation(case)
    write(files, folder)
    trusted = None if mutation in OF_THE_LOG else _kept(case, folder)
    return verify.verify(folder, trusted)[0], right


def _mutated(seeds: range, folder: Path) -> Counter[str]:
    """Verifies one mutated export for each seed; how often each mutation came."""
    done: Counter[str] = Counter()
    for seed in seeds:
        mutation = EVERY[seed % len(EVERY)]
        code, right = _told(mutation, seed, folder)
        assert code in right, (mutation.__name__, seed, code, right)
        done[mutation.__name__] += 1
    return done


def _witnessed(note: str, witness: Signer) -> str:
    """The same note with the signature of somebody whom the verifier does not know."""
    text, _, _ = note.rpartition("\n— ")
    return note + witness.sign(text).rpartition("\n\n")[2]


def _variant(seed: int) -> tuple[Export, bool]:
    """A clean export in one of the forms that it may have, and whether something of it is purged."""
    case = _case(seed)
    export, random = case.export, case.random
    if random.random() < 0.3:
        export = replace(export, versions=None)
    if random.random() < 0.3:
        witness = signer(random, "witness.example")
        export = replace(export, notes=tuple(_witnessed(note, witness) for note in export.notes))
    is_purged = random.random() < 0.3
    if is_purged:
        export = replace(export, lines=tuple(purged(line) if random.random() < 0.2 else line for line in (export.lines)))
    return export, is_purged


def _clean(seeds: range, folder: Path) -> None:
    for seed in seeds:
        export, is_purged = _variant(seed)
        write(export.files(), folder)
        trusted = _kept(_case(seed), folder) if seed % 2 else None
        assert verify.verify(folder, trusted, purged_allowed=is_purged)[0] == verify.OK, seed


def test_s31_clean_exports_pass(tmp_path: Path) -> None:
    _clean(range(20), tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize("part", range(4))
def test_s31_a_thousand_clean_exports_pass(tmp_path: Path, part: int) -> None:
    _clean(range(part * 250, part * 250 + 250), tmp_path)


@pytest.mark.parametrize("part", range(2))
def test_s31_mutations_are_told(tmp_path: Path, part: int) -> None:
    done = _mutated(range(part * 100, part * 100 + 100), tmp_path)
    assert done.keys() == {mutation.__name__ for mutation in EVERY}


@pytest.mark.nightly
@pytest.mark.parametrize("part", range(8))
def test_s31_ten_thousand_mutations_are_told(tmp_path: Path, part: int) -> None:
    begin = 1000 + part * 1250
    assert _mutated(range(begin, begin + 1250), tmp_path).total() == 1250


BREAKS: dict[str, tuple[Mutation, Callable[[pytest.MonkeyPatch], None]]] = {
    "signatures": (mutations.a_bit_of_the_checkpoints, lambda patch: patch.setattr(verify, "_verifies", lambda *_: True)),
    "introductions": (mutations.append_the_key, lambda patch: patch.setattr(verify, "_verifies", lambda *_: True)),
    "roots": (mutations.edit_with_the_leaf, lambda patch: patch.setattr(verify.Tree, "differs", lambda *_: False)),
    "forks": (mutations.fork, lambda patch: patch.setattr(verify.Tree, "differs", lambda *_: False)),
    "truncation": (mutations.truncate_all, lambda patch: patch.setattr(verify, "_check_points", lambda *_: None)),
    "older keys": (mutations.introduce_the_keys, lambda patch: patch.setattr(verify, "_check_points", lambda *_: None)),
    "ends": (mutations.drop_the_last_checkpoint, lambda patch: patch.setattr(verify, "_check_points", lambda *_: None)),
    "lengths of salts": (mutations.move_the_salt, lambda patch: patch.setattr(verify, "SALT_BYTES", ANY)),
    "versions": (mutations.drop_a_version, lambda patch: patch.setattr(verify, "_compare", lambda *_: "")),
    "silences": (mutations.be_silent, lambda patch: patch.setattr(verify, "SILENCE_SECONDS", 10**9)),
}


@pytest.mark.parametrize("name", BREAKS)
def test_s31_a_verifier_without_a_check_is_noticed(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutations above can fail: without the check, one of 40 is told wrongly or not at all."""
    mutation, breaking = BREAKS[name]
    assert all(code in right for code, right in (_told(mutation, seed, tmp_path) for seed in range(40)))
    breaking(monkeypatch)
    assert any(code not in right for code, right in (_told(mutation, seed, tmp_path) for seed in range(40)))


@pytest.fixture
def log() -> Log:
    """A log of ten entries with checkpoints of four and ten."""
    random = Random(5)
    made = Log([Signer("clinic.example/audit", b"s" * 32)])
    for number in range(10):
        version = f"Observation/{number}/_history/1" if number % 3 == 0 else None
        if version:
            made.versions.append((version, number))
        made.entries.append(Entry(random.randbytes(16), event(random, BEGIN + number * MINUTE, version)))
        if number in (3, 9):
            made.note()
    return made


def _code(export: Export, folder: Path, trusted: str | None = None, purged_allowed: bool = False) -> int:
    write(export.files(), folder)
    kept = None
    if trusted is not None:
        kept = folder / "kept.txt"
        kept.write_text(trusted)
    return verify.verify(folder, kept, purged_allowed)[0]


def test_exit_0_says_what_was_verified(log: Log, tmp_path: Path) -> None:
    write(log.export().files(), tmp_path)
    code, message = verify.verify(tmp_path)
    assert code == verify.OK
    assert message.startswith("verified: entries 0 to 10, 2 checkpoints, 0 purged, 4 versions, by its own keys alone")
    (tmp_path / "kept.txt").write_text("\n".join(note for _, note in log.points))
    assert verify.verify(tmp_path, tmp_path / "kept.txt")[1].endswith("from 2 trusted checkpoints")


def test_exit_0_for_a_log_without_entries(tmp_path: Path) -> None:
    empty = Log([signer(Random(1))])
    empty.note()
    assert _code(empty.export(), tmp_path) == verify.OK
    assert _code(empty.export(), tmp_path, empty.points[0][1]) == verify.OK
    wrong = replace(empty, points=[])
    wrong.entries.append(Entry(b"s" * 16, b"{}"))
    wrong.note()
    assert _code(replace(empty.export(), notes=(wrong.points[0][1],)), tmp_path) == verify.MISSING


@pytest.mark.parametrize("start", range(11))
def test_exit_0_for_the_end_of_a_log(log: Log, tmp_path: Path, start: int) -> None:
    assert _code(log.export(start), tmp_path, log.points[-1][1]) == verify.OK
    assert _code(log.export(start), tmp_path, log.points[0][1]) == (verify.OK if start <= 4 else verify.FORKED)


def test_exit_2_for_what_was_purged_unless_that_is_allowed(log: Log, tmp_path: Path) -> None:
    export = log.export()
    gone = replace(export, lines=(purged(export.lines[0]), *export.lines[1:]))
    assert _code(gone, tmp_path) == verify.CHANGED
    assert _code(gone, tmp_path, purged_allowed=True) == verify.OK
    other = replace(gone, lines=(replace(gone.lines[0], leaf=tree.leaf_hash(b"", b"")), *gone.lines[1:]))
    assert _code(other, tmp_path, purged_allowed=True) == verify.CHANGED


def test_exit_3_for_a_manifest_that_cannot_be(log: Log, tmp_path: Path) -> None:
    export = log.export()
    peak = export.lines[0].leaf
    for start, end, before in ((0, 10, (peak,)), (1, 10, ()), (1, 10, (peak[:-1],)), (3, 10, (peak,)), (11, 10, (peak,) * 3)):
        one = replace(export, start=start, end=end, before=before, lines=export.lines[start:])
        write(one.files(), tmp_path)
        assert verify.verify(tmp_path) == (verify.MISSING, f"{verify.MEANINGS[3]}: the manifest does not say which entries there are")
    write(export.files(), tmp_path)
    for bad in (b"", b"{}", b"[]", (tmp_path / "manifest.json").read_bytes().replace(verify.FORMAT.encode(), b"another")):
        (tmp_path / "manifest.json").write_bytes(bad)
        assert verify.verify(tmp_path)[0] == verify.MISSING


def test_exit_4_for_an_older_export_and_only_with_a_checkpoint(log: Log, tmp_path: Path) -> None:
    older = replace(log, points=log.points[:1]).export()
    assert _code(older, tmp_path) == verify.OK
    assert _code(older, tmp_path, log.points[0][1]) == verify.OK
    assert _code(older, tmp_path, log.points[1][1]) == verify.FORKED


def test_exit_4_although_no_checkpoint_of_the_export_has_that_size(log: Log, tmp_path: Path) -> None:
    export = log.export()
    assert _code(replace(export, notes=export.notes[-1:]), tmp_path, log.points[0][1]) == verify.OK
    forked = replace(log, entries=[Entry(b"o" * 16, log.entries[0].body), *log.entries[1:]], points=[])
    forked.note()
    assert _code(forked.export(), tmp_path, log.points[0][1]) == verify.FORKED


@pytest.mark.parametrize("trusted", ["", "nothing", "\n", "a\nb\nc\n\n— d e\n"])
def test_exit_5_for_a_checkpoint_that_is_none(log: Log, tmp_path: Path, trusted: str) -> None:
    assert _code(log.export(), tmp_path, trusted) == verify.UNSIGNED


def test_exit_5_for_a_key_that_had_been_replaced(log: Log, tmp_path: Path) -> None:
    log.signers.append(signer(Random(2)))
    log.moment = BEGIN + 10 * MINUTE
    grow(log, Random(3), 5)
    assert _code(log.export(), tmp_path, log.points[0][1]) == verify.OK
    log.signers.reverse()
    log.entries.append(Entry(b"s" * 16, event(Random(4), log.moment, None)))
    log.note()
    log.signers.reverse()
    assert _code(log.export(), tmp_path) == verify.UNSIGNED


@pytest.mark.parametrize("value", [b"\x02" + b"p" * 32, b"\x01" + b"p" * 31, b"\x01" + b"p" * 33, b"", b"\x01"])
def test_exit_5_for_a_key_of_another_kind(log: Log, tmp_path: Path, value: bytes) -> None:
    name = log.origin
    id = hashlib.sha256(name.encode() + b"\n" + value).hexdigest()[:8]
    write(replace(log.export(), keys=(f"{name}+{id}+{text(value)}",)).files(), tmp_path)
    assert verify.verify(tmp_path) == (verify.UNSIGNED, f"{verify.MEANINGS[5]}: line 1 of pubkeys.txt is no Ed25519 key")


def test_exit_6_says_which_version_is_alone(log: Log, tmp_path: Path) -> None:
    export = log.export()
    first, *others = export.versions or ()
    for versions, message in (
        (tuple(others), f"{first[0]} is recorded alone (entry 0)"),
        ((first, *others, ("Patient/x/_history/1", 1)), "Patient/x/_history/1 is stored alone (entry 1)"),
        ((first, first, *others), "a line of versions.ndjson is damaged, or there twice"),
        ((first, *others, ("Patient/x", 1)), "a line of versions.ndjson is damaged, or there twice"),
    ):
        write(replace(export, versions=versions).files(), tmp_path)
        assert verify.verify(tmp_path) == (verify.MISMATCHED, f"{verify.MEANINGS[6]}: {message}")


def test_exit_6_only_for_what_succeeded_and_changed_something(log: Log, tmp_path: Path) -> None:
    for action, outcome, code in (("C", "0", 6), ("U", "0", 6), ("D", "0", 6), ("R", "0", 0), ("E", "0", 0), ("C", "4", 0), ("U", "8", 0)):
        one = replace(log, entries=list(log.entries), points=[])
        body = one.entries[0].body.replace(b'"action": "C"', b'"action": "%s"' % action.encode())
        one.entries[0] = Entry(b"s" * 16, body.replace(b'"outcome": "0"', b'"outcome": "%s"' % outcome.encode()))
        one.note()
        listed = tuple(version for version in one.export().versions or () if version[1] != 0)
        assert _code(replace(one.export(), versions=listed), tmp_path) == code


def test_exit_7_unless_the_service_was_stopped(log: Log, tmp_path: Path) -> None:
    for subtype, code in (("110120", verify.SILENT), ("110121", verify.OK)):
        one = replace(log, entries=list(log.entries), points=[])
        one.entries.append(Entry(b"s" * 16, event(Random(1), BEGIN + 10 * MINUTE, None, subtype)))
        one.entries.append(Entry(b"s" * 16, event(Random(1), BEGIN + 600 * MINUTE, None)))
        one.note()
        assert _code(one.export(), tmp_path) == code


def test_five_minutes_are_no_silence_and_order_does_not_matter(log: Log, tmp_path: Path) -> None:
    for number in (14, 12, 19):
        log.entries.append(Entry(b"s" * 16, event(Random(number), BEGIN + number * MINUTE, None)))
    log.note()
    assert _code(log.export(), tmp_path) == verify.OK


@pytest.mark.parametrize(
    "body", [b"[]", b"{}", b'"x"', b"\xff\x00", b"[" * 10_000, b'{"recorded":1}', b'{"recorded":"2026-11-17T08:03:00"}', b"null"]
)
def test_a_body_that_is_no_audit_event_is_what_was_stored(log: Log, tmp_path: Path, body: bytes) -> None:
    log.entries.append(Entry(b"s" * 16, body))
    log.note()
    assert _code(log.export(), tmp_path) == verify.OK


def test_the_file_runs_by_itself_with_the_exit_codes(log: Log, tmp_path: Path) -> None:
    """A copy, somewhere else, in an isolated interpreter."""
    copy = tmp_path / "elsewhere" / "check.py"
    copy.parent.mkdir()
    shutil.copyfile(VERIFIER, copy)
    kept = tmp_path / "kept.txt"
    kept.write_text(log.points[1][1])
    export, one = log.export(), tmp_path / "export"

    def run(made: Export | None, *options: object) -> int:
        if made:
            write(made.files(), one)
        done = subprocess.run(
            [sys.executable, "-I", copy, one, *map(str, options)], cwd=copy.parent, capture_output=True, text=True, check=False
        )
        assert made is None or (done.stdout.count("\n"), done.stderr) == (1, ""), done.stderr
        return done.returncode

    changed = replace(export.lines[2], body=b"{}")
    assert run(None) == 1
    assert run(export) == 0
    assert run(export, "--trusted-checkpoint", kept) == 0
    assert run(replace(export, lines=(*export.lines[:2], changed, *export.lines[3:]))) == 2
    assert run(replace(export, lines=export.lines[1:])) == 3
    assert run(replace(log, points=log.points[:1]).export(), "--trusted-checkpoint", kept) == 4
    assert run(replace(export, keys=(str(signer(Random(9)).key),))) == 5
    assert run(replace(export, versions=())) == 6
    log.entries.append(Entry(b"s" * 16, event(Random(1), BEGIN + 60 * MINUTE, None)))
    log.note()
    assert run(log.export()) == 7
    assert run(None, "--nonsense") == 1
    assert run(export, "--trusted-checkpoint", tmp_path / "nowhere") == 1


@pytest.mark.parametrize("name", ["manifest.json", "entries.ndjson", "checkpoints.txt", "pubkeys.txt"])
def test_exit_1_when_a_file_is_not_there(log: Log, tmp_path: Path, name: str) -> None:
    write(log.export().files(), tmp_path)
    (tmp_path / name).unlink()
    code, message = verify.verify(tmp_path)
    assert code == verify.UNUSABLE
    assert name in message


def test_the_file_imports_nothing_but_the_library_and_cryptography() -> None:
    names = {
        name.partition(".")[0]
        for node in ast.walk(ast.parse(VERIFIER.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert names - sys.stdlib_module_names == {"cryptography"}
    assert len(VERIFIER.read_text().splitlines()) <= 300


def test_the_verifier_and_the_service_agree_on_trees() -> None:
    leaves = [tree.leaf_hash(b"s" * 16, bytes([number])) for number in range(40)]
    grows = verify.Tree(0, [])
    for size in range(1, 41):
        grows.append(leaves[size - 1])
        assert not grows.differs({size: tree.root(leaves[:size])})
        assert grows.differs({size: leaves[0] if size > 1 else leaves[1]})
        assert tuple(grows.peaks) == tree.Frontier().extend(leaves[:size]).peaks
    assert (verify.SALT_BYTES, verify.HASH_BYTES) == (tree.SALT_BYTES, tree.HASH_BYTES)
