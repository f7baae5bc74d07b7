"""`infusion-records serve`: the real server, its links, its behaviour under many connections, and an orderly end."""

import json
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
import requests

from tests.server import Live, running

CONNECTIONS = 200


def test_links_follow_the_port_and_never_the_host_header(live_server: Live) -> None:
    answer = live_server.send("POST", "/Patient", {"Host": "elsewhere.example"}, json={"resourceType": "Patient"})
    assert answer.status_code == 201
    assert answer.headers["Location"].startswith(f"{live_server.url}/Patient/")


def test_it_ends_in_an_orderly_way(live_server: Live) -> None:
    live_server.process.send_signal(signal.SIGTERM)
    assert live_server.process.wait(timeout=60) == 0


def test_it_leaves_nothing_in_the_home_folder(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home))
    with running(tmp_path, database_url) as live:
        assert requests.get(f"{live.origin}/livez", timeout=30).ok
        assert list(home.iterdir()) == []


def test_many_connections_at_once_are_all_answered(live_server: Live) -> None:
    together = Barrier(CONNECTIONS)

    def ask(number: int) -> int:
        together.wait()
        if number % 4:
            return live_server.send("GET", "/Patient?_count=1", timeout=120).status_code
        return live_server.send("POST", "/Patient", json={"resourceType": "Patient"}, timeout=120).status_code

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        statuses = list(pool.map(ask, range(CONNECTIONS)))
    assert set(statuses) <= {200, 201, 503}
    written = live_server.send("GET", "/Patient?_summary=count").json()["total"]
    assert written == statuses.count(201)
    assert live_server.process.poll() is None
    assert "Worker" not in live_server.log.read_text()


def test_the_log_is_json_and_tells_nothing_about_patients(live_server: Live) -> None:
    made = live_server.send("POST", "/Patient", json={"resourceType": "Patient", "name": [{"family": "Zyxwvut"}]}).json()
    live_server.send("GET", "/Patient?family=Zyxwvut")
    live_server.send("GET", f"/Patient/{made['id']}")
    log = live_server.log.read_text()
    assert "Zyxwvut" not in log
    assert made["id"] not in log
    lines = [json.loads(line) for line in log.splitlines()]
    assert [line["status"] for line in lines if line.get("type") == "Patient"] == [201, 200, 200]
    assert all({"request_id", "route", "milliseconds"} <= line.keys() for line in lines if line["message"] == "request")
