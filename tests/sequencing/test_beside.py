"""A worker beside something else that runs in the same program, as the demonstration has one."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from service.audit.checkpoint import Signer
from service.audit.sequencer import LEASE
from service.storage import leases
from service.storage.database import Database
from service.storage.tables.audit import audit_event
from tests.sequencing.trails import require_sound

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
from service.cli.worker import beside
from service.config import Settings

with beside(Settings(database_url=sys.argv[1], base_url="https://clinic.example/fhir")):
    print("here", flush=True)
    sys.stdin.readline()
"""
PATIENCE = 60.0


def _live(database: Database) -> bool:
    with database.glance() as tx:
        lease = leases.find(tx, LEASE)
    return lease is not None and lease.is_live


@pytest.mark.parametrize("is_killed", [False, True])
def test_it_works_while_the_other_runs_and_ends_with_it(database: Database, tmp_path: Path, is_killed: bool) -> None:
    url = database.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", PROGRAM, url]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert any(line == "here\n" for line in process.stdout)
        assert _live(database)
        if is_killed:
            process.send_signal(signal.SIGKILL)
        else:
            process.communicate("\n", timeout=PATIENCE)
    deadline = time.monotonic() + PATIENCE
    while _live(database) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert process.returncode == (-signal.SIGKILL if is_killed else 0)
    _require_ended(database, tmp_path)


def _require_ended(database: Database, folder: Path) -> None:
    """The worker has told of its stop and signed it, with the key that lies beside the database."""
    file = Path(database.url.database or "").parent if database.dialect == "sqlite" else folder / "var"
    assert stat.S_IMODE((file / "audit-key").stat().st_mode) == 0o600
    signer = Signer.parse((file / "audit-key").read_text().strip())
    assert signer.name == "clinic.example/audit"
    with database.read() as tx:
        told = list(tx.connection.scalars(select(audit_event.c.interaction).order_by(audit_event.c.serial)))
    assert (told[0], told[-1]) == ("110120", "110121")
    assert require_sound(database, (signer,)) == (file / "audit-checkpoints.txt").read_text().count("\n— ")
