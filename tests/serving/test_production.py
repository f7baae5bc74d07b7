"""Others than this machine are let in only when every demand of production is met; each one that is not is told in one line."""

import os
from typing import Any

import pytest
from click.testing import CliRunner, Result

from service import cli, server
from service.config import PREFIX
from service.storage import audit_log, marks
from service.storage.database import Database, Unsafe

HOSTS = ("0.0.0.0", "192.0.2.1", "::", "records.clinic.example")
GOOD = {"BASE_URL": "https://records.clinic.example/fhir", "TRUSTED_PROXIES": "192.0.2.7"}


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hosts on which the server was told to listen; nothing listens, and the process is nobody's in particular."""
    hosts: list[str] = []
    monkeypatch.setattr(server, "run", lambda _settings, host, _port: hosts.append(host))
    monkeypatch.setattr(os, "geteuid", lambda: 10001)
    return hosts


@pytest.fixture
def signed_url(database_url: str) -> str:
    """A database whose audit trail has a key."""
    database = Database(database_url)
    with database.write() as tx:
        audit_log.add_key(tx, 0, "clinic.example/audit+00000000+x", tx.stamp)
    database.dispose()
    return database_url


def _serve(url: str, host: str = "0.0.0.0", **settings: str) -> Result:
    variables = {f"{PREFIX}{name}": value for name, value in {"DATABASE_URL": url, **settings}.items()}
    return CliRunner().invoke(cli.main, ["serve", "--host", host], env=variables)


def _mark(url: str, name: str) -> None:
    database = Database(url)
    marks.put(database, name, 1)
    database.dispose()


@pytest.mark.parametrize("host", HOSTS)
def test_with_all_demands_met_it_listens_for_others(signed_url: str, host: str, started: list[str]) -> None:
    assert _serve(signed_url, host, **GOOD).exit_code == 0
    assert started == [host]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"BASE_URL": "http://records.clinic.example/fhir"}, "others than this machine are served over TLS only"),
        ({"BASE_URL": "http://127.0.0.1:8080/fhir"}, "others than this machine are served over TLS only"),
        ({"TRUSTED_PROXIES": ""}, "INFUSION_RECORDS_TRUSTED_PROXIES is empty"),
    ],
)
def test_a_setting_that_is_missing_is_told(signed_url: str, settings: dict[str, str], says: str, started: list[str]) -> None:
    refused = _serve(signed_url, **{**GOOD, **settings})
    assert refused.exit_code == 2
    assert says in refused.output
    assert len(refused.output.splitlines()) == 1
    assert started == []


def test_root_is_refused(signed_url: str, monkeypatch: pytest.MonkeyPatch, started: list[str]) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    refused = _serve(signed_url, **GOOD)
    assert (refused.exit_code, refused.output) == (2, "Error: It runs as root. Start it as a user without rights.\n")
    assert started == []


def test_the_demonstration_is_refused(signed_url: str, started: list[str]) -> None:
    _mark(signed_url, marks.DEMONSTRATION)
    refused = _serve(signed_url, **GOOD)
    assert refused.exit_code == 2
    assert "holds the demonstration clinic" in refused.output
    assert started == []
    assert _serve(signed_url, "127.0.0.1").exit_code == 0, "on this machine alone it may be looked at"


def test_an_audit_trail_that_nobody_signs_is_refused(database_url: str, started: list[str]) -> None:
    refused = _serve(database_url, **GOOD)
    assert refused.exit_code == 2
    assert "The audit trail is not signed" in refused.output
    assert started == []


def test_everything_that_is_missing_is_told_at_once(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert len(_serve(database_url).output.splitlines()) == 3
    _mark(database_url, marks.DEMONSTRATION)
    monkeypatch.setattr(os, "geteuid", lambda: 10001)
    assert len(_serve(database_url, **GOOD).output.splitlines()) == 2


def test_behind_a_proxy_on_the_same_machine_it_is_production_too(database_url: str, started: list[str]) -> None:
    refused = _serve(database_url, "127.0.0.1", BASE_URL=GOOD["BASE_URL"])
    assert refused.exit_code == 2
    assert "TRUSTED_PROXIES" in refused.output
    assert started == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_on_this_machine_alone_nothing_is_demanded(database_url: str, host: str, started: list[str]) -> None:
    assert _serve(database_url, host).exit_code == 0
    assert started == [host]


@pytest.mark.parametrize("settings", [{}, GOOD], ids=["here", "production"])
def test_a_database_that_was_open_is_served_nowhere(signed_url: str, settings: dict[str, str], started: list[str]) -> None:
    _mark(signed_url, marks.INSECURE)
    refused = _serve(signed_url, "0.0.0.0" if settings else "127.0.0.1", **settings)
    assert refused.exit_code == 1
    assert "was once open to everyone" in refused.output
    assert started == []


def test_marks_stay_as_they_are(database_url: str) -> None:
    database = Database(database_url)
    marks.put(database, marks.INSECURE, 7)
    marks.put(database, marks.INSECURE, 8)
    since: Any = marks.since(database, marks.INSECURE)
    assert since == 7
    with pytest.raises(Unsafe):
        marks.require_never_open(database)
    database.dispose()
