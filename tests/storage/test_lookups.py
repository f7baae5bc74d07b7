"""Looking resources up by their keys and following references never reads a whole table, however many there are (SQLite says so)."""

from collections.abc import Iterator

import pytest
from sqlalchemy import event

from service.search import links
from service.storage import versions
from service.storage.database import Database, Transaction
from service.storage.versions import Row
from tests.databases import Databases
from tests.events import audited

KEYS = [(104, "a"), (104, "b"), (88, "a"), (71, "c")]


@pytest.fixture
def tx(databases: Databases) -> Iterator[Transaction]:
    """A transaction on an SQLite database with the resources `KEYS`, the last of them deleted."""
    with databases.fresh("sqlite") as url:
        database = Database(url)
        with database.write(creates=len(KEYS)) as tx:
            rows = [Row(res_id, key, 1, tx.stamp, "POST", "{}") for res_id, key in zip(tx.ids, KEYS, strict=True)]
            versions.append(tx, audited(tx, *rows))
            versions.append(tx, audited(tx, Row(rows[-1].res_id, KEYS[-1], 2, tx.stamp + 1000, "DELETE", None)))
            yield tx
        database.dispose()


@pytest.fixture
def plans(tx: Transaction) -> Iterator[list[str]]:
    """The plan of every statement that the test runs, line by line."""
    found: list[str] = []

    def explain(connection: object, cursor: object, statement: str, parameters: object, *_: object) -> None:
        if statement.lstrip().startswith("SELECT"):
            raw = tx.connection.connection.cursor()
            found.extend(row[-1] for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", parameters))

    event.listen(tx.connection, "before_cursor_execute", explain)
    yield found
    event.remove(tx.connection, "before_cursor_execute", explain)


def _require_indexed(plans: list[str]) -> None:
    assert plans
    assert [line for line in plans if line.startswith("SCAN ") and "CONSTANT" not in line] == []


def test_resources_are_found_by_their_keys(tx: Transaction, plans: list[str]) -> None:
    assert versions.current(tx, [*KEYS, (104, "none")]).keys() == set(KEYS)
    assert versions.existing(tx, [*KEYS, (88, "b")]) == set(KEYS[:-1])
    assert [node.key for node in links.standing(tx, [*KEYS, (104, "c")])] == KEYS[:-1]
    assert versions.current(tx, []) == {}
    assert links.standing(tx, []) == []
    _require_indexed(plans)


def test_references_are_followed_by_their_index(tx: Transaction, plans: list[str]) -> None:
    assert links.pointing(tx, [1, 2], KEYS) == []
    assert links.cited(tx, [1, 2, 3], [104, 88]) == set()
    assert links.among(tx, [1, 2, 3], [1, 2], KEYS[0]) == set()
    assert links.targets(tx, [1, 2], [1]) == []
    assert links.codes(tx, [1, 2], [1]) == []
    assert [node.key for node in links.described(tx, [1, 2])] == KEYS[:2]
    assert [row.body for row in links.bodies(tx, [1, 2, 3, 4])] == ["{}"] * 3
    _require_indexed(plans)
