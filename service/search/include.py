"""`_include` and `_revinclude`: the resources that matches refer to, and those that refer to matches, up to a limit.

Forward references are read from the page's own resources; the index answers the reverse. What is a match already is not
included again. A limit that was reached is reported as a warning. https://hl7.org/fhir/R4/search.html#include
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import BindParameter, Integer, bindparam, select

from service.errors import Issue
from service.search.compile import bodies
from service.search.parameter import Registry
from service.search.query import Include, Query
from service.storage.database import Transaction
from service.storage.tables import search as index
from service.storage.tables.resources import resource

Key = tuple[str, int]
"""(FHIR id, type number)"""
_CHUNK = 300

_IDS: BindParameter[str] = bindparam("ids", expanding=True)
_NUMBER: BindParameter[int] = bindparam("type_number")
_LIVING = (resource.c.type == _NUMBER, resource.c.fhir_id.in_(_IDS), resource.c.deleted.is_(False))
_NAMED = bodies(select(resource.c.res_id).where(*_LIVING).subquery("page"))
_POINTING = index.reference.c
_POINTS = (_POINTING.param.in_(bindparam("keys", expanding=True)), _POINTING.target_id.in_(_IDS), _POINTING.target_type == _NUMBER)
_COUNT = bindparam("count", type_=Integer)
_REFERRING = bodies(select(_POINTING.res_id).distinct().where(*_POINTS).order_by(_POINTING.res_id).limit(_COUNT).subquery("page"))


def included(tx: Transaction, registry: Registry, query: Query, page: Sequence[Any], limit: int) -> tuple[list[Any], tuple[Issue, ...]]:
    """The rows to include for the rows of `page` (as `compile.bodies` has them), and a warning when there were too many."""
    if not query.includes or not page:
        return [], ()
    wanted = sorted(_referred(registry, query, page))
    seen = {row.res_id for row in page}
    rows: dict[int, Any] = {}
    for row in (*_by_key(tx, wanted, limit + len(seen)), *_referring(tx, registry, query, page, limit + len(seen))):
        if row.res_id not in seen and row.body is not None:
            rows.setdefault(row.res_id, row)
    kept = list(rows.values())[:limit]
    if len(rows) > len(kept):
        message = f"More than {limit} resources were to be included; the rest is left out. Ask for smaller pages with '_count'."
        return kept, (Issue("warning", "too-costly", "include-limit", message),)
    return kept, ()


def _referred(registry: Registry, query: Query, page: Sequence[Any]) -> set[Key]:
    forward = [include for include in query.includes if not include.reverse]
    keys: set[Key] = set()
    for row in page if forward else ():
        tree = msgspec.json.decode(row.body)
        for include in forward:
            number = registry.definitions.type_number(include.target) if include.target else None
            for code in _codes(registry, include):
                keys.update(key for key in registry.references(query.type, code, tree) if number in (None, key[1]))
    return keys


def _codes(registry: Registry, include: Include) -> tuple[str, ...]:
    return registry.reference_codes(include.source) if include.parameter == "*" else (include.parameter,)


def _by_key(tx: Transaction, keys: Sequence[Key], limit: int) -> Iterable[Any]:
    """The current resources of the keys."""
    by_type: dict[int, list[str]] = {}
    for id, number in keys[:limit]:
        by_type.setdefault(number, []).append(id)
    for number, ids in by_type.items():
        for start in range(0, len(ids), _CHUNK):
            yield from tx.connection.execute(_NAMED, {"type_number": number, "ids": ids[start : start + _CHUNK]})


def _referring(tx: Transaction, registry: Registry, query: Query, page: Sequence[Any], limit: int) -> Iterable[Any]:
    """The resources that refer to one of the page by the parameter of a reverse include."""
    number = registry.definitions.type_number(query.type)
    ids = [row.fhir_id for row in page]
    for include in query.includes:
        if not include.reverse:
            continue
        keys = _reverse_keys(registry, include, query.type)
        for start in range(0, len(ids), _CHUNK):
            values = {"type_number": number, "ids": ids[start : start + _CHUNK], "keys": keys, "count": limit}
            yield from tx.connection.execute(_REFERRING, values)


def _reverse_keys(registry: Registry, include: Include, target: str) -> list[int]:
    """The index parameters that a reverse include looks under."""
    parameters = [registry.for_type(include.source)[code] for code in _codes(registry, include)]
    return [key for parameter in parameters if not parameter.only or target in parameter.only for key in parameter.keys]
