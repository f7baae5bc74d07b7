"""Writes an export of the audit trail: a directory that `verify` reads, with a copy of `verify` in it, so that it is verified anywhere.

It is written from what the database holds, as it is: an entry that is not there is left out, nothing is numbered anew, nothing is mended.
Of the checkpoints one a minute and one for every 1,000 entries is taken; the last covers all the others. docs/audit-log.md tells the files.
"""

import base64
import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from service.audit import subtrees, verify
from service.storage import audit_export, audit_log
from service.storage.audit_log import Signed
from service.storage.database import Database

FORMAT = "infusion-records-audit-1"
_PAGE = 1000
_ENTRIES = 1000
_MINUTE = 60 * 1_000_000


class Unexportable(Exception):
    """There is nothing to export, or the log is not whole enough; the message says which."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: the entries from `start` up to `end`, and how many there were of them, of checkpoints and of versions."""

    start: int
    end: int
    entries: int
    checkpoints: int
    versions: int


def write(database: Database, folder: Path, type_name: Callable[[int], str], start: int = 0, end: int | None = None) -> Exported:
    """Exports the entries from `start` to the first checkpoint that covers `end` of them; to the newest without `end`.

    `folder` is made; raises FileExistsError when it is there. Raises Unexportable.
    """
    last = _last(database, end)
    if start > last.size:
        raise Unexportable(f"The newest checkpoint has {last.size} entries; there is none from {start} on.")
    with database.glance() as tx:
        keys = audit_log.keys(tx)
        try:
            before = subtrees.frontier(tx, start).peaks
        except LookupError as error:
            raise Unexportable(f"The log is not whole before entry {start}: {error}. Export it from the beginning.") from error
    folder.mkdir(parents=True)
    manifest = {
        "format": FORMAT,
        "origin": keys[0].partition("+")[0],
        "from": start,
        "to": last.size,
        "before": [_text(peak) for peak in before],
    }
    _lines(folder / "manifest.json", [json.dumps(manifest, separators=(",", ":"), ensure_ascii=False)])
    _lines(folder / "pubkeys.txt", keys)
    notes = [one.note for one in _thinned(_checkpoints(database, start, last.size))]
    (folder / "checkpoints.txt").write_text("\n".join(notes), encoding="utf-8", newline="")
    entries = _lines(folder / "entries.ndjson", _entries(database, start, last.size))
    versions = _lines(folder / "versions.ndjson", _versions(database, type_name, start, last.size))
    shutil.copyfile(verify.__file__, folder / "verify.py")
    return Exported(start, last.size, entries, len(notes), versions)


def _last(database: Database, end: int | None) -> Signed:
    with database.glance() as tx:
        newest = audit_log.newest_checkpoint(tx)
        found = [newest] if newest and end is None else audit_log.checkpoints(tx, end or 0, 1)
    if not found:
        covered = newest.size if newest else 0
        raise Unexportable(f"No checkpoint covers {end or 'any'} entries yet; the newest covers {covered}. Is a worker alive?")
    return found[0]


def _checkpoints(database: Database, start: int, end: int) -> Iterator[Signed]:
    least = start
    while True:
        with database.glance() as tx:
            found = audit_log.checkpoints(tx, least, _PAGE, end)
        yield from found
        if len(found) < _PAGE:
            return
        least = found[-1].size + 1


def _thinned(checkpoints: Iterable[Signed]) -> Iterator[Signed]:
    """The first, the last, and between them one a minute or for every 1,000 entries."""
    taken = passed = None
    for one in checkpoints:
        if taken is None or one.size - taken.size >= _ENTRIES or one.created - taken.created >= _MINUTE:
            yield one
            taken, passed = one, None
        else:
            passed = one
    if passed is not None:
        yield passed


def _entries(database: Database, start: int, end: int) -> Iterator[str]:
    for one in audit_export.entries(database, start, end):
        salt, body = ("null" if value is None else f'"{_text(value)}"' for value in (one.salt, one.body))
        yield f'{{"index":{one.idx},"leaf":"{_text(one.leaf)}","salt":{salt},"body":{body}}}'


def _versions(database: Database, type_name: Callable[[int], str], start: int, end: int) -> Iterator[str]:
    """The versions that entries of the export tell of; one that no entry tells of has the index after the last."""
    for one in audit_export.versions(database):
        index = end if one.idx is None else one.idx
        if one.idx is None or start <= index < end:
            yield f'{{"version":"{type_name(one.type)}/{one.fhir_id}/_history/{one.version}","index":{index}}}'


def _lines(path: Path, lines: Iterable[str]) -> int:
    """Writes lines; how many they were."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        for line in lines:
            file.write(f"{line}\n")
            count += 1
    return count


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
