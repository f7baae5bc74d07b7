"""The programs under measurement, each in processes of its own: the database, the service, and a bare server to compare with."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from benchmarks import processes
from benchmarks.client import Peer, Wrong
from service.config import PREFIX
from service.records.clients import Registration
from tests import access, postgres

_START_SECONDS = 60
_STOP_SECONDS = 40
_CLIENT = Registration("benchmark", "system/*.cruds")
_DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "wal_level": "replica", "max_wal_size": "4GB"}


@dataclass(frozen=True, slots=True)
class Store:
    """A fresh database: its URL, where its files are, and the process that runs it (None: the service does)."""

    url: str
    files: tuple[Path, ...]
    root: int | None = None


@dataclass(slots=True)
class Running:
    """A server that `peer` is the address of; `root` is its main process."""

    peer: Peer
    root: int
    store: Store | None = None
    base: str = "/fhir"
    environment: dict[str, str] = field(default_factory=dict)
    worker: int | None = None

    def groups(self) -> dict[str, int]:
        """The root process of each part that works on a request, or on what the audit trail holds of it."""
        database = {"database": self.store.root} if self.store and self.store.root else {}
        return {"service": self.root, **database, **({"worker": self.worker} if self.worker else {})}


@contextmanager
def store(kind: str) -> Iterator[Store]:
    """An empty database of `kind` (sqlite, postgresql) that is gone afterwards."""
    if kind == "sqlite":
        with _folder() as folder:
            yield Store(f"sqlite:///{folder}/records.db", (folder,))
        return
    server = postgres.Server(_DURABLE)
    try:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE records TEMPLATE template0 ENCODING 'UTF8'")
        yield Store(server.url.removesuffix("postgres") + "records", (server.folder / "data" / "base",), server.process_id)
    finally:
        server.stop()


@contextmanager
def service(store: Store) -> Iterator[Running]:
    """The service on `store` as delivered, but without rate limits: `infusion-records serve` with its worker, and a client's token."""
    with _folder() as folder, _served(store, [_program(), "serve", "--port"]) as running:
        key = folder / "audit-key"
        command(running.environment, "audit", "new-key", str(key), "--name", "records.example/audit")
        environment = running.environment | {f"{PREFIX}AUDIT_KEY_FILE": str(key), f"{PREFIX}AUDIT_CHECKPOINTS": str(folder / "checkpoints")}
        with _process([_program(), "worker"], environment, folder) as worker:
            running.peer, running.worker = _admitted(running.peer.port, store), worker.pid
            yield running
            if worker.poll() is not None:
                raise RuntimeError(f"the worker ended: {(folder / 'log').read_text()[-3000:]}")


@contextmanager
def unguarded(store: Store) -> Iterator[Running]:
    """The service without authentication, restriction and audit: `benchmarks.access.without`."""
    with _served(store, [sys.executable, "-m", "benchmarks.access.without"]) as running:
        yield running


@contextmanager
def _served(store: Store, program: list[str]) -> Iterator[Running]:
    """`PROGRAM PORT` on `store`, brought to the newest schema."""
    port = _free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    environment |= {f"{PREFIX}DATABASE_URL": store.url, f"{PREFIX}RATE_LIMIT": "0", f"{PREFIX}RATE_LIMIT_TOKENS": "0"}
    command(environment, "db", "upgrade")
    with _folder() as folder, _process([*program, str(port)], environment, folder) as process:
        _await(port, process, folder)
        try:
            yield Running(Peer(port), process.pid, store, environment=environment)
        except Wrong as error:
            error.add_note("the end of the service's log:\n" + (folder / "log").read_text()[-2000:])
            raise


@contextmanager
def bare(body: bytes, like: Running) -> Iterator[Running]:
    """A server that answers `body` to everything, with the worker settings of `like`."""
    port = _free_port()
    with _folder() as folder:
        (folder / "body").write_bytes(body)
        arguments = [sys.executable, "-m", "benchmarks.bare", str(port), str(folder / "body")]
        with _process(arguments, like.environment, folder) as process:
            _await(port, process, folder)
            yield Running(Peer(port), process.pid)


def _admitted(port: int, store: Store) -> Peer:
    """The address of the service with the token of a client that may read and write every clinical type."""
    token = access.token_on(store.url, f"http://127.0.0.1:{port}/fhir", _CLIENT)
    return Peer(port, "".join(f"{name}: {value}\r\n" for name, value in access.bearer(token).items()).encode())


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that ended: what it printed, how long it took, and the CPU seconds that it used itself."""

    output: str
    seconds: float
    cpu: float


def command(environment: dict[str, str], *arguments: str) -> Finished:
    """Run one command of the service to its end. Raises CalledProcessError when it fails."""
    before, started = os.times(), time.perf_counter()
    done = subprocess.run([_program(), *arguments], env=environment, check=True, capture_output=True, text=True)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Finished(done.stdout, time.perf_counter() - started, cpu)


def disk_bytes(store: Store) -> int:
    """What the database takes on disk, after it wrote out what it holds in memory."""
    if store.root:
        with psycopg.connect(store.url, autocommit=True) as connection:
            connection.execute("CHECKPOINT")
            row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
            assert row is not None
            return int(row[0])
    return processes.disk_bytes(store.files)


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="infusion-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _process(arguments: list[str], environment: dict[str, str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(arguments, env=environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    for _ in range(_START_SECONDS * 10):
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
            return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError(f"the server did not start: {(folder / 'log').read_text()[-3000:]}")


def _program() -> str:
    return str(Path(sys.executable).parent / "infusion-records")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
