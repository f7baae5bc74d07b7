"""The memory of imports. Written in the transaction of the resources it speaks of, so that the two never disagree.

A file is known by the hash of its content; `line` counts the lines done and `position` the bytes. Refused lines are kept, to
be tried again by the next run.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert, select

from service.storage.database import Transaction
from service.storage.tables.imports import import_content, import_progress, import_refusal

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file: its number, from 1, and the byte at which it starts."""

    line: int
    position: int


def progress(tx: Transaction, file: str) -> Place:
    """The last line that was dealt with and the byte after it; line 0 for a file not met before."""
    table = import_progress
    found = tx.connection.execute(select(table.c.line, table.c.position).where(table.c.file == file)).one_or_none()
    return Place(found.line, found.position) if found else Place(0, 0)


def refused(tx: Transaction, file: str) -> list[Place]:
    """The lines of a file that were refused so far, in order."""
    table = import_refusal
    found = tx.connection.execute(select(table.c.line, table.c.position).where(table.c.file == file).order_by(table.c.line))
    return [Place(row.line, row.position) for row in found]


def known(tx: Transaction, hashes: Collection[bytes]) -> dict[bytes, str]:
    """The ids as which content without an id went in, by hash."""
    table, wanted, ids = import_content, list(hashes), {}
    for start in range(0, len(wanted), _CHUNK):
        chunk = wanted[start : start + _CHUNK]
        ids.update({row.hash: row.id for row in tx.connection.execute(select(table).where(table.c.hash.in_(chunk)))})
    return ids


def advance(tx: Transaction, file: str, name: str, done: Place) -> None:
    """Note that everything up to and including `done` has been dealt with."""
    tx.connection.execute(delete(import_progress).where(import_progress.c.file == file))
    tx.connection.execute(insert(import_progress), {"file": file, "name": name, "line": done.line, "position": done.position})


def refuse(tx: Transaction, file: str, places: Sequence[Place]) -> None:
    """Keep refused lines for the next run."""
    if places:
        rows = [{"file": file, "line": place.line, "position": place.position} for place in places]
        tx.connection.execute(insert(import_refusal), rows)


def forget(tx: Transaction, file: str, places: Sequence[Place]) -> None:
    """Lines that were refused before and went in now."""
    table = import_refusal
    for place in places:
        tx.connection.execute(delete(table).where(table.c.file == file, table.c.line == place.line))


def remember(tx: Transaction, ids: Mapping[bytes, str]) -> None:
    """Keep the hash of content without an id with the id that it got."""
    if ids:
        tx.connection.execute(insert(import_content), [{"hash": content, "id": id} for content, id in ids.items()])
