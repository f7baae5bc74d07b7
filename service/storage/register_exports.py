"""The rows of exports of the register, and the versions of resources that an export holds."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, delete, func, insert, select, update

from service.storage.database import Transaction
from service.storage.tables.ledger import ledger_entry
from service.storage.tables.register_exports import register_export
from service.storage.tables.resources import resource, version
from service.storage.versions import Key, selected

WAITING, RUNNING, DONE, FAILED, EXPIRED = "waiting", "running", "done", "failed", "expired"
UNFINISHED = (WAITING, RUNNING)
_VIAL = "vial/"
_ROW = register_export.c
_NAMES = tuple(column.name for column in register_export.columns)


@dataclass(frozen=True, slots=True)
class Export:
    """One export as it stands: the columns of `register_export`, with its JSON decoded. `sites` None: all of them."""

    id: str
    status: str
    client: str
    user: str
    actor: dict[str, Any]
    sites: frozenset[str] | None
    since: int
    until: int
    asked: int
    ended: int = 0
    expires: int = 0
    attempts: int = 0
    progress: str = ""
    told: str = ""
    files: tuple[tuple[str, int, str], ...] = ()
    patients: tuple[str, ...] = ()


def add(tx: Transaction, new: Export) -> None:
    """Note what was asked for."""
    sites = "" if new.sites is None else json.dumps(sorted(new.sites))
    texts = {"actor": json.dumps(new.actor), "sites": sites, "files": "[]", "patients": "[]"}
    plain = {name: getattr(new, name) for name in _NAMES if name not in texts}
    tx.connection.execute(insert(register_export), {**plain, **texts})


def find(tx: Transaction, id: str) -> Export | None:
    """The export `id`; None when there is none."""
    row = tx.connection.execute(select(register_export).where(_ROW.id == id)).one_or_none()
    return _export(row) if row else None


def every(tx: Transaction, *statuses: str) -> list[Export]:
    """Those with one of the statuses, the one that was asked for first in front."""
    chosen = select(register_export).where(_ROW.status.in_(statuses)).order_by(_ROW.asked, _ROW.id)
    return [_export(row) for row in tx.connection.execute(chosen)]


def is_any(tx: Transaction) -> bool:
    """Whether one waits, or was broken off."""
    return tx.connection.scalar(select(_ROW.id).where(_ROW.status.in_(UNFINISHED)).limit(1)) is not None


def kept_for(tx: Transaction, client: str, user: str) -> int:
    """How many a caller has that take room, or will."""
    mine = select(func.count()).where(_ROW.client == client, _ROW.user == user, _ROW.status.in_((*UNFINISHED, DONE)))
    return int(tx.connection.scalar(mine) or 0)


def change(tx: Transaction, id: str, among: Sequence[str] = UNFINISHED, **values: object) -> bool:
    """Set columns of an export with one of the statuses `among`: whether it was there. Lists become JSON."""
    texts = {name: json.dumps(value) if isinstance(value, list) else value for name, value in values.items()}
    done = tx.connection.execute(update(register_export).where(_ROW.id == id, _ROW.status.in_(among)).values(**texts))
    return bool(done.rowcount)


def remove(tx: Transaction, id: str) -> bool:
    """Forget an export: whether it was there."""
    return bool(tx.connection.execute(delete(register_export).where(_ROW.id == id)).rowcount)


def forget(tx: Transaction, before: int) -> None:
    """Remove the rows of those that ended before an instant and whose files are gone."""
    tx.connection.execute(delete(register_export).where(_ROW.status.in_((FAILED, EXPIRED)), _ROW.ended < before))


def contents(tx: Transaction, keys: Sequence[Key]) -> Iterator[tuple[Key, int, str]]:
    """Every version of each resource that has content: key, number, stored JSON; by resource, the first version first."""
    chosen = select(version.c.res_id, version.c.version, version.c.type, version.c.fhir_id, version.c.body)
    joined = chosen.join_from(resource, version, version.c.res_id == resource.c.res_id).where(version.c.body.is_not(None))
    for row in selected(tx, joined.order_by(version.c.res_id, version.c.version), sorted(keys)):
        yield (row.type, row.fhir_id), row.version, row.body


def _export(row: Any) -> Export:
    found = dict(row._mapping)
    sites = frozenset(json.loads(found["sites"])) if found["sites"] else None
    files = tuple((path, size, digest) for path, size, digest in json.loads(found["files"]))
    decoded = {"actor": json.loads(found["actor"]), "sites": sites, "files": files, "patients": tuple(json.loads(found["patients"]))}
    return Export(**{**found, **decoded})


def vials(tx: Transaction, since: int, until: int, sites: frozenset[str] | None) -> list[str]:
    """The ids of the vials that something happened to in a period (microseconds, without its end), or that held something when it began.

    `sites`: of lines at these sites alone.
    """
    line = ledger_entry.c
    here = [] if sites is None else [line.site.in_(sorted(sites))]
    touched = select(line.vial).where(line.occurred >= since, line.occurred < until, *here)
    moved = case((line.target.startswith(_VIAL), line.amount_ug), else_=0) - case((line.origin.startswith(_VIAL), line.amount_ug), else_=0)
    held = select(line.vial).where(line.occurred < since, *here).group_by(line.vial).having(func.sum(moved) > 0)
    return sorted({*tx.connection.scalars(touched.distinct()), *tx.connection.scalars(held)})
