"""Constraints and indexes, taken off before a large load and put back after it: building an index sorts once instead of row by row."""

from concurrent.futures import ThreadPoolExecutor

import psycopg

_CONSTRAINTS = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), contype FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'u', 'f') AND conrelid::regclass::text = ANY(%s)
"""
_INDEXES = """
    SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
    WHERE indrelid::regclass::text = ANY(%s) AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
"""
_BUILDERS = 2
_MEMORY = "SET maintenance_work_mem = '768MB'"


def taken_off(url: str, tables: list[str]) -> tuple[list[str], list[str]]:
    """Drop all of them; the statements that put them back: those that can run side by side, and those that follow."""
    with psycopg.connect(url, autocommit=True) as connection:
        constraints = connection.execute(_CONSTRAINTS, (tables,)).fetchall()
        indexes = connection.execute(_INDEXES, (tables,)).fetchall()
        for table, name, _, _ in sorted(constraints, key=lambda one: one[3] != "f"):
            connection.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
    keys = [f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {text}' for table, name, text, kind in constraints if kind != "f"]
    links = [f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {text}' for table, name, text, kind in constraints if kind == "f"]
    return keys, [*(text for _, text in indexes), *links]


def put_back(url: str, tables: list[str], statements: tuple[list[str], list[str]]) -> None:
    """Build them again. Statements about one table wait for each other, so every builder has its own tables."""
    keys, rest = statements
    for batch in (keys, [one for one in rest if "FOREIGN KEY" not in one], [one for one in rest if "FOREIGN KEY" in one]):
        by_table = [[one for one in batch if f" {table} " in one or f".{table} " in one] for table in tables]
        with ThreadPoolExecutor(_BUILDERS) as pool:
            list(pool.map(lambda some: _run(url, some), sorted(filter(None, by_table), key=len, reverse=True)))


def _run(url: str, statements: list[str]) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_MEMORY)
        for statement in statements:
            connection.execute(statement)
