"""Where the log stands when a process takes it over, and whether it may go on from there.

It does not go on from a log that is not the one which was signed, from one that is older than what was published, or with a key that
has been replaced: that would put a good signature under what somebody did to the database.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from service.audit import subtrees
from service.audit.checkpoint import Checkpoint, Key, NoteRefused, Signer, opened, read, read_keys
from service.audit.publication import Publication
from service.audit.tree import Frontier
from service.storage import audit_log
from service.storage.database import Transaction
from service.storage.leases import now

_CHUNK = 500


class Halted(Exception):
    """The log cannot go on as it is; the message says what was found, and what to do."""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the log: the tree over all entries, and how many of them the newest checkpoint covers."""

    frontier: Frontier
    signed: int


def resume(tx: Transaction, signer: Signer, publication: Publication | None) -> Head:
    """The head of the log in the database. A log without keys is begun with the signer's. Raises Halted."""
    keys = _keys(tx, signer)
    newest = audit_log.newest_checkpoint(tx)
    point = _read(newest.note, keys, signer.name, "The newest checkpoint in the database") if newest else None
    if newest and _place(newest.note, keys) > keys.index(signer.key):
        raise Halted("The key in AUDIT_KEY has been replaced by a newer one that has signed since. Set the newer one.")
    if publication:
        _compare(tx, publication, keys, point, signer.name)
    return Head(_frontier(tx, point), point.size if point else 0)


def unpublished(tx: Transaction, publication: Publication) -> list[str]:
    """The notes that the file lacks, at most some hundreds of them."""
    newest = publication.newest()
    least = int(newest.split("\n")[1]) + 1 if newest else 0
    return [signed.note for signed in audit_log.checkpoints(tx, least, _CHUNK)]


def _keys(tx: Transaction, signer: Signer) -> Sequence[Key]:
    lines = audit_log.keys(tx)
    if not lines:
        lines = [str(signer.key)]
        audit_log.add_key(tx, 0, lines[0], now(tx))
    try:
        keys = read_keys("".join(f"{line}\n" for line in lines))
    except NoteRefused as error:
        raise Halted(f"The keys in the database are not those that were put there: {error}") from error
    if signer.key not in keys:
        raise Halted(
            "The key in AUDIT_KEY is none of this log's. Set the log's own; `infusion-records audit rotate-key` introduces a new one."
        )
    return keys


def _read(note: str, keys: Sequence[Key], origin: str, named: str) -> Checkpoint:
    try:
        return read(note, keys, origin)
    except NoteRefused as error:
        raise Halted(f"{named} is not one that a key of this log has signed: {error}") from error


def _place(note: str, keys: Sequence[Key]) -> int:
    """The place of the newest key that signed a note."""
    for place in reversed(range(len(keys))):
        try:
            opened(note, [keys[place]])
        except NoteRefused:
            continue
        return place
    return 0


def _compare(tx: Transaction, publication: Publication, keys: Sequence[Key], point: Checkpoint | None, origin: str) -> None:
    """What was published must be in the database, where more may have come after it."""
    note = publication.newest()
    if note is None:
        return
    published = _read(note, keys, origin, f"The last checkpoint in {publication.path}")
    if point is None or published.size > point.size:
        raise Halted(
            f"{publication.path} has a checkpoint of {published.size} entries, the database one of {point.size if point else 0}: "
            "it is older than what was published. If a backup was restored, keep that file for the auditor, set AUDIT_CHECKPOINTS to a new "
            "one, and start the worker with --restored REASON."
        )
    stored = audit_log.checkpoints(tx, published.size, 1, published.size)
    if not stored or stored[0].note != note:
        raise Halted(f"The checkpoint of {published.size} entries in {publication.path} is not in the database: the log was written anew.")


def _frontier(tx: Transaction, point: Checkpoint | None) -> Frontier:
    """The tree over the entries: up to the checkpoint as it was signed, and those after it, which nobody has signed yet."""
    signed, size = point.size if point else 0, audit_log.size(tx)
    try:
        found = subtrees.frontier(tx, signed)
        if point and found.root != point.root:
            raise Halted(f"The first {signed} entries of the log are not those that were signed. Export and verify the log.")
        return found.extend(audit_log.leaves(tx, signed, max(size, signed)))
    except LookupError as error:
        raise Halted(f"The log is not whole: {error}. Export and verify the log.") from error
