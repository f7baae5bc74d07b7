"""`_include` and `_revinclude`: the resources that matches refer to, and those that refer to matches, up to a limit.

Forward references are read from the page's own resources; the index answers the reverse. What is a match already is not
included again. A limit that was reached is reported as a warning. https://hl7.org/fhir/R4/search.html#include
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, and_, select

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
            chosen = select(resource.c.res_id).where(
                resource.c.type == number, resource.c.fhir_id.in_(ids[start : start + _CHUNK]), resource.c.deleted.is_(False)
            )
            yield from tx.connection.execute(bodies(chosen.subquery("page")))


def _referring(tx: Transaction, registry: Registry, query: Query, page: Sequence[Any], limit: int) -> Iterable[Any]:
    """The resources that refer to one of the page by the parameter of a reverse include."""
    number = registry.definitions.type_number(query.type)
    ids = [row.fhir_id for row in page]
    for include in query.includes:
        if not include.reverse:
            continue
        for start in range(0, len(ids), _CHUNK):
            chosen = _referring_rows(registry, include, number, ids[start : start + _CHUNK])
            rows = select(index.reference.c.res_id).distinct().where(chosen).order_by(index.reference.c.res_id).limit(limit)
            yield from tx.connection.execute(bodies(rows.subquery("page")))


def _referring_rows(registry: Registry, include: Include, number: int, ids: Sequence[str]) -> ColumnElement[bool]:
    table = index.reference.c
    keys: list[int] = []
    for code in _codes(registry, include):
        parameter = registry.parameter(include.source, code)
        assert parameter is not None
        if not parameter.only or registry.definitions.type_name(number) in parameter.only:
            keys.extend(parameter.keys)
    return and_(table.param.in_(keys), table.target_id.in_(ids), table.target_type == number)
