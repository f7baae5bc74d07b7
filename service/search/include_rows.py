"""The statements of includes: what resources refer to, what refers to them, and their content. One statement a round and direction.

The index by (res_id, param) says what a resource refers to, the primary key of the references who refers to it; bodies are read once.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, BindParameter, Integer, Select, and_, bindparam, exists, select, tuple_, union_all

from service.search.compile import bodies
from service.search.types.literals import EXTERNAL
from service.storage.database import Transaction
from service.storage.tables import search as index
from service.storage.tables.resources import resource, version

CHUNK = 500
_AFTER_VERSIONS = chr(ord("|") + 1)
Key = tuple[int, str]
"""(type number, FHIR id)"""
VersionKey = tuple[int, str, int]
"""(type number, FHIR id, version)"""

_POINTING = index.reference.c
_RES_IDS: BindParameter[int] = bindparam("res_ids", expanding=True)
_PARAMS: BindParameter[int] = bindparam("params", expanding=True)
_EDGES = select(_POINTING.res_id, _POINTING.param, _POINTING.target_id, _POINTING.target_type)
_EDGES = _EDGES.where(_POINTING.res_id.in_(_RES_IDS), _POINTING.param.in_(_PARAMS))
_VERSIONS = (
    select(resource.c.res_id, resource.c.type, resource.c.fhir_id, version.c.version, version.c.last_updated, version.c.body)
    .join_from(resource, version, version.c.res_id == resource.c.res_id)
    .where(tuple_(resource.c.type, resource.c.fhir_id, version.c.version).in_(bindparam("keys", expanding=True)))
    .order_by(resource.c.type, resource.c.fhir_id, version.c.version)
)
_URIS = select(index.uri.c.res_id).where(index.uri.c.param.in_(_PARAMS), index.uri.c.uri.in_(bindparam("uris", expanding=True)))
_CANONICAL = bodies(_URIS.distinct().subquery("page"))


class Edge(NamedTuple):
    """One row of the reference index: the resource `res_id` refers to `id` of the type number `type`, or to a URL (type 0)."""

    res_id: int
    param: int
    id: str
    type: int


@dataclass(frozen=True, slots=True)
class Arm:
    """The references under `params` to one of the `ids` of the type number `type`; of type 0, to one of these URLs.

    A URL without version is meant by references that name none.
    """

    params: Sequence[int]
    type: int
    ids: Sequence[str]


def edges(tx: Transaction, res_ids: Sequence[int], params: Sequence[int]) -> list[Edge]:
    """What the resources refer to under one of `params`."""
    found: list[Edge] = []
    for start in range(0, len(res_ids), CHUNK) if params else ():
        rows = tx.connection.execute(_EDGES, {"res_ids": res_ids[start : start + CHUNK], "params": params})
        found.extend(map(Edge._make, rows))
    return found


def current(tx: Transaction, keys: Iterable[Key]) -> Iterator[Any]:
    """The resources of the keys that are not deleted, as `compile.bodies` has them."""
    wanted = sorted(keys)
    for start in range(0, len(wanted), CHUNK):
        by_type: dict[int, list[str]] = {}
        for number, id in wanted[start : start + CHUNK]:
            by_type.setdefault(number, []).append(id)
        values: dict[str, Any] = {}
        for place, (number, ids) in enumerate(by_type.items()):
            values |= {f"number{place}": number, f"ids{place}": ids}
        yield from tx.connection.execute(_current(len(by_type)), values)


def versions(tx: Transaction, keys: Iterable[VersionKey]) -> Iterator[Any]:
    """The versions of the keys, in the form of `current`; the body of a deletion is None."""
    wanted = sorted(keys)
    for start in range(0, len(wanted), CHUNK):
        yield from tx.connection.execute(_VERSIONS, {"keys": wanted[start : start + CHUNK]})


def canonical(tx: Transaction, params: Sequence[int], urls: Iterable[str]) -> Iterator[Any]:
    """The resources whose `url`, indexed under one of `params`, is one of `urls`."""
    wanted = sorted(urls)
    for start in range(0, len(wanted), CHUNK):
        yield from tx.connection.execute(_CANONICAL, {"params": params, "uris": wanted[start : start + CHUNK]})


def referring(tx: Transaction, arms: Sequence[Arm], limit: int, after: int = 0) -> Iterator[Any]:
    """At most `limit` resources that one of the arms finds, oldest first, those made after the one with the res_id `after`."""
    if not arms:
        return
    values: dict[str, Any] = {"count": limit, "after": after}
    for place, arm in enumerate(arms):
        values |= {f"number{place}": arm.type, f"ids{place}": arm.ids, f"params{place}": arm.params}
    yield from tx.connection.execute(_referring(tuple(arm.type == EXTERNAL for arm in arms)), values)


@lru_cache(maxsize=64)
def _current(count: int) -> Select[Any]:
    """The resources with ids of `count` types."""
    arms = [
        select(resource.c.res_id).where(
            resource.c.type == bindparam(f"number{place}", type_=Integer),
            resource.c.fhir_id.in_(bindparam(f"ids{place}", expanding=True)),
            resource.c.deleted.is_(False),
        )
        for place in range(count)
    ]
    return bodies(_together(arms))


@lru_cache(maxsize=64)
def _referring(external: tuple[bool, ...]) -> Select[Any]:
    """What refers to the targets of as many arms; `external` says which of them have URLs."""
    found = _together([_arm(place, one) for place, one in enumerate(external)])
    page = (
        select(found.c.res_id)
        .distinct()
        .where(found.c.res_id > bindparam("after", type_=BigInteger))
        .order_by(found.c.res_id)
        .limit(bindparam("count", type_=Integer))
        .subquery("page")
    )
    return bodies(page).order_by(page.c.res_id)


def _arm(place: int, external: bool) -> Select[Any]:
    there = and_(
        _POINTING.param.in_(bindparam(f"params{place}", expanding=True)),
        _POINTING.target_id.in_(bindparam(f"ids{place}", expanding=True)),
        _POINTING.target_type == bindparam(f"number{place}", type_=Integer),
    )
    if not external:
        return select(_POINTING.res_id).where(there)
    other = index.reference.alias()
    same = and_(other.c.res_id == _POINTING.res_id, other.c.param == _POINTING.param, other.c.target_type == EXTERNAL)
    versioned = and_(other.c.target_id > _POINTING.target_id + "|", other.c.target_id < _POINTING.target_id + _AFTER_VERSIONS)
    return select(_POINTING.res_id).where(there, ~exists().where(same, versioned).correlate(index.reference))


def _together(arms: Sequence[Select[Any]]) -> Any:
    return arms[0].subquery("page") if len(arms) == 1 else union_all(*arms).subquery("page")
