"""The README's curl lines, one by one, against the demonstration clinic."""

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from tests.databases import KINDS, Databases
from tests.server import PROGRAM, Live, started

_README = Path(__file__).parent.parent.parent / "README.md"
_BASE = "http://127.0.0.1:8080/fhir"
_MAY_BE_EMPTY = "ge2999"


def _lines() -> list[tuple[int, str]]:
    """(expected status, curl line): the comment above a line begins with the status unless it is 200."""
    text = _README.read_text(encoding="utf-8")
    section = text[text.index("<!-- walkthrough -->") : text.index("<!-- /walkthrough -->")]
    found, status = [], 200
    for line in section.splitlines():
        if line.startswith("# "):
            named = re.match(r"# (\d{3})\b", line)
            status = int(named[1]) if named else 200
        elif line.startswith("curl "):
            found.append((status, line))
    return found


@pytest.fixture(scope="module", params=KINDS)
def demo(request: pytest.FixtureRequest, databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """`infusion-records demo` on a database without tables."""
    folder = tmp_path_factory.mktemp("demo")
    with ExitStack() as stack:
        url = stack.enter_context(databases.fresh(request.param, migrated=False))
        yield stack.enter_context(started(folder, [PROGRAM, "demo"], {"INFUSION_RECORDS_DATABASE_URL": url}))


def test_every_line_answers_as_the_readme_says(demo: Live) -> None:
    """The status above the line or 200; a resource, a table, or nothing where something was made; something in every search."""
    lines = _lines()
    assert len(lines) >= 15
    for status, line in lines:
        got, body = _run(line.replace(_BASE, demo.url), demo.log.parent)
        assert got == status, (line, got, body[:2000])
        if status in (201, 202) and not body:
            continue
        if "_format=csv" in line:
            assert len(body.splitlines()) > 10, body
            continue
        tree = json.loads(body)
        if tree["resourceType"] == "Bundle" and _MAY_BE_EMPTY not in line:
            assert tree["entry"], line


def test_the_demo_prints_lines_that_work(demo: Live) -> None:
    """The curl lines of the start-up text: one with its token, five that take it from a file."""
    lines = [line for line in demo.log.read_text().splitlines() if line.startswith("curl ")]
    assert len(lines) == 6
    for line in lines:
        status, body = _run(line, demo.log.parent)
        assert status == 200, (line, body)
        assert json.loads(body)["entry"], line


def test_the_demo_is_the_clinic_of_a_day(demo: Live) -> None:
    """Thirteen patients, twelve appointments, one of them missed; the sums of the ledger agree."""
    assert _total(demo, "Patient") == 13
    assert _total(demo, "Appointment") == 12
    assert _total(demo, "Appointment?status=noshow") == 1
    assert _total(demo, "Encounter?status=cancelled") == 1
    assert _total(demo, "AdverseEvent?date=2026-11-17") == 7


def _total(demo: Live, query: str) -> int:
    total: int = demo.send("GET", f"/{query}{'&' if '?' in query else '?'}_summary=count").json()["total"]
    return total


def _run(line: str, folder: Path) -> tuple[int, str]:
    """Status and body of a curl line, run in `folder`: by curl itself where it is installed, else as a request of the same content."""
    words = shlex.split(line)
    assert any(word.startswith(("@var/demo/", "Authorization: ")) for word in words), "every line says who asks"
    if shutil.which("curl"):
        command = [*words, "-w", "\n%{http_code}"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=True)
        answer, _, status = done.stdout.rpartition("\n")
        body = answer.partition("\n\n")[2] if "-i" in words else answer
        return int(status), body
    given = [words[place + 1] for place, word in enumerate(words) if word == "-H"]
    headers = dict(_read(one, folder).split(": ", 1) for one in given)
    data = next((_read(words[place + 1], folder) for place, word in enumerate(words) if word == "-d"), None)
    got = requests.request("POST" if data else "GET", words[-1], data=data.encode() if data else None, headers=headers, timeout=60)
    return got.status_code, got.text


def _read(word: str, folder: Path) -> str:
    """What a word of curl says, or the file that it names."""
    return (folder / word[1:]).read_text().strip() if word.startswith("@") else word
