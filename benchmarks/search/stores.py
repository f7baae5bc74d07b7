"""Databases with a clinic in them, one for each size: made in a folder, and used again while the folder is kept and the schema the same."""

import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.search.dataset.clinic import Clinic
from benchmarks.search.loading import copying, indexes, inserting, rows
from service import wiring
from service.config import Settings
from service.paths import resource_path
from service.records.context import Service
from service.search.parameter import Registry
from service.storage import migrate
from service.storage.database import Database
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
_FOLDERS = ("benchmarks/search/dataset", "benchmarks/search/loading", "service/search/types", "migrations/versions", "fhir_profiles")
_DECISIVE = ("extract.py", "index.py", "type_plan.py", "parameter.py", "computed.py", "correlation.py", "activation.py")


@dataclass(frozen=True, slots=True)
class Store:
    """A database with a clinic: its URL, how many resources, and the seconds that loading them took (None: they were there)."""

    url: str
    kind: str
    resources: int
    seconds: float | None


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
    state = {"patients": clinic.patients, "code": _fingerprint()}
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
    with _server(place, _SERVING) as url:
        yield Store(url, kind, known["resources"], loaded)


def service(url: str, **settings: Any) -> Service:
    """The running parts on a database."""
    return wiring.service(Settings(database_url=url, cursor_key=KEY, **settings))


def _load_sqlite(clinic: Clinic, place: Path) -> int:
    place.mkdir(parents=True)
    registry = _prepared(f"sqlite:///{place / 'records.db'}")
    return inserting.insert(place / "records.db", registry, clinic)


def _load_postgresql(clinic: Clinic, place: Path) -> int:
    with _server(place, _SERVING) as url:
        registry = _prepared(url)
    with _server(place, _LOADING) as url:
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
def _server(place: Path, settings: dict[str, str]) -> Iterator[str]:
    server = postgres.Server(settings, kept=place)
    url = server.url.removesuffix("postgres") + "records"
    try:
        with psycopg.connect(server.url, autocommit=True) as connection:
            if connection.execute("SELECT FROM pg_database WHERE datname = 'records'").fetchone() is None:
                connection.execute("CREATE DATABASE records TEMPLATE template0 ENCODING 'UTF8'")
        yield url
    finally:
        server.stop()


def _fingerprint() -> str:
    """What the rows follow from: the code of the dataset and of extraction, the migrations, the search parameters."""
    digest = hashlib.sha256()
    root = resource_path("fhir_profiles").parent
    files = [file for name in _FOLDERS for file in (root / name).rglob("*") if file.suffix in (".py", ".json")]
    for file in sorted([*files, *(root / "service/search" / name for name in _DECISIVE)]):
        digest.update(file.read_bytes())
    return digest.hexdigest()
