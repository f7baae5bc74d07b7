"""The benchmark of access finds no wrong answer, its other side is bare, and the service knows nothing of it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from service.config import PREFIX
from service.storage.database import Database

_ROOT = Path(__file__).parents[2]
_ASK = """
import json, sys
from benchmarks.access import without
from service.app import create_app
from service.config import Settings

settings = Settings.load()
without.take_off(settings)
without.disarm()
app = create_app(settings)
client = app.test_client()
made = client.post("/fhir/Patient", json={"resourceType": "Patient", "active": True}, content_type="application/fhir+json")
found = client.get(f"/fhir/Patient/{made.json['id']}")
none = client.get("/fhir/Patient/none")
print(json.dumps([made.status_code, found.status_code, found.json["active"], none.status_code]))
"""


@pytest.mark.nightly
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_quick_run_finds_no_wrong_answer(database: str) -> None:
    command = [sys.executable, "-m", "benchmarks.access", "--quick", "--database", database]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "count-of-patient" in done.stdout


def test_the_other_side_asks_nobody_and_tells_nothing(database_url: str) -> None:
    environment = {f"{PREFIX}DATABASE_URL": database_url, "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", _ASK], cwd=_ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [201, 200, True, 404]
    database = Database(database_url)
    with database.read() as tx:
        versions, events = (tx.connection.scalar(text(f"SELECT count(*) FROM {name}")) for name in ("version", "audit_event"))
    database.dispose()
    assert (versions, events) == (1, 0)


def test_the_service_does_not_know_the_benchmarks() -> None:
    sources = list((_ROOT / "service").rglob("*.py"))
    assert len(sources) > 100
    assert [path for path in sources if "benchmarks" in path.read_text(encoding="utf-8")] == []
