"""What somebody might do to an export, or to the log behind it, and the exit codes that may tell it.

Each mutation takes a `Case` (the log, its export, a checkpoint that an auditor kept) and gives the files that the auditor is handed, and
the codes that are right. Who has no key changes files; who has one, be it his own or the log's, signs again.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

from service.audit.verify import CHANGED, FORKED, MISMATCHED, MISSING, SILENT, UNSIGNED
from tests.unit.audit.exports import BEGIN, Entry, Export, Line, Log, event, grow, purged, signer

Files = dict[str, bytes]
Made = tuple[Files, set[int]]


@dataclass(frozen=True, slots=True)
class Case:
    """A log, its export, and the size and note of the checkpoint that the auditor kept."""

    random: Random
    log: Log
    export: Export
    kept_size: int

    @property
    def place(self) -> int:
        """The place of any line."""
        return self.random.randrange(len(self.export.lines))

    @property
    def places(self) -> list[int]:
        """Two different places, in order."""
        return sorted(self.random.sample(range(len(self.export.lines)), 2))

    def with_lines(self, lines: Iterable[Line], *codes: int) -> Made:
        """The same export with other lines."""
        return replace(self.export, lines=tuple(lines)).files(), set(codes)

    def numbered(self, lines: Iterable[Line], *codes: int) -> Made:
        """The same with other lines, numbered as if nothing had happened."""
        return self.with_lines((replace(line, index=self.export.start + place) for place, line in enumerate(lines)), *codes)

    def forged(self) -> Line:
        """A line that nobody recorded, with the right hash."""
        entry = Entry(self.random.randbytes(16), event(self.random, BEGIN + timedelta(minutes=1), None))
        return Line(0, entry.leaf, entry.salt, entry.body)

    def rewritten(self, place: int) -> Log:
        """The log as it would be had one entry been another."""
        other = replace(self.log, entries=list(self.log.entries), points=[], signed_by={})
        line = self.forged()
        other.entries[place] = Entry(line.salt or b"", line.body or b"")
        other.versions = [one for one in self.log.versions if one[1] != place]
        return other

    def signed_again(self, other: Log) -> Export:
        """The export of another log with checkpoints of the same sizes as this one; by the same keys, if it has them."""
        every, keys = other.entries, other.signers
        for size, _ in self.log.points:
            other.entries = every[:size]
            other.signers = [self.log.signed_by[size]] if keys == self.log.signers else keys
            other.note()
        other.entries, other.signers = every, keys
        return other.export(self.export.start, self.export.versions is not None)


def _flip(case: Case, name: str, *codes: int) -> Made:
    files = case.export.files()
    raw = bytearray(files[name])
    raw[case.random.randrange(len(raw))] ^= 1 << case.random.randrange(8)
    return {**files, name: bytes(raw)}, set(codes)


def a_bit_of_the_entries(case: Case) -> Made:
    """A bit of entries.ndjson: of content, of a hash, of a number or of a line end."""
    return _flip(case, "entries.ndjson", CHANGED, MISSING)


def a_bit_of_the_checkpoints(case: Case) -> Made:
    """A bit of checkpoints.txt."""
    return _flip(case, "checkpoints.txt", UNSIGNED)


def a_bit_of_the_keys(case: Case) -> Made:
    """A bit of pubkeys.txt."""
    return _flip(case, "pubkeys.txt", UNSIGNED)


def a_bit_of_the_manifest(case: Case) -> Made:
    """A bit of manifest.json: another origin has other keys, another tree before has another root."""
    return _flip(case, "manifest.json", MISSING, UNSIGNED, CHANGED, FORKED)


def a_bit_of_the_versions(case: Case) -> Made:
    """A bit of versions.ndjson."""
    return _flip(case, "versions.ndjson", MISMATCHED)


def edit(case: Case) -> Made:
    """A body, and nothing else."""
    lines, place = list(case.export.lines), case.place
    lines[place] = replace(lines[place], body=case.forged().body)
    return case.with_lines(lines, CHANGED)


def edit_with_the_leaf(case: Case) -> Made:
    """A body and its hash."""
    lines, place = list(case.export.lines), case.place
    lines[place] = replace(case.forged(), index=lines[place].index)
    return case.with_lines(lines, CHANGED)


def edit_the_leaf(case: Case) -> Made:
    """A hash alone."""
    lines, place = list(case.export.lines), case.place
    lines[place] = replace(lines[place], leaf=case.random.randbytes(32))
    return case.with_lines(lines, CHANGED)


def delete(case: Case) -> Made:
    """A line."""
    place = case.place
    return case.with_lines((*case.export.lines[:place], *case.export.lines[place + 1 :]), MISSING)


def delete_and_number(case: Case) -> Made:
    """A line, and the rest moved up."""
    place = case.place
    return case.numbered((*case.export.lines[:place], *case.export.lines[place + 1 :]), CHANGED, MISSING)


def insert(case: Case) -> Made:
    """A forged line, with the number of the one after it."""
    place = case.place
    line = replace(case.forged(), index=case.export.start + place)
    return case.with_lines((*case.export.lines[:place], line, *case.export.lines[place:]), CHANGED, MISSING)


def insert_and_number(case: Case) -> Made:
    """A forged line, and the rest moved down."""
    place = case.random.randrange(len(case.export.lines) + 1)
    return case.numbered((*case.export.lines[:place], case.forged(), *case.export.lines[place:]), CHANGED, MISSING)


def swap(case: Case) -> Made:
    """Two lines."""
    lines, (one, other) = list(case.export.lines), case.places
    lines[one], lines[other] = lines[other], lines[one]
    return case.with_lines(lines, MISSING)


def swap_and_number(case: Case) -> Made:
    """What two lines say."""
    lines, (one, other) = list(case.export.lines), case.places
    lines[one], lines[other] = lines[other], lines[one]
    return case.numbered(lines, CHANGED)


def duplicate(case: Case) -> Made:
    """A line, twice."""
    place = case.place
    return case.with_lines((*case.export.lines[: place + 1], *case.export.lines[place:]), MISSING)


def duplicate_and_number(case: Case) -> Made:
    """A line, twice, and the rest moved down."""
    place = case.place
    return case.numbered((*case.export.lines[: place + 1], *case.export.lines[place:]), CHANGED, MISSING)


def truncate(case: Case) -> Made:
    """The last lines are gone."""
    return case.with_lines(case.export.lines[: case.place], MISSING)


def truncate_bytes(case: Case) -> Made:
    """The file ends in the middle."""
    files = case.export.files()
    raw = files["entries.ndjson"]
    return {**files, "entries.ndjson": raw[: case.random.randrange(1, len(raw))]}, {CHANGED, MISSING}


def truncate_all(case: Case) -> Made:
    """Everything since an older checkpoint is gone from every file: the log as it was, with its own signatures."""
    older = [point for point in case.log.points if case.export.start <= point[0] < case.kept_size]
    if not older:
        return truncate(case)
    last = case.random.randrange(len(older))
    return replace(case.log, points=older[: last + 1]).export(case.export.start).files(), {FORKED}


def fork(case: Case) -> Made:
    """With the log's own key: what the auditor's checkpoint covers was another, and all is signed again."""
    other = case.rewritten(case.random.randrange(case.kept_size))
    return case.signed_again(replace(other, signers=case.log.signers)).files(), {FORKED}


def hash_again(case: Case) -> Made:
    """With a key of one's own, of the log's name: all is signed again."""
    other = case.rewritten(case.random.randrange(case.export.end))
    made = case.signed_again(replace(other, signers=[signer(case.random)]))
    return replace(made, keys=case.export.keys).files(), {UNSIGNED}


def swap_the_keys(case: Case) -> Made:
    """The same, and the key stands in pubkeys.txt."""
    other = case.rewritten(case.random.randrange(case.export.end))
    return case.signed_again(replace(other, signers=[signer(case.random)])).files(), {UNSIGNED}


def introduce_the_keys(case: Case) -> Made:
    """The same of what came after the kept checkpoint; the key claims to be older than the log's, and introduces those."""
    own = signer(case.random)
    is_after = case.kept_size < case.export.end
    other = case.rewritten(case.random.randrange(case.kept_size, case.export.end) if is_after else case.random.randrange(case.export.end))
    made = case.signed_again(replace(other, signers=[own]))
    introduced = [str(own.key), own.introduce(case.log.signers[0].key)]
    return replace(made, keys=(*introduced, *case.export.keys[1:])).files(), {UNSIGNED if is_after else FORKED}


def append_the_key(case: Case) -> Made:
    """Nobody introduced the last key of pubkeys.txt."""
    own = signer(case.random)
    line = case.random.choice([str(own.key), own.introduce(own.key)])
    return replace(case.export, keys=(*case.export.keys, line)).files(), {UNSIGNED}


def swap_the_salts(case: Case) -> Made:
    """The salts of two entries."""
    lines, (one, other) = list(case.export.lines), case.places
    lines[one], lines[other] = replace(lines[one], salt=lines[other].salt), replace(lines[other], salt=lines[one].salt)
    return case.with_lines(lines, CHANGED)


def move_the_salt(case: Case) -> Made:
    """The first byte of a body is said to be the last of its salt: the hash is the same."""
    lines, place = list(case.export.lines), case.place
    salt, body = lines[place].salt or b"", lines[place].body or b""
    lines[place] = replace(lines[place], salt=salt + body[:1], body=body[1:])
    return case.with_lines(lines, CHANGED)


def blank_a_body(case: Case) -> Made:
    """A body and its salt are gone, as after a lawful purge."""
    lines, place = list(case.export.lines), case.place
    lines[place] = purged(lines[place])
    return case.with_lines(lines, CHANGED)


def empty_a_body(case: Case) -> Made:
    """A body is empty, or is gone without its salt."""
    lines, place = list(case.export.lines), case.place
    lines[place] = replace(lines[place], body=case.random.choice([None, b"", b"{}"]))
    return case.with_lines(lines, CHANGED)


def drop_the_last_checkpoint(case: Case) -> Made:
    """Nobody signed the end."""
    return replace(case.export, notes=case.export.notes[:-1]).files(), {UNSIGNED}


def shorten_the_manifest(case: Case) -> Made:
    """The manifest promises less than there is, or more."""
    other = case.random.choice([case.export.end - 1, case.export.end + 1])
    return replace(case.export, end=other).files(), {MISSING, UNSIGNED}


def shift_the_beginning(case: Case) -> Made:
    """The tree before the export has another hash; where there is none, the export begins with the second entry."""
    peaks = list(case.export.before)
    if not peaks:
        return replace(case.export, start=1, before=(case.random.randbytes(32),), lines=case.export.lines[1:]).files(), {CHANGED}
    peaks[case.random.randrange(len(peaks))] = case.random.randbytes(32)
    return replace(case.export, before=tuple(peaks)).files(), {CHANGED}


def repeat_a_checkpoint(case: Case) -> Made:
    """A checkpoint stands twice."""
    place = case.random.randrange(len(case.export.notes))
    return replace(case.export, notes=(*case.export.notes[: place + 1], *case.export.notes[place:])).files(), {UNSIGNED}


def of_another_log(case: Case) -> Made:
    """The last checkpoint is another log's, signed with the same seed."""
    other = replace(
        case.log, origin="other.example/audit", signers=[replace(one, name="other.example/audit") for one in case.log.signers], points=[]
    )
    return replace(case.export, notes=(*case.export.notes[:-1], other.note())).files(), {UNSIGNED}


def drop_a_version(case: Case) -> Made:
    """A version of the record that an entry tells is not there."""
    versions = list(case.export.versions or ())
    versions.pop(case.random.randrange(len(versions)))
    return replace(case.export, versions=tuple(versions)).files(), {MISMATCHED}


def add_a_version(case: Case) -> Made:
    """A version of the record that no entry tells of."""
    made = ("Patient/0/_history/1", case.export.start + case.place)
    return replace(case.export, versions=(*(case.export.versions or ()), made)).files(), {MISMATCHED}


def be_silent(case: Case) -> Made:
    """The log's own: nothing was recorded for more than five minutes, and nothing was stopped."""
    quiet = Log(list(case.log.signers))
    grow(quiet, case.random, 4)
    quiet.moment += timedelta(seconds=301 + case.random.randrange(9000))
    grow(quiet, case.random, 4)
    return quiet.export().files(), {SILENT}


Mutation = Callable[[Case], Made]
WITHOUT_THE_LOG = (
    *(a_bit_of_the_entries, a_bit_of_the_checkpoints, a_bit_of_the_keys, a_bit_of_the_manifest, a_bit_of_the_versions),
    *(edit, edit_with_the_leaf, edit_the_leaf, delete, delete_and_number, insert, insert_and_number, swap, swap_and_number),
    *(duplicate, duplicate_and_number, truncate, truncate_bytes, truncate_all, fork, hash_again, swap_the_keys, introduce_the_keys),
    *(append_the_key, swap_the_salts, move_the_salt, blank_a_body, empty_a_body, drop_the_last_checkpoint, shorten_the_manifest),
    *(shift_the_beginning, repeat_a_checkpoint, of_another_log, drop_a_version, add_a_version),
)
"""Mutations that the auditor sees with the checkpoint that was kept."""
OF_THE_LOG = (be_silent,)
"""What is wrong with a log that nobody touched, and that has another checkpoint to keep."""
