"""The database cannot: full, read-only, locked, gone, too slow. The answer is 503 with Retry-After, and nothing is half-written."""

import json
import resource as limits
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import requests
from flask.testing import FlaskClient
from sqlalchemy import event, text

from service.app import create_app
from service.config import Settings
from service.records.context import Service
from tests.access import admitted
from tests.databases import Databases
from tests.faults.checker import require_sound, require_whole_transactions
from tests.faults.target import JSON, Target, require_refused
from tests.server import running
from tests.services import on_database

PATIENT = {"resourceType": "Patient", "active": True, "name": [{"family": "x" * 500}]}

_CUT = """
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@contextmanager
def _client(url: str, **settings: object) -> Iterator[tuple[FlaskClient, Service]]:
    """A client of the application in this process, and the application's parts."""
    app = create_app(replace(Settings(database_url=url, cursor_key="c" * 32), **settings))
    parts = app.extensions["infusion_records"]
    try:
        yield admitted(app), parts
    finally:
        parts.database.dispose()


def _post(client: FlaskClient, number: int = 0) -> int:
    """The status of a transaction of three patients; a refusal is a 503 as it should be."""
    entries = [{"resource": {**PATIENT, "id": id}, "request": {"method": "PUT", "url": f"Patient/{id}"}} for id in _ids(number)]
    answer = client.post("/fhir/", json={"resourceType": "Bundle", "type": "transaction", "entry": entries}, content_type=JSON)
    if answer.status_code != 200:
        assert answer.status_code == 503, answer.text
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.get_json(force=True)["issue"][0]["code"] == "transient"
    return int(answer.status_code)


def _ids(number: int) -> list[str]:
    return [f"f{number}-{place}" for place in range(3)]


def _on_connect(service: Service, statement: str) -> Callable[[], None]:
    """Run `statement` on every new connection, until the function that is returned is called."""
    engine = service.database.engine

    def connected(connection: object, _record: object) -> None:
        connection.execute(statement)  # type: ignore[attr-defined]

    event.listen(engine, "connect", connected)
    service.database.dispose()

    def undo() -> None:
        event.remove(engine, "connect", connected)
        service.database.dispose()

    return undo


def test_a_full_database(databases: Databases, parts: Service) -> None:
    """SQLite may grow by a few pages only: the writes that fit are whole, the others are nowhere."""
    with databases.fresh("sqlite") as url, _client(url) as (client, service):
        with service.database.read() as tx:
            pages = tx.connection.scalar(text("PRAGMA page_count"))
        undo = _on_connect(service, f"PRAGMA max_page_count={pages + 12}")
        statuses = [_post(client, number) for number in range(30)]
        assert {200, 503} == set(statuses)
        undo()
        assert _post(client, 30) == 200
        assert client.get("/fhir/Patient/f0-0").status_code == 200
        require_whole_transactions(service, map(_ids, range(31)))
        require_sound(replace(parts, database=service.database))


@pytest.mark.nightly
def test_a_full_disk(databases: Databases, parts: Service, tmp_path: Path) -> None:
    """The operating system refuses to let the file grow while the service runs."""
    with databases.fresh("sqlite") as url:
        with running(tmp_path, url) as live:
            target = Target(live)
            most = Path(url.removeprefix("sqlite:///")).stat().st_size + 40_000
            unlimited = (limits.RLIM_INFINITY, limits.RLIM_INFINITY)
            workers = target.workers()
            for pid in workers:
                limits.prlimit(pid, limits.RLIMIT_FSIZE, (most, limits.RLIM_INFINITY))
            answers = [target.send("POST", "/Patient", {**PATIENT, "id": "x"}) for _ in range(100)]
            for pid in workers:
                limits.prlimit(pid, limits.RLIMIT_FSIZE, unlimited)
            assert {answer.status_code for answer in answers} == {201, 503}
            for answer in answers:
                if answer.status_code == 503:
                    require_refused(answer, 503)
            made = target.send("POST", "/Patient", PATIENT)
            assert made.status_code == 201
            assert target.workers() == workers
            for answer in answers:
                if answer.status_code == 201:
                    assert target.send("GET", f"/Patient/{answer.json()['id']}").json() == answer.json()
        for service in on_database(parts, url):
            require_sound(service)


def test_a_read_only_file(databases: Databases) -> None:
    with databases.fresh("sqlite") as url, _client(url) as (client, service):
        assert _post(client) == 200
        undo = _on_connect(service, "PRAGMA query_only=ON")
        assert _post(client, 1) == 503
        _require_untold(client)
        undo()
        assert _post(client, 1) == 200


def test_a_read_only_standby(databases: Databases) -> None:
    with databases.fresh("postgresql") as url, _client(url) as (client, service):
        assert _post(client) == 200
        _make_read_only(service, url, "on")
        assert _post(client, 1) == 503
        _require_untold(client)
        _make_read_only(service, url, "off")
        assert _post(client, 1) == 200


def _require_untold(client: FlaskClient) -> None:
    """What cannot be told to the audit trail is not shown."""
    answer = client.get("/fhir/Patient/f0-0")
    assert (answer.status_code, answer.get_json(force=True)["resourceType"]) == (503, "OperationOutcome")
    assert "x" * 500 not in answer.text


def _make_read_only(service: Service, url: str, wish: str) -> None:
    with psycopg.connect(_plain(url), autocommit=True, options="-c default_transaction_read_only=off") as administrator:
        administrator.execute(f'ALTER DATABASE "{service.database.url.database}" SET default_transaction_read_only = {wish}')
    service.database.dispose()


def _plain(url: str) -> str:
    """The URL as the driver itself writes it."""
    return url.replace("postgresql+psycopg", "postgresql")


def test_another_process_holds_the_lock(databases: Databases) -> None:
    with databases.fresh("sqlite") as url, _client(url, busy_seconds=0.2) as (client, _), _client(url) as (_, other):
        with other.database.write():
            assert _post(client) == 503
            assert client.get("/fhir/Patient?_summary=count").status_code == 503
        assert client.get("/fhir/Patient?_summary=count").get_json(force=True)["total"] == 0
        assert _post(client) == 200


def test_a_table_is_locked(databases: Databases) -> None:
    with databases.fresh("postgresql") as url, _client(url, statement_seconds=0.3) as (client, _):
        with psycopg.connect(_plain(url)) as locker:
            locker.execute("LOCK TABLE resource IN ACCESS EXCLUSIVE MODE")
            assert _post(client) == 503
            assert client.get("/fhir/Patient/a").status_code == 503
            locker.rollback()
        assert _post(client) == 200


def test_every_connection_is_in_use(databases: Databases) -> None:
    for kind in ("sqlite", "postgresql"):
        with databases.fresh(kind) as url, _client(url, pool_size=1, busy_seconds=0.2) as (client, service):
            with service.database.read():
                assert _post(client) == 503
                assert client.get("/fhir/Patient/a").status_code == 503
            assert _post(client) == 200


def test_connections_that_are_cut(databases: Databases, parts: Service) -> None:
    """An administrator ends the service's sessions, again and again, while it writes: 503 at worst, and it recovers by itself."""
    with databases.fresh("postgresql") as url:
        with _client(url) as (client, _):
            statuses: list[int] = []
            stop = threading.Event()

            def write(number: int) -> None:
                own = client.application.test_client()
                own.environ_base.update(client.environ_base)
                while not stop.is_set():
                    statuses.append(_post(own, number * 10_000 + len(statuses)))

            threads = [threading.Thread(target=write, args=(number,)) for number in range(1, 5)]
            for thread in threads:
                thread.start()
            with psycopg.connect(_plain(url), autocommit=True) as administrator:
                for _ in range(15):
                    threading.Event().wait(0.1)
                    administrator.execute(_CUT)
            stop.set()
            for thread in threads:
                thread.join()
            assert set(statuses) <= {200, 503}
            assert 200 in statuses
            assert _post(client, 1) in (200, 503)
            assert _post(client, 2) == 200
        for sound in on_database(parts, url):
            require_sound(sound)


def test_a_database_that_is_gone(databases: Databases, tmp_path: Path) -> None:
    """Its file is not there any more: 503, and not a new empty record."""
    with databases.fresh("sqlite") as url, _client(url) as (client, service):
        assert _post(client) == 200
        service.database.dispose()
        path = Path(url.removeprefix("sqlite:///"))
        path.rename(tmp_path / "away.db")
        path.mkdir()
        assert _post(client, 1) == 503
        assert client.get("/fhir/Patient/f0-0").status_code == 503
        assert client.get("/readyz").status_code == 503
        path.rmdir()
        (tmp_path / "away.db").rename(path)
        assert client.get("/fhir/Patient/f0-0").status_code == 200
        assert client.get("/readyz").status_code == 200


def test_the_service_that_was_told_to_stop_finishes_what_it_began(databases: Databases, tmp_path: Path) -> None:
    """SIGTERM while transactions run: each is answered whole or not at all."""
    with databases.fresh("sqlite") as url:
        with running(tmp_path, url) as live:
            sent: list[tuple[int, int]] = []

            def send(number: int) -> None:
                entries = [{"resource": {**PATIENT, "id": id}, "request": {"method": "PUT", "url": f"Patient/{id}"}} for id in _ids(number)]
                body = json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries})
                try:
                    sent.append((number, live.send("POST", "/", data=body, headers={"Content-Type": JSON}, timeout=60).status_code))
                except requests.RequestException:
                    sent.append((number, 0))

            threads = [threading.Thread(target=send, args=(number,)) for number in range(24)]
            for thread in threads:
                thread.start()
            live.process.terminate()
            for thread in threads:
                thread.join()
            live.process.wait(60)
        with _client(url) as (client, service):
            require_whole_transactions(service, map(_ids, range(24)))
            for number, status in sent:
                assert status in (0, 200)
                assert status == 0 or client.get(f"/fhir/Patient/{_ids(number)[0]}").status_code == 200
