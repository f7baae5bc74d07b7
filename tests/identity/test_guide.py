"""What docs/access.md tells a client to do works as it stands there."""

import re
import runpy
from pathlib import Path

import pytest

from service import wiring
from service.config import Settings
from service.records import clients
from service.records.clients import Registration
from tests.databases import Databases
from tests.server import running

GUIDE = Path(__file__).parents[2] / "docs/access.md"


def _programs() -> list[str]:
    return re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)


def test_the_programs_of_the_guide_work(
    databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    makes_keys, asks = _programs()
    monkeypatch.chdir(tmp_path)
    with databases.fresh("sqlite") as url:
        _run(tmp_path, makes_keys)
        service = wiring.service(Settings(database_url=url, cursor_key="c" * 32, rate_limit=0, rate_limit_tokens=0, rate_limit_sign_in=0))
        clients.register(service, Registration("east-hospital", role="ehr", jwks=Path("east-hospital.jwks").read_bytes()))
        service.database.dispose()
        with running(tmp_path, url) as live:
            assert asks.count("http://127.0.0.1:8080") == 1
            _run(tmp_path, asks.replace("http://127.0.0.1:8080", live.origin))
    assert capsys.readouterr().out == "Bundle 0\n"


def _run(folder: Path, program: str) -> None:
    path = folder / "program.py"
    path.write_text(program)
    runpy.run_path(str(path))
