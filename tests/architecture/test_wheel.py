"""The wheel carries everything: installed alone in an empty folder, it runs the demonstration clinic from there."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import requests

from tests import server

ROOT = Path(__file__).parents[2]
PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]


def _installed(folder: Path) -> Path:
    """The bin folder of an environment that has our wheel, and the locked dependencies but not this checkout."""
    subprocess.run([*PIP, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT], check=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    programs = folder / "venv/bin"
    subprocess.run([*PIP, "--python", programs / "python", "install", "--no-deps", "--no-index", next(folder.glob("*.whl"))], check=True)
    site = next((folder / "venv").glob("lib/python*/site-packages"))
    # a path that comes from a .pth file does not have its own .pth files read, so the editable checkout stays out
    (site / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return programs


def test_the_wheel_runs_the_demonstration_from_an_empty_folder(tmp_path: Path) -> None:
    programs = _installed(tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    where = subprocess.run(
        [programs / "python", "-c", "import service; print(service.__file__)"], cwd=empty, capture_output=True, text=True, check=True
    )
    assert str(programs.parent) in where.stdout
    with server.started(empty, [programs / "infusion-records", "demo"], {}) as live:
        assert (empty / "var/infusion-records.db").exists()
        assert live.send("GET", "/Patient?_summary=count").json()["total"] >= 12
        assert requests.get(f"{live.url}/metadata", timeout=30).json()["fhirVersion"] == "4.0.1"
        assert requests.get(f"{live.origin}/openapi.yaml", timeout=30).text.startswith("openapi:")
        for page in ("/fhir/Patient", "/docs"):
            answer = requests.get(f"{live.origin}{page}", headers={**live.headers, "Accept": "text/html"}, timeout=30)
            assert answer.ok
            assert answer.headers["Content-Type"].startswith("text/html")
