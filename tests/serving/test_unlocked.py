"""`demo --no-auth`: six guards keep what has no authentication from reaching anybody's records, however the service is started.

Each guard is tested three ways: under gunicorn as the command line starts it, through the WSGI factory, which has no switch, and on the
pieces as somebody would import them.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner
from flask import Flask

from service import cli, wiring
from service.app import composed, create_app
from service.config import PREFIX, Settings, SettingsError
from service.records.commit import commit
from service.records.context import Context
from service.server import unlocked
from service.server.everybody import CLIENT, Everybody
from service.storage import marks, migrate
from service.storage.database import Database, Unsafe
from tests.access import TESTS
from tests.databases import Databases
from tests.server import PROGRAM, Live, started

HTEST = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST", "display": "test health data"}
HERE = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1:8080", "PATH_INFO": "/fhir/Patient"}
ELSEWHERE = [
    {"REMOTE_ADDR": "192.0.2.1"},
    {"REMOTE_ADDR": ""},
    {"REMOTE_ADDR": "2001:db8::1"},
    {"HTTP_FORWARDED": "for=127.0.0.1"},
    {"HTTP_X_FORWARDED_FOR": "127.0.0.1"},
    {"HTTP_X_FORWARDED_PROTO": "https"},
    {"HTTP_X_FORWARDED_HOST": "127.0.0.1"},
    {"HTTP_VIA": "1.1 proxy"},
]
OTHER_PAGES = [{"HTTP_HOST": "evil.example"}, {"HTTP_HOST": ""}, {"HTTP_ORIGIN": "https://evil.example"}, {"HTTP_ORIGIN": "null"}]


def _settings(folder: Path, **values: Any) -> Settings:
    return Settings(database_url=f"sqlite:///{folder}/open.db", cursor_key="c" * 32, **values)


def _prepared(settings: Settings) -> Settings:
    database = Database(settings.database_url)
    try:
        unlocked.prepare(settings, database, 7)
    finally:
        database.dispose()
    return settings


def _demo(url: str, *arguments: str, **settings: str) -> Any:
    variables = {f"{PREFIX}{name}": value for name, value in ({"DATABASE_URL": url} | settings).items()}
    return CliRunner().invoke(cli.main, ["demo", "--no-auth", *arguments], env=variables)


@pytest.fixture
def factory(settings: Settings) -> Iterator[Flask]:
    """The application as any WSGI server would make it, on both databases."""
    app = create_app(settings)
    yield app
    app.extensions["infusion_records"].database.dispose()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """`infusion-records demo --no-auth`, under gunicorn."""
    folder = tmp_path_factory.mktemp("open")
    with ExitStack() as stack:
        yield stack.enter_context(started(folder, [PROGRAM, "demo", "--no-auth"], {f"{PREFIX}DATABASE_URL": f"sqlite:///{folder}/open.db"}))


class Sent:
    """What came of a request to a Door: its status, its headers, and how often the process was ended."""

    def __init__(self, environ: dict[str, str], prepare: Callable[[unlocked.Door], object]) -> None:
        self.seen: list[dict[str, Any]] = []
        self.status, self.headers, self.left = "", {}, 0
        self.door = unlocked.Door(self._application, lambda: "token", self._leave)
        prepare(self.door)
        self.send(environ)

    def send(self, environ: dict[str, str]) -> None:
        """Send a request, and take the whole answer as a server does."""
        body = self.door({**HERE, **environ}, self._start)
        list(body)
        if hasattr(body, "close"):
            assert self.left == 0, "the answer is on its way before the end"
            body.close()

    def _application(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.seen.append(environ)
        start_response("200 OK", [])
        return ()

    def _start(self, status: str, headers: list[tuple[str, str]]) -> None:
        self.status, self.headers = status[:3], dict(headers)

    def _leave(self) -> None:
        self.left += 1


def _loopback(door: unlocked.Door) -> None:
    door.open(["127.0.0.1"])


def _is_locked(app: Flask, **environ: str) -> bool:
    """Whether a request without credentials learns nothing."""
    answer = app.test_client().get("/fhir/Patient", environ_overrides=environ)
    return answer.status_code == 401 and json.loads(answer.data)["resourceType"] == "OperationOutcome"


# 1. The bound socket is loopback's.


def test_1_gunicorn_ends_when_it_is_bound_to_others(tmp_path: Path) -> None:
    settings = _prepared(_settings(tmp_path))
    program = (
        "import sys; from service.config import Settings; from service.server import unlocked; unlocked.HOST = '0.0.0.0';"
        "unlocked.run(Settings(database_url=sys.argv[1]), int(sys.argv[2]))"
    )
    command = [sys.executable, "-c", program, settings.database_url, "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode != 0
    assert "the service is bound to 0.0.0.0, not to loopback alone" in done.stderr


def test_1_the_command_line_offers_no_host(tmp_path: Path) -> None:
    refused = _demo(f"sqlite:///{tmp_path}/open.db", "--host", "0.0.0.0")
    assert refused.exit_code == 2
    assert not (tmp_path / "open.db").exists()


def test_1_the_factory_is_locked_whatever_it_is_bound_to(factory: Flask) -> None:
    assert _is_locked(factory, SERVER_NAME="0.0.0.0")


@pytest.mark.parametrize("hosts", [["0.0.0.0"], ["127.0.0.1", "::"], ["192.0.2.1"], [], ["/run/open.sock"]], ids=str)
def test_1_an_imported_door_does_not_open_to_others(hosts: list[str]) -> None:
    def prepare(door: unlocked.Door) -> None:
        with pytest.raises(RuntimeError, match="not to loopback alone"):
            door.open(hosts)

    sent = Sent({}, prepare)
    assert (sent.status, sent.seen, sent.left) == ("421", [], 1)


def test_1_an_imported_door_is_shut_until_it_is_opened() -> None:
    sent = Sent({}, lambda _door: None)
    assert (sent.status, sent.seen, sent.left) == ("421", [], 1)


# 2. Whoever comes from elsewhere or through a proxy ends it.


@pytest.mark.parametrize("environ", ELSEWHERE, ids=str)
def test_2_the_factory_is_locked_for_who_comes_from_elsewhere(factory: Flask, environ: dict[str, str]) -> None:
    assert _is_locked(factory, **environ)


@pytest.mark.parametrize("environ", ELSEWHERE, ids=str)
def test_2_an_imported_door_shuts_for_good_and_ends_the_process(environ: dict[str, str]) -> None:
    sent = Sent(environ, _loopback)
    assert (sent.status, sent.seen, sent.left) == ("421", [], 1)
    sent.left = 0
    sent.send({})
    assert (sent.status, sent.seen) == ("421", []), "nobody comes in any more"


@pytest.mark.parametrize("environ", OTHER_PAGES, ids=str)
def test_2_pages_of_elsewhere_are_refused(environ: dict[str, str]) -> None:
    sent = Sent(environ, _loopback)
    assert (sent.status, sent.seen, sent.left) == ("421", [], 0)
    sent.send({})
    assert sent.status == "200"


def test_2_credentials_of_ones_own_are_kept() -> None:
    sent = Sent({"HTTP_AUTHORIZATION": "Bearer mine"}, _loopback)
    sent.send({})
    assert [environ["HTTP_AUTHORIZATION"] for environ in sent.seen] == ["Bearer mine", "Bearer token"]


# 3. The database is marked, and served nowhere else; no other database is opened.


@pytest.mark.parametrize("command", [["serve"], ["demo"]], ids=" ".join)
def test_3_the_command_line_refuses_a_marked_database(tmp_path: Path, command: list[str]) -> None:
    settings = _prepared(_settings(tmp_path))
    refused = CliRunner().invoke(cli.main, command, env={f"{PREFIX}DATABASE_URL": settings.database_url})
    assert refused.exit_code == 1
    assert "was once open to everyone" in refused.output


def test_3_the_factory_refuses_a_marked_database(tmp_path: Path) -> None:
    with pytest.raises(Unsafe, match="was once open to everyone"):
        create_app(_prepared(_settings(tmp_path)))


def test_3_no_database_is_opened_that_others_made(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    database = Database(settings.database_url)
    migrate.upgrade(database)
    for _ in range(2):
        with pytest.raises(SettingsError, match="it did not make this database"):
            unlocked.prepare(settings, database, 7)
    assert marks.since(database, marks.INSECURE) is None
    database.dispose()
    assert _demo(settings.database_url).exit_code == 2


def test_3_its_own_database_is_opened_again(tmp_path: Path) -> None:
    settings = _prepared(_prepared(_settings(tmp_path)))
    database = Database(settings.database_url)
    assert marks.since(database, marks.INSECURE) == 7
    database.dispose()


# 4. No PostgreSQL, one process, no other name.


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"DATABASE_URL": "postgresql://records@127.0.0.1:1/records"}, "refused on PostgreSQL"),
        ({"WORKERS": "2"}, "more than one worker process"),
        ({"BASE_URL": "https://records.clinic.example/fhir"}, "BASE_URL names another machine"),
        ({"AUTHENTICATION": "external", "OIDC_ISSUER": "https://provider.example"}, "clients and accounts of its own"),
    ],
)
def test_4_the_command_line_refuses(tmp_path: Path, settings: dict[str, str], says: str) -> None:
    refused = _demo(f"sqlite:///{tmp_path}/open.db", **settings)
    assert refused.exit_code == 2
    assert says in refused.output
    assert not (tmp_path / "open.db").exists()


def test_4_the_factory_is_locked_with_many_workers_too(settings: Settings) -> None:
    app = create_app(replace(settings, workers=4))
    assert _is_locked(app)
    app.extensions["infusion_records"].database.dispose()


def test_4_the_imported_preparation_refuses(tmp_path: Path, databases: Databases) -> None:
    with databases.fresh("postgresql", migrated=False) as url:
        with pytest.raises(SettingsError, match="PostgreSQL"):
            _prepared(replace(_settings(tmp_path), database_url=url))
        database = Database(url)
        assert migrate.current(database) is None
        database.dispose()
    with pytest.raises(SettingsError, match="more than one worker"):
        _prepared(_settings(tmp_path, workers=2))


# 5. It says so everywhere.


def test_5_gunicorn_says_so_in_every_answer_and_line(live: Live) -> None:
    for path in ("/livez", "/", "/fhir/Patient?_count=1", "/fhir/Patient/none", "/nowhere"):
        assert requests.get(live.origin + path, timeout=60).headers[unlocked.HEADER].startswith("INSECURE"), path
    assert "INSECURE: no authentication" in requests.get(f"{live.origin}/readyz", timeout=60).text
    statement = requests.get(f"{live.url}/metadata", timeout=60).json()
    assert statement["rest"][0]["security"]["description"].startswith("INSECURE")
    lines = [json.loads(line)["message"] for line in live.log.read_text().splitlines() if line.startswith("{")]
    assert "INSECURE request" in lines
    assert [line for line in lines if "INSECURE" not in line and "audit" not in line] == []
    assert unlocked.WARNING in live.log.read_text().splitlines()


def test_5_the_factory_says_that_it_is_locked(factory: Flask) -> None:
    statement = json.loads(factory.test_client().get("/fhir/metadata").data)
    assert "INSECURE" not in json.dumps(statement["rest"][0]["security"])
    assert unlocked.HEADER not in factory.test_client().get("/livez").headers
    assert "INSECURE" not in factory.test_client().get("/readyz").text


def test_5_the_imported_composition_says_so(tmp_path: Path) -> None:
    parts = wiring.service(_prepared(_settings(tmp_path)))
    app = composed(parts)
    statement = json.loads(app.test_client().get("/fhir/metadata").data)
    assert statement["rest"][0]["security"]["description"].startswith("INSECURE")
    assert "INSECURE" in app.test_client().get("/readyz").text
    assert _is_locked(app), "what is open is the door, not the application"
    parts.database.dispose()


# 6. What is written is labelled as test data.


def _labelled(resource: dict[str, Any]) -> bool:
    return HTEST in resource["meta"]["security"]


def test_6_gunicorn_labels_what_is_written(live: Live) -> None:
    made = requests.post(f"{live.url}/Patient", json={"resourceType": "Patient"}, timeout=60).json()
    assert _labelled(made)
    url = f"{live.url}/Patient/{made['id']}"
    body = {"resourceType": "Patient", "id": made["id"], "gender": "other", "meta": {"security": [{"system": "urn:x", "code": "y"}]}}
    put = requests.put(url, json=body, timeout=60).json()
    assert put["meta"]["security"] == [{"system": "urn:x", "code": "y"}, HTEST]
    patch = [{"op": "remove", "path": "/meta/security"}]
    patched = requests.patch(url, data=json.dumps(patch), headers={"Content-Type": "application/json-patch+json"}, timeout=60).json()
    assert _labelled(patched)
    entry = {"resource": {"resourceType": "Patient"}, "request": {"method": "POST", "url": "Patient"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    asked = requests.post(live.url, json=bundle, headers={"Prefer": "return=representation"}, timeout=60).json()
    assert _labelled(asked["entry"][0]["resource"])
    clinic = requests.get(f"{live.url}/Patient?_count=50", timeout=60).json()["entry"]
    assert len(clinic) >= 13
    assert all(_labelled(one["resource"]) for one in clinic)


def test_6_the_factory_writes_what_it_is_given(app: Flask) -> None:
    from tests.access import admitted

    made = admitted(app).post("/fhir/Patient", json={"resourceType": "Patient"})
    assert made.status_code == 201
    assert "security" not in json.loads(made.data)["meta"]


def test_6_the_imported_record_labels_what_is_written(tmp_path: Path) -> None:
    from service.fhir.document import Document
    from service.records.change import Create, Update

    parts = wiring.service(_prepared(_settings(tmp_path)))
    document = Document.of({"resourceType": "Patient", "id": "p1", "meta": {"security": [HTEST]}})
    done = commit(Context(parts, TESTS), [Create("Patient", Document.of({"resourceType": "Patient"})), Update("Patient", "p1", document)])
    assert [json.loads(one.text or "")["meta"]["security"] for one in done] == [[HTEST], [HTEST]]
    parts.database.dispose()


# What is open is a client like any other.


def test_everybody_is_a_client_whose_token_is_made_anew_in_time(tmp_path: Path) -> None:
    from service.records import clients, tokens

    parts, moment = wiring.service(_prepared(_settings(tmp_path))), [1_000_000_000]
    everybody = Everybody(replace(parts, clock=lambda: moment[0]))
    first = everybody()
    assert everybody() == first
    moment[0] += 23 * 3600 * 1_000_000 + 1
    assert everybody() != first
    assert [client.id for client in clients.every(parts)] == [CLIENT]
    assert tokens.caller(parts, first) is None, "a real clock is far ahead"
    Everybody(parts)
    parts.database.dispose()


def test_nobody_else_composes_it() -> None:
    root = Path(unlocked.__file__).parents[1]
    importing = ("server.unlocked", "server import unlocked", "server.everybody")
    users = {path.relative_to(root).as_posix() for path in root.rglob("*.py") if any(text in path.read_text() for text in importing)}
    assert users == {"cli/demonstration.py", "server/unlocked.py"}


def test_2_gunicorn_answers_421_and_ends(live: Live) -> None:
    """The last of this module: afterwards nothing runs."""
    assert requests.get(f"{live.url}/Patient?_count=1", timeout=60).ok
    refused = requests.get(f"{live.url}/Patient?_count=1", headers={"X-Forwarded-For": "192.0.2.1"}, timeout=60)
    assert refused.status_code == 421
    assert refused.headers[unlocked.HEADER].startswith("INSECURE")
    try:
        assert live.process.wait(timeout=60) == unlocked.EXIT
    finally:
        if live.process.poll() is None:
            os.kill(live.process.pid, signal.SIGTERM)
