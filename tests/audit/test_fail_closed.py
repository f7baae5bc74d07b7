"""What cannot be recorded does not happen, and is not shown: 503, and no body leaves."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import exc, func, select

from service.app import create_app
from service.audit.event import Event
from service.audit.kinds import CONFIGURED
from service.config import Settings
from service.records import trail
from service.storage import audit
from service.storage.database import Database
from service.storage.tables.audit import audit_event
from service.storage.tables.resources import version
from service.storage.together import Together
from tests.access import TESTS, admitted

SECRET = "Zanzibari"
PATIENT = {"resourceType": "Patient", "id": "p", "name": [{"family": SECRET}]}


@pytest.fixture
def client(settings: Settings) -> Iterator[FlaskClient]:
    app = create_app(settings)
    found = admitted(app)
    assert found.put("/fhir/Patient/p", json=PATIENT).status_code == 201
    yield found
    app.extensions["infusion_records"].database.dispose()


def _database(client: FlaskClient) -> Database:
    found: Database = client.application.extensions["infusion_records"].database
    return found


def _break(client: FlaskClient) -> None:
    """The database takes no event any more."""
    database = _database(client)
    with database.engine.connect().execution_options(infusion_write=True) as connection, connection.begin():
        if database.dialect == "postgresql":
            connection.exec_driver_sql("CREATE TRIGGER broken BEFORE INSERT ON audit_event FOR EACH ROW EXECUTE FUNCTION refuse_change()")
        else:
            refusal = "SELECT RAISE(ABORT, 'the trail is broken')"
            connection.exec_driver_sql(f"CREATE TRIGGER broken BEFORE INSERT ON audit_event BEGIN {refusal}; END")


def _counts(client: FlaskClient) -> tuple[int, int]:
    with _database(client).read() as tx:
        rows = [tx.connection.scalar(select(func.count()).select_from(table)) for table in (version, audit_event)]
    return rows[0], rows[1]


READS = [
    ("GET", "/Patient/p"),
    ("GET", "/Patient/p/_history/1"),
    ("GET", "/Patient/p/_history"),
    ("GET", "/Patient?_id=p"),
    ("POST", "/Patient/_search"),
    ("GET", "/Patient/p/$everything"),
    ("GET", "/_history"),
    ("GET", "/metadata"),
]


@pytest.mark.parametrize(("method", "path"), READS, ids=[f"{method} {path.partition('?')[0]}" for method, path in READS])
@pytest.mark.parametrize("accept", ["application/fhir+json", "text/html"])
def test_nothing_is_shown(client: FlaskClient, method: str, path: str, accept: str) -> None:
    assert client.open(f"/fhir{path}", method=method, headers={"Accept": accept}).status_code == 200
    _break(client)
    answer = client.open(f"/fhir{path}", method=method, headers={"Accept": accept})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert SECRET not in answer.text
    assert "ETag" not in answer.headers


@pytest.mark.parametrize("accept", ["application/fhir+json", "text/html"])
def test_nothing_is_refused_either(client: FlaskClient, accept: str) -> None:
    """Even that something is not there is not told."""
    _break(client)
    for path in ("/Patient/nothing", "/Nonsense", "/Patient?nonsense=1"):
        assert client.get(f"/fhir{path}", headers={"Accept": accept}).status_code == 503


def test_nothing_is_written(client: FlaskClient) -> None:
    before = _counts(client)
    _break(client)
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"resource": PATIENT, "request": {"method": "PUT", "url": "Patient/p"}}],
    }
    for answer in (
        client.post("/fhir/Patient", json={"resourceType": "Patient"}),
        client.put("/fhir/Patient/p", json={**PATIENT, "active": True}),
        client.delete("/fhir/Patient/p"),
        client.post("/fhir", json=bundle),
        client.post("/fhir", json={**bundle, "type": "batch"}),
    ):
        assert answer.status_code >= 500, answer.text
        assert SECRET not in answer.text
    assert _counts(client) == before


def test_it_recovers_without_a_restart(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(audit, "record", lambda *_: (_ for _ in ()).throw(RuntimeError("gone")))
        assert client.get("/fhir/Patient/p").status_code == 503
    assert client.get("/fhir/Patient/p").status_code == 200


def test_an_event_of_the_service_that_cannot_be_recorded_is_an_error(client: FlaskClient) -> None:
    _break(client)
    with pytest.raises(exc.DBAPIError):
        trail.record(client.application.extensions["infusion_records"], Event(CONFIGURED), TESTS)


class TestTogether:
    """Threads that have something to commit share a commit, and nobody fails for another one's item."""

    def test_what_waits_during_a_commit_is_committed_together(self) -> None:
        together: Together[int] = Together()
        groups: list[list[int]] = []
        first, go = threading.Event(), threading.Event()

        def commit(items: Any) -> None:
            groups.append(list(items))
            first.set()
            assert go.wait(10)

        threads = [threading.Thread(target=together.run, args=(0, commit))]
        threads[0].start()
        assert first.wait(10)
        threads += [threading.Thread(target=together.run, args=(number, commit)) for number in range(1, 6)]
        for thread in threads[1:]:
            thread.start()
        while len(together._waiting) < 5:
            threading.Event().wait(0.001)
        go.set()
        for thread in threads:
            thread.join(10)
        assert groups[0] == [0]
        assert sorted(groups[1]) == [1, 2, 3, 4, 5]
        assert len(groups) == 2

    def test_one_that_cannot_be_committed_fails_alone(self) -> None:
        together: Together[int] = Together()
        done: list[int] = []
        failed: list[int] = []

        def commit(items: Any) -> None:
            if 3 in items:
                raise ValueError("three")
            done.extend(items)

        def run(number: int) -> None:
            try:
                together.run(number, commit)
            except ValueError:
                failed.append(number)

        threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert failed == [3]
        assert sorted(done) == [0, 1, 2, 4, 5, 6, 7]

    def test_many_at_once_are_each_committed_once(self, settings: Settings) -> None:
        database = Database(settings.database_url)
        app = create_app(settings)
        client = admitted(app)
        before = _counts(client)[1]

        def read() -> None:
            assert client.get("/fhir/metadata").status_code == 200

        threads = [threading.Thread(target=read) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert _counts(client)[1] == before + 12
        database.dispose()
        app.extensions["infusion_records"].database.dispose()
