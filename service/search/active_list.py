"""The list of `search.activation` in the database: read in one statement, changed only inside writes, a new generation with each change."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import blake2b

from sqlalchemy import and_, delete, func, insert, select, true, update

from service.fhir.definitions import Definitions
from service.search.activation import ACTIVE, FOREIGN, INDEXING, Key, Listed, Listing
from service.storage.database import Transaction
from service.storage.tables.parameters import generation, listed, progress
from service.storage.tables.resources import resource, version

_NUMBER = select(func.coalesce(func.max(generation.c.number), 0).label("number")).subquery("now")
_LISTED = select(_NUMBER.c.number, listed).select_from(_NUMBER.outerjoin(listed, true()))
_CURRENT = and_(version.c.res_id == resource.c.res_id, version.c.version == resource.c.version)
_POSTED = select(version.c.body).join_from(resource, version, _CURRENT).where(version.c.body.is_not(None)).order_by(resource.c.res_id)


def read(tx: Transaction, definitions: Definitions) -> Listing:
    """The list, and the SearchParameter resources of the record."""
    rows = tx.connection.execute(_LISTED).all()
    found = (
        Listed(definitions.type_name(row.type), row.code, row.digest, row.state, json.loads(row.definition) if row.definition else None)
        for row in rows
        if row.type is not None
    )
    posted = tx.connection.execute(_POSTED.where(resource.c.type == definitions.type_number("SearchParameter"))).scalars()
    return Listing(rows[0].number, {one.key: one for one in found}, tuple(json.loads(body) for body in posted))


def number(tx: Transaction) -> int:
    """The generation."""
    return int(tx.connection.execute(select(_NUMBER.c.number)).scalar_one())


def advance(tx: Transaction) -> None:
    """Begin a new generation: all processes look at the list again."""
    if not tx.connection.execute(update(generation).values(number=generation.c.number + 1)).rowcount:
        tx.connection.execute(insert(generation).values(number=1))


def put(tx: Transaction, definitions: Definitions, entries: Sequence[Listed]) -> None:
    """Add entries, or replace those of the same type and code."""
    take(tx, definitions, [one.key for one in entries])
    rows = [
        {
            "type": definitions.type_number(one.type),
            "code": one.code,
            "digest": one.digest,
            "state": one.state,
            "definition": json.dumps(one.definition) if one.definition is not None else None,
        }
        for one in entries
    ]
    for start in range(0, len(rows), 100):
        tx.connection.execute(insert(listed).values(rows[start : start + 100]))


def take(tx: Transaction, definitions: Definitions, keys: Iterable[Key]) -> None:
    """Remove the entries of these parameters."""
    for kind, codes in _by_type(keys).items():
        tx.connection.execute(delete(listed).where(listed.c.type == definitions.type_number(kind), listed.c.code.in_(codes)))


def disown(tx: Transaction, definitions: Definitions, entries: Iterable[Listed]) -> None:
    """Say that a version of the service writes that does not keep up these entries."""
    for kind, codes in _by_type(one.key for one in entries).items():
        at = definitions.type_number(kind)
        disowned = update(listed).where(listed.c.type == at, listed.c.code.in_(codes)).values(digest=FOREIGN, state=INDEXING)
        tx.connection.execute(disowned)
        tx.connection.execute(delete(progress).where(progress.c.type == at))


def activate(tx: Transaction, definitions: Definitions, kind: str, digests: Mapping[str, str]) -> int:
    """Make the parameters of a type active that are still being indexed with these digests, by code; how many."""
    at = definitions.type_number(kind)
    waiting = select(listed.c.code, listed.c.digest).where(listed.c.type == at, listed.c.state == INDEXING)
    codes = [row.code for row in tx.connection.execute(waiting) if digests.get(row.code) == row.digest]
    tx.connection.execute(update(listed).where(listed.c.type == at, listed.c.code.in_(codes)).values(state=ACTIVE))
    return len(codes)


def used_types(tx: Transaction, definitions: Definitions) -> set[str]:
    """The types that have or had resources, deleted ones too."""
    found: set[str] = set()
    after = 0
    while (at := tx.connection.scalar(select(func.min(resource.c.type)).where(resource.c.type > after))) is not None:
        found.add(definitions.type_name(at))
        after = at
    return found


def mark(digests: Collection[str]) -> str:
    """What stands for all that a reindex of a type writes."""
    return blake2b("".join(sorted(digests)).encode(), digest_size=12).hexdigest()


def reached(tx: Transaction, type_number: int, mark: str) -> int:
    """The res_id after which an interrupted reindex with this mark goes on; 0 when there is none."""
    found = select(progress.c.after).where(progress.c.type == type_number, progress.c.mark == mark)
    return tx.connection.scalar(found) or 0


def reach(tx: Transaction, type_number: int, mark: str, after: int | None) -> None:
    """Remember how far the reindex of a type came; with None forget it."""
    tx.connection.execute(delete(progress).where(progress.c.type == type_number))
    if after is not None:
        tx.connection.execute(insert(progress).values(type=type_number, mark=mark, after=after))


def _by_type(keys: Iterable[Key]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for kind, code in keys:
        found.setdefault(kind, []).append(code)
    return found
