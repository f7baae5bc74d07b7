"""The lines of the page about the audit log that verify an export by hand do so."""

import re
import subprocess
from pathlib import Path

import pytest

from service.records.context import Service
from tests.sequencing.real import exported, lived

PAGE = Path(__file__).parents[2] / "docs/audit-log.md"
BLOCK = re.compile(r"<!-- walk-through -->\n```sh\n(.*?)```", re.DOTALL)


@pytest.fixture
def folder(service: Service, tmp_path: Path) -> Path:
    """An export."""
    lived(service, 1)
    exported(service, tmp_path / "trail")
    return tmp_path / "trail"


def _run(folder: Path) -> tuple[list[str], "subprocess.CompletedProcess[str]"]:
    roots, signature = BLOCK.findall(PAGE.read_text())
    hashed = subprocess.run(["bash", "-eu", "-c", roots], cwd=folder, capture_output=True, text=True, check=True)
    verified = subprocess.run(["bash", "-eu", "-c", signature], cwd=folder, capture_output=True, text=True, check=False)
    return [line.rpartition(" ")[2] for line in hashed.stdout.splitlines()], verified


def test_an_export_is_verified_by_hand(folder: Path) -> None:
    (computed, signed), verified = _run(folder)
    assert computed == signed
    assert len(signed) == 64
    assert (verified.returncode, verified.stdout.strip()) == (0, "Signature Verified Successfully")


def test_a_changed_export_is_noticed_by_hand(folder: Path) -> None:
    entries, points = folder / "entries.ndjson", folder / "checkpoints.txt"
    entries.write_text(entries.read_text().replace('"body":"', '"body":"AAAA', 1))
    points.write_text(re.sub(r"\n(\d+)\n", r"\n0\1\n", points.read_text(), count=1))
    (computed, signed), verified = _run(folder)
    assert computed != signed
    assert verified.returncode != 0
