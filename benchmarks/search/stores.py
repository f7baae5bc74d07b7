"""Databases with a clinic in them, one for each size: made in a folder, and used again while the folder is kept and the schema the same."""

import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.dialects.postgresql import dialect
from sqlalchemy.schema import CreateIndex, CreateTable

from benchmarks.search.dataset import charts
from benchmarks.search.dataset.clinic import Clinic
from benchmarks.search.loading import copying, indexes, inserting, rows
from service import wiring
from service.config import Settings
from service.records.context import Service
from service.search import active_list
from service.search.activation import ACTIVE, Listed
from service.search.parameter import Registry
from service.storage import migrate
from service.storage.database import Database
from service.storage.tables.metadata import metadata
from tests import postgres

KEY = "benchmark-cursor-key-0123456789abcdef"
_LOADING = {"fsync": "off", "synchronous_commit": "off", "max_wal_size": "8GB", "autovacuum": "off", "shared_buffers": "1GB"}
_SERVING = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_level": "replica",
    "max_wal_size": "4GB",
    "shared_buffers": "1GB",
    "effective_cache_size": "8GB",
}
_SAMPLE = 20


@dataclass(frozen=True, slots=True)
class Store:
    """A database with a clinic: its URL, how many resources, the seconds that loading them took (None: they were there), and the process
    that runs it (None: the service does)."""

    url: str
    kind: str
    resources: int
    seconds: float | None
    root: int | None = None


@contextmanager
def folder(kept: Path | None) -> Iterator[Path]:
    """Where the databases go: the folder to keep, or one that is gone afterwards."""
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept
        return
    made = Path(tempfile.mkdtemp(prefix="infusion-search-"))
    made.chmod(0o755)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def store(kind: str, clinic: Clinic, within: Path) -> Iterator[Store]:
    """The database of `kind` with the clinic in it."""
    place = within / f"{kind}-{clinic.patients}"
    note = within / f"{kind}-{clinic.patients}.json"
    state = {"patients": clinic.patients, "rows": _fingerprint()}
    known = json.loads(note.read_text()) if note.exists() else {}
    loaded = None
    if any(known.get(name) != value for name, value in state.items()):
        shutil.rmtree(place, ignore_errors=True)
        started = time.perf_counter()
        known = state | {"resources": (_load_sqlite if kind == "sqlite" else _load_postgresql)(clinic, place)}
        loaded = time.perf_counter() - started
        note.write_text(json.dumps(known))
    if kind == "sqlite":
        yield Store(f"sqlite:///{place / 'records.db'}", kind, known["resources"], loaded)
        return
    with _server(place, _SERVING) as server:
        yield Store(_address(server), kind, known["resources"], loaded, server.process_id)


def service(url: str, **settings: Any) -> Service:
    """The running parts on a database. What its list of indexed parameters does not know under its present name has the same rows:
    otherwise the database would have been loaded again."""
    found = wiring.service(Settings(database_url=url, cursor_key=KEY, **settings))
    if waiting := found.registry.awaited():
        with found.database.write() as tx:
            active_list.put(tx, found.definitions, [Listed(*key, digest, ACTIVE) for key, digest in waiting.items()])
            active_list.advance(tx)
        found.registries.expire()
    return found


def _load_sqlite(clinic: Clinic, place: Path) -> int:
    place.mkdir(parents=True)
    registry = _prepared(f"sqlite:///{place / 'records.db'}")
    return inserting.insert(place / "records.db", registry, clinic)


def _load_postgresql(clinic: Clinic, place: Path) -> int:
    with _server(place, _SERVING) as server:
        registry = _prepared(_address(server))
    with _server(place, _LOADING) as server:
        url = _address(server)
        tables = list(rows.NAMES)
        removed = indexes.taken_off(url, tables)
        resources = copying.copy(url, registry, clinic)
        indexes.put_back(url, tables, removed)
        database = Database(url)
        database.refresh_statistics()
        database.dispose()
        return resources


def _prepared(url: str) -> Registry:
    """Bring an empty database to the newest schema and start the service on it once; the search parameters that it has then."""
    database = Database(url)
    migrate.upgrade(database)
    database.dispose()
    found = service(url)
    registry = found.registry
    found.database.dispose()
    return registry


@contextmanager
def _server(place: Path, settings: dict[str, str]) -> Iterator[postgres.Server]:
    server = postgres.Server(settings, kept=place)
    try:
        with psycopg.connect(server.url, autocommit=True) as connection:
            if connection.execute("SELECT FROM pg_database WHERE datname = 'records'").fetchone() is None:
                connection.execute("CREATE DATABASE records TEMPLATE template0 ENCODING 'UTF8'")
        yield server
    finally:
        server.stop()


def _address(server: postgres.Server) -> str:
    return server.url.removesuffix("postgres") + "records"


@cache
def _fingerprint() -> str:
    """What a loaded database follows from: the schema, and the rows of a few patients."""
    with tempfile.TemporaryDirectory(prefix="infusion-search-") as empty:
        registry = _prepared(f"sqlite:///{empty}/records.db")
    told = [str(CreateTable(table).compile(dialect=dialect())) for table in metadata.sorted_tables]
    told += sorted(str(CreateIndex(index).compile(dialect=dialect())) for table in metadata.sorted_tables for index in table.indexes)
    for number, tree in enumerate(charts.record(Clinic(_SAMPLE))):
        told += [repr(sorted(map(repr, some))) for _, some in rows.rows(registry, number, tree, rows.nominal_stamp(tree))]
    return hashlib.sha256("".join(told).encode()).hexdigest()
