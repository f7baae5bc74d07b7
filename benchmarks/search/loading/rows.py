"""The rows of a resource as the service writes them, by its own extraction; a test compares the two.

Only the stamp is another one: every resource was entered twenty seconds after what it tells, as if the service had run all those years;
and one event of the audit trail tells of all.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from benchmarks.search.dataset.elements import Json
from benchmarks.search.loading.told import LOADED
from service.clock import to_text
from service.search import index
from service.search.parameter import Registry
from service.storage.tables.resources import resource, version
from service.storage.tables.search import TABLES

Rows = tuple[tuple[str, list[tuple[Any, ...]]], ...]
NAMES = (resource.name, version.name, *(table.name for table in TABLES))
_DELAY_MICROSECONDS = 20_000_000
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def nominal_stamp(tree: Json) -> int:
    """When a resource was entered, in microseconds: its id begins with the milliseconds of what it tells."""
    id = tree["id"]
    return int(id[:8] + id[9:13], 16) * 1000 + _DELAY_MICROSECONDS


def rows(registry: Registry, res_id: int, tree: Json, stamp: int) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    """The rows of the first version of a resource, by table."""
    type, id = tree["resourceType"], tree["id"]
    number = registry.definitions.type_number(type)
    found = registry.extract(type, tree, stamp)
    yield resource.name, [(res_id, number, id, 1, stamp, False, stamp, found.lo, found.hi)]
    yield version.name, [(res_id, 1, number, id, stamp, "PUT", stored(tree, stamp), LOADED)]
    for name, some in index.rows(found, res_id).items():
        yield name, sorted(some, key=_sortable) if len(some) > 1 else list(some)


def stored(tree: Json, stamp: int) -> str:
    """The JSON of a first version, with id, version and stamp where the service puts them."""
    meta = {"versionId": "1", "lastUpdated": to_text(stamp), **tree.get("meta", {})}
    rest = {name: value for name, value in tree.items() if name not in ("resourceType", "id", "meta")}
    return encoded({"resourceType": tree["resourceType"], "id": tree["id"], "meta": meta, **rest})


def encoded(tree: Json) -> str:
    """A tree as compact JSON, decimals exact."""
    return _ENCODER.encode(tree).decode()


def _sortable(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple("" if value is None else value for value in row)
