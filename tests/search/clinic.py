"""A database with its index and nothing around them: puts resources in, changes them, and searches."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from sqlalchemy import func, select

from service.fhir.document import encode
from service.search import index
from service.search.execute import Page, execute
from service.search.paging import Cursors
from service.search.parameter import Registry
from service.search.parse import Options, parse
from service.search.sight import UNLIMITED
from service.search.unparse import unparse
from service.storage import versions
from service.storage.database import Database, Transaction
from service.storage.tables.search import TABLES
from tests.events import audited

Json = Any
Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Stored:
    """One resource as the clinic has it."""

    res_id: int
    version: int
    tree: Json
    created: int


@dataclass
class Clinic:
    """One database and the registry that it is indexed with."""

    database: Database
    registry: Registry
    cursors: Cursors

    def put(self, *resources: Json) -> list[Stored]:
        """Store and index new resources in one write."""
        with self.database.write(len(resources)) as tx:
            stored = [Stored(res_id, 1, one, tx.stamp) for res_id, one in zip(tx.ids, resources, strict=True)]
            self._write(tx, [(one, one.tree, None) for one in stored])
        return stored

    def update(self, old: Stored, **members: Json) -> Stored:
        """A new version with some members changed."""
        new = replace(old, version=old.version + 1, tree={**old.tree, **members})
        with self.database.write() as tx:
            self._write(tx, [(new, new.tree, old.tree)])
        return new

    def remove(self, *stored: Stored) -> None:
        """Delete resources in one write."""
        with self.database.write() as tx:
            self._write(tx, [(replace(one, version=one.version + 1), None, one.tree) for one in stored])

    def page(self, type: str, asked: str | Pairs) -> Page:
        """One page."""
        pairs = parse_qsl(asked, keep_blank_values=True) if isinstance(asked, str) else asked
        query = parse(self.registry, type, pairs, Options())
        assert parse(self.registry, type, unparse(self.registry, query), Options()) == query
        with self.database.read(pull=query.pulls) as tx:
            return execute(tx, self.registry, query, self.cursors, UNLIMITED)

    def ids(self, type: str, asked: str) -> list[str]:
        """The ids of the matches of the first page."""
        return [one.id for one in self.page(type, asked).matches]

    def rows(self) -> int:
        """How many rows the index has."""
        with self.database.read() as tx:
            return sum(tx.connection.scalar(select(func.count()).select_from(table)) or 0 for table in TABLES)

    def every_row(self) -> set[tuple[Any, ...]]:
        """The whole index."""
        with self.database.read() as tx:
            return {(table.name, *row) for table in TABLES for row in tx.connection.execute(select(table))}

    def _write(self, tx: Transaction, changes: Sequence[tuple[Stored, Json, Json]]) -> None:
        entries = [index.Entry(one.res_id, one.tree["resourceType"], new, old, one.created) for one, new, old in changes]
        found = index.difference(self.registry, entries)
        rows = [self._row(one, tx.stamp, new, found.spans[one.res_id]) for one, new, _ in changes]
        versions.append(tx, audited(tx, *rows))
        index.write(tx, found)

    def _row(self, stored: Stored, stamp: int, tree: Json, span: tuple[int, int]) -> versions.Row:
        key = (self.registry.definitions.type_number(stored.tree["resourceType"]), stored.tree["id"])
        return versions.Row(stored.res_id, key, stored.version, stamp, "POST", encode(tree) if tree else None, span)
