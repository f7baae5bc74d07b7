"""S-10: what only grows is neither changed nor emptied: not by the application, and not by the owner of the tables either."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, exc, text
from sqlalchemy.engine import make_url

from service.app import create_app
from service.config import Settings
from service.records.context import Context, Service
from service.storage import grants
from service.storage.append_only import APPEND_ONLY
from service.storage.database import Database, Unsafe
from service.storage.tables.metadata import metadata
from tests.access import TESTS, admitted
from tests.databases import Databases
from tests.records.samples import create, one, patient
from tests.register.stock import Clinic

ROLE = "infusion_application"
_FILLERS = {
    "audit_log": "INSERT INTO audit_log (idx, audit_id, leaf, nodes) VALUES (0, 'a', 'b', 'c')",
    "audit_checkpoint": "INSERT INTO audit_checkpoint (size, root, note, created) VALUES (1, 'r', 'n', 1)",
    "ledger_entry": (
        "INSERT INTO ledger_entry VALUES ('v', 1, 'counted', 0, 's', '', 1, 1, '', '', 1, 0, '', '', '', '', '', '', '', '1', '', '')"
    ),
    "ledger_identifier": "INSERT INTO ledger_identifier VALUES ('s', 'v', 'Observation/1')",
    "audit_key": "INSERT INTO audit_key (place, line, created) VALUES (0, 'k', 1)",
}


def _filled(service: Service) -> None:
    """A row in every table that only grows, so that there is something to change."""
    one(Context(service, TESTS), create(patient("1")))
    with service.database.write() as tx:
        for statement in _FILLERS.values():
            tx.connection.execute(text(statement))


def _attempts(table: str, dialect: str) -> list[str]:
    column = next(iter(metadata.tables[table].primary_key)).name
    changed = [f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"]
    return changed + ([f"TRUNCATE {table} CASCADE"] if dialect == "postgresql" else [f"REPLACE INTO {table} SELECT * FROM {table}"])


def _refused(connection: Connection, statement: str) -> str:
    with pytest.raises(exc.DBAPIError) as caught, connection.begin_nested():
        connection.execute(text(statement))
    return str(caught.value.orig)


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_S10_the_owner_is_refused(service: Service, table: str) -> None:
    _filled(service)
    with service.database.engine.connect() as connection, connection.begin():
        assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == 1
        for statement in _attempts(table, service.database.dialect):
            told = _refused(connection, statement)
            assert "append-only" in told or (statement.startswith("REPLACE") and "UNIQUE" in told), statement
        assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == 1


@pytest.fixture
def owned(databases: Databases) -> Iterator[Service]:
    """A service on PostgreSQL, connected as the owner of the tables, beside the role of the application."""
    with databases.fresh("postgresql") as url:
        app = create_app(Settings(database_url=url, cursor_key="c" * 32))
        service: Service = app.extensions["infusion_records"]
        with service.database.write() as tx:
            if tx.connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": ROLE}) is None:
                tx.connection.execute(text(f"CREATE ROLE {ROLE} LOGIN"))
        yield service
        service.database.dispose()


def _url_of_application(service: Service) -> str:
    return make_url(service.settings.database_url).set(username=ROLE).render_as_string(hide_password=False)


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_S10_the_application_is_refused(owned: Service, table: str) -> None:
    _filled(owned)
    grants.grant(owned.database, ROLE)
    database = Database(_url_of_application(owned))
    with database.engine.connect() as connection, connection.begin():
        for statement in _attempts(table, "postgresql"):
            assert "permission denied" in _refused(connection, statement), statement
        assert "must be owner" in _refused(connection, f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        assert "permission denied" in _refused(connection, "SET session_replication_role = replica")
        assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == 1
    database.dispose()


def test_the_application_needs_no_other_rights(owned: Service) -> None:
    """It writes, changes, deletes, searches and is audited with the rights that it was granted."""
    grants.grant(owned.database, ROLE)
    app = create_app(Settings(database_url=_url_of_application(owned), cursor_key="c" * 32))
    client = admitted(app)
    made = client.post("/fhir/Patient", json={"resourceType": "Patient", "name": [{"family": "Rivera"}]}, headers={"Idempotency-Key": "k"})
    assert made.status_code == 201, made.text
    path = f"/fhir/Patient/{made.json['id']}"
    assert client.put(path, json={**made.json, "name": [{"family": "Rios"}]}).status_code == 200
    assert client.get("/fhir/Patient?family=rios").json["total"] == 1
    assert client.get(path).status_code == 200
    assert client.delete(path).status_code == 204
    clinic = Clinic.opened(client)
    clinic.add("vial", clinic.vial())
    clinic.add("receipt", clinic.receipt("vial"))
    clinic.add("draw", clinic.draw("vial", 50))
    app.extensions["infusion_records"].database.dispose()


def test_a_role_that_could_do_more_is_refused(owned: Service) -> None:
    with pytest.raises(Unsafe, match="owns tables"):
        grants.grant(owned.database, "postgres")
    with pytest.raises(Unsafe, match="There is no role"):
        grants.grant(owned.database, "nobody_of_that_name")
    with pytest.raises(Unsafe, match="no plain name"):
        grants.grant(owned.database, "a; DROP TABLE version")


def test_sqlite_has_no_roles(databases: Databases) -> None:
    with databases.fresh("sqlite") as url, pytest.raises(Unsafe, match="SQLite has no roles"):
        grants.grant(Database(url), ROLE)


def test_a_version_without_its_event_is_refused(service: Service) -> None:
    one(Context(service, TESTS), create(patient("1")))
    copied = "SELECT res_id, 2, type, fhir_id, last_updated, method, body"
    names = "res_id, version, type, fhir_id, last_updated, method, body, audit_id"
    with service.database.engine.connect() as connection, connection.begin():
        told = _refused(connection, f"INSERT INTO version ({names}) {copied}, NULL FROM version")
        assert "needs its audit event" in told
        told = _refused(connection, f"INSERT INTO version ({names}) {copied}, 'another' FROM version")
        assert "foreign key" in told.lower()
