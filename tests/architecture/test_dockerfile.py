"""The Dockerfile copies what is there, installs what is locked, runs without rights and says whether it is well.

No container engine is at hand: the install lines of the build stage run here, with its folders moved into an empty one.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
STAGE = re.compile(r"^FROM (?P<image>\S+)(?: AS (?P<name>\w+))?$", re.MULTILINE)


def _lines() -> list[str]:
    """The instructions, each on one line, without comments."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    return [re.sub(r"\s+", " ", line).strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _stage(number: int) -> list[str]:
    starts = [index for index, line in enumerate(_lines()) if line.startswith("FROM ")]
    return _lines()[starts[number] : [*starts, None][number + 1]]


def _copies(stage: list[str]) -> list[tuple[list[str], str]]:
    copied = [line.removeprefix("COPY ").split() for line in stage if line.startswith("COPY ") and "--from" not in line]
    return [(words[:-1], words[-1]) for words in copied]


def test_every_copied_source_exists_and_is_in_the_build_context() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    sources = {source for names, _ in _copies(_stage(0)) for source in names}
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert sources == allowed


def test_both_stages_have_the_same_base_by_tag_with_a_digest_to_give() -> None:
    images = {stage["image"] for stage in STAGE.finditer("\n".join(_lines()))}
    assert images == {"python:${BASE_TAG}${BASE_DIGEST}"}
    assert "ARG BASE_TAG=3.11-slim-bookworm" in _lines()
    assert 'ARG BASE_DIGEST=""' in _lines()


def test_it_runs_as_a_user_without_rights() -> None:
    users = [line.split()[1] for line in _stage(1) if line.startswith("USER ")]
    assert users == ["10001:10001"]
    assert not any(line.startswith(("RUN ", "COPY ")) for line in _stage(1)[_stage(1).index("USER 10001:10001") :])


def test_it_asks_the_service_whether_it_is_ready() -> None:
    check = next(line for line in _stage(1) if line.startswith("HEALTHCHECK "))
    assert "/readyz" in check


def test_the_install_lines_work_in_an_empty_folder(tmp_path: Path) -> None:
    build = tmp_path / "build"
    build.mkdir()
    for line in _stage(0):
        if line.startswith("COPY "):
            _copy(line, build)
        if line.startswith("RUN "):
            command = line.removeprefix("RUN ").replace("/opt/", f"{tmp_path}/opt/")
            command = command.replace("python -m venv", f"{sys.executable} -m venv").replace("--no-cache-dir ", "")
            done = subprocess.run(["bash", "-euc", command], cwd=build, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
    program = tmp_path / "opt/venv/bin/infusion-records"
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert "infusion-records" in shown.stdout


def _copy(line: str, build: Path) -> None:
    for sources, target in _copies([line]):
        for source in sources:
            destination = build / source if target == "./" else build / target
            destination.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, destination, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copyfile(ROOT / source, destination)
