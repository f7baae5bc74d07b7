"""What happens around a reindex when parameters come, change or go, so that no search is ever answered from a part of the rows.

    retire      parameters whose SearchParameter is gone or changed: searches refuse them; after a grace no search uses them
    take up     writes no longer make the rows of what was retired, and make those of what is new; open writes are waited for
    reindex     every resource of the types concerned (`search.reindex`), which makes the new parameters active
    drop        the rows that are left of what was retired

Each step is committed before the next begins, and all can be run again after an interruption.
"""

import time
from dataclasses import replace
from functools import partial

from sqlalchemy import delete, select

from service.search import active_list
from service.search.activation import ACTIVE, DROPPING, INDEXING, RETIRING, Listed
from service.search.keys import parameter_key
from service.search.parameter import Registry
from service.search.registries import Registries
from service.search.sources import BESIDES
from service.storage.database import Transaction
from service.storage.tables.search import TABLES

BATCH = 1000


def prepare(registries: Registries) -> list[str]:
    """Retire and take up; afterwards every write makes all the rows that are asked for. Answers the types that await a reindex."""
    registries.expire()
    if registries.transact(_retire):
        registries.expire()
        time.sleep(registries.grace_seconds)
    registries.transact(_take_up)
    registries.expire()
    registry = registries.current()
    registries.database.settled()
    return sorted({type for type, _ in registry.awaited()})


def drop(registries: Registries) -> int:
    """Remove what is left of the parameters that were retired; how many there were."""
    leaving = [one for one in _entries(registries.current()) if one.state == DROPPING]
    for entry in leaving:
        while registries.transact(partial(_dropped, entry=entry)):
            pass
    registries.expire()
    return len(leaving)


def advice(registry: Registry) -> str:
    """The sentence that asks for a reindex; empty when none is needed."""
    types = sorted({type for type, _ in registry.awaited()})
    return f"Not all search parameters of {', '.join(types)} are indexed. Run: infusion-records reindex" if types else ""


def refusals(registry: Registry) -> list[str]:
    """What cannot be searched of the SearchParameter resources, a line each."""
    refused = registry.proposed.refused()
    return [f"SearchParameter/{one.row.get('id')}: '{one.code}' of {one.type} cannot be searched: {one.refusal}." for one in refused]


def _entries(registry: Registry) -> list[Listed]:
    return list(registry.listing.entries.values()) if registry.listing else []


def _retire(tx: Transaction, registry: Registry) -> bool:
    """Whether a parameter that searches may use must go."""
    wanted = registry.proposed.usable()
    leaving = [
        one
        for one in _entries(registry)
        if one.definition is not None and one.state in (ACTIVE, INDEXING) and not _is_same(one, wanted.get(one.key))
    ]
    if leaving:
        active_list.put(tx, registry.definitions, [replace(one, state=RETIRING) for one in leaving])
        active_list.advance(tx)
    return any(one.state == ACTIVE for one in leaving)


def _is_same(entry: Listed, proposal: object) -> bool:
    return getattr(proposal, "digest", None) == entry.digest


def _take_up(tx: Transaction, registry: Registry) -> None:
    defined, wanted = registry.digests(), registry.proposed.usable()
    entries = {one.key: one for one in _entries(registry)}
    coming = [Listed(*key, digest, INDEXING) for key, digest in defined.items() if not _is_kept(entries.get(key), digest)]
    for key, proposal in wanted.items():
        if proposal.digest and not _is_kept(entries.get(key), proposal.digest):
            coming.append(Listed(*key, proposal.digest, INDEXING, proposal.row))
    going = [one for key, one in entries.items() if key not in wanted and key not in defined and one.state != DROPPING]
    changed = [*coming, *(replace(one, state=DROPPING) for one in going)]
    if changed:
        active_list.put(tx, registry.definitions, changed)
        active_list.advance(tx)


def _is_kept(entry: Listed | None, digest: str) -> bool:
    return entry is not None and entry.digest == digest and entry.state in (ACTIVE, INDEXING)


def _dropped(tx: Transaction, registry: Registry, entry: Listed) -> bool:
    """Remove some rows of a parameter that no write makes; False when there are none left, or when it is wanted again."""
    listed = registry.listing.entries.get(entry.key) if registry.listing else None
    if listed is None or listed.state != DROPPING:
        return False
    keys = [parameter_key(entry.type, entry.code + suffix) for suffix in ("", *BESIDES)]
    removed = False
    for table in TABLES:
        ids = list(tx.connection.execute(select(table.c.res_id).where(table.c.param.in_(keys)).limit(BATCH)).scalars())
        if ids:
            tx.connection.execute(delete(table).where(table.c.param.in_(keys), table.c.res_id.in_(set(ids))))
            removed = True
    if not removed:
        active_list.take(tx, registry.definitions, [entry.key])
        active_list.advance(tx)
    return removed
