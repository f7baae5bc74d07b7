"""Who refers to whom, by the reference index: bounded statements by ids, for those that follow references themselves.

Nothing here reads a body but `bodies`. Ids are taken in pieces, so any number of them will do.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import BindParameter, and_, bindparam, select

from service.storage.database import Transaction
from service.storage.tables import search as index
from service.storage.tables.resources import resource, version
from service.storage.versions import Key, selected

CHUNK = 400
VERSIONED = "/"
"""Stands in the target id of a reference to one version, whose resource has a row of its own."""

One = TypeVar("One")

_IDS: BindParameter[str] = bindparam("ids", expanding=True)
_KEYS: BindParameter[int] = bindparam("keys", expanding=True)
_RES_IDS: BindParameter[int] = bindparam("res_ids", expanding=True)
_NUMBERS: BindParameter[int] = bindparam("numbers", expanding=True)

_POSTING = index.reference.c
_NODE = (resource.c.res_id, resource.c.type, resource.c.fhir_id, resource.c.last_updated, resource.c.lo, resource.c.hi)
_POINTING = (
    select(*_NODE, _POSTING.target_type, _POSTING.target_id)
    .distinct()
    .join_from(index.reference, resource, resource.c.res_id == _POSTING.res_id)
    .where(_POSTING.param.in_(_KEYS), _POSTING.target_id.in_(_IDS))
)
_CITED = select(_POSTING.target_type, _POSTING.target_id).distinct()
_CITED = _CITED.where(_POSTING.res_id.in_(_RES_IDS), _POSTING.target_type.in_(_NUMBERS))
_TARGET = (_POSTING.target_id == bindparam("id"), _POSTING.target_type == bindparam("number"))
_AMONG = select(_POSTING.res_id).distinct().where(_POSTING.res_id.in_(_RES_IDS), _POSTING.param.in_(_KEYS), *_TARGET)
_STANDING = select(*_NODE).where(resource.c.deleted.is_(False))
_DESCRIBED = select(*_NODE).where(resource.c.res_id.in_(_RES_IDS)).order_by(resource.c.res_id)
_TARGETS = select(_POSTING.res_id, _POSTING.target_type, _POSTING.target_id)
_TARGETS = _TARGETS.where(_POSTING.res_id.in_(_RES_IDS), _POSTING.param.in_(_KEYS))
_CODED = index.token.c
_CODES = select(_CODED.res_id, _CODED.system, _CODED.code).where(_CODED.res_id.in_(_RES_IDS), _CODED.param.in_(_KEYS))
_BODIES = (
    select(resource.c.res_id, resource.c.type, resource.c.fhir_id, resource.c.version, resource.c.last_updated, version.c.body)
    .join_from(resource, version, and_(version.c.res_id == resource.c.res_id, version.c.version == resource.c.version))
    .where(resource.c.res_id.in_(_RES_IDS), resource.c.deleted.is_(False))
    .order_by(resource.c.res_id)
)


@dataclass(frozen=True, slots=True)
class Node:
    """A current resource without its content: `lo` and `hi` span its main clinical date, instants in microseconds."""

    res_id: int
    type: int
    id: str
    last_updated: int
    lo: int
    hi: int

    @property
    def key(self) -> Key:
        """Type number and FHIR id."""
        return self.type, self.id


def pointing(tx: Transaction, keys: Sequence[int], targets: Iterable[Key]) -> list[Node]:
    """The resources that refer to one of `targets` under one of the index parameters `keys`, each once, oldest first."""
    wanted = set(targets)
    found: dict[int, Node] = {}
    for ids in pieces(sorted({id for _, id in wanted})):
        for row in tx.connection.execute(_POINTING, {"keys": keys, "ids": ids}):
            if (row.target_type, row.target_id) in wanted:
                found[row.res_id] = Node(*row[: len(_NODE)])
    return [found[res_id] for res_id in sorted(found)]


def cited(tx: Transaction, res_ids: Iterable[int], types: Sequence[int]) -> set[Key]:
    """What the resources refer to, of the types numbered `types`, whether it exists or not."""
    found: set[Key] = set()
    for piece in pieces(sorted(res_ids)):
        rows = tx.connection.execute(_CITED, {"res_ids": piece, "numbers": types})
        found.update((row.target_type, row.target_id) for row in rows if VERSIONED not in row.target_id)
    return found


def among(tx: Transaction, res_ids: Iterable[int], keys: Sequence[int], target: Key) -> set[int]:
    """Those of `res_ids` that refer to `target` under one of `keys`."""
    found: set[int] = set()
    for piece in pieces(sorted(res_ids)):
        found.update(tx.connection.scalars(_AMONG, {"res_ids": piece, "keys": keys, "number": target[0], "id": target[1]}))
    return found


def standing(tx: Transaction, keys: Iterable[Key]) -> list[Node]:
    """Those of `keys` that exist and are not deleted, oldest first."""
    return sorted((Node(*row) for row in selected(tx, _STANDING, sorted(keys))), key=lambda node: node.res_id)


def described(tx: Transaction, res_ids: Sequence[int]) -> list[Node]:
    """The current resources with these numbers, without their content, oldest first."""
    return [Node(*row) for piece in pieces(sorted(res_ids)) for row in tx.connection.execute(_DESCRIBED, {"res_ids": piece})]


def targets(tx: Transaction, res_ids: Sequence[int], keys: Sequence[int]) -> list[tuple[int, Key]]:
    """What each resource refers to under one of `keys`, in pairs."""
    rows = (row for piece in pieces(sorted(res_ids)) for row in tx.connection.execute(_TARGETS, {"res_ids": piece, "keys": keys}))
    return [(row.res_id, (row.target_type, row.target_id)) for row in rows]


def codes(tx: Transaction, res_ids: Sequence[int], keys: Sequence[int]) -> list[tuple[int, tuple[int, str]]]:
    """The codings that each resource has in the index under one of `keys`, in pairs: the key of the system, and the code."""
    rows = (row for piece in pieces(sorted(res_ids)) for row in tx.connection.execute(_CODES, {"res_ids": piece, "keys": keys}))
    return [(row.res_id, (row.system, row.code)) for row in rows]


def bodies(tx: Transaction, res_ids: Sequence[int]) -> Iterator[Any]:
    """The current versions with their stored JSON: res_id, type, fhir_id, version, last_updated, body; by res_id within each piece."""
    for piece in pieces(res_ids):
        yield from tx.connection.execute(_BODIES, {"res_ids": piece})


def pieces(values: Sequence[One]) -> Iterator[list[One]]:
    """`values` in lists short enough for one statement."""
    return (list(values[start : start + CHUNK]) for start in range(0, len(values), CHUNK))
