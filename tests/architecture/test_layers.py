"""The picture in service/README.md is the contract in pyproject.toml, and the code keeps every contract."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^(?:[A-Z]+)?\s+(?P<names>[a-z]+(?: \| [a-z]+)*)(?:\s{2,}.*)?$")


def _diagram() -> list[set[str]]:
    picture = (ROOT / "service/README.md").read_text().split("```")[1]
    rows = [ROW.match(line) for line in picture.splitlines() if line.strip()]
    assert all(rows), "a line of the picture is not a row of modules"
    return [set(row["names"].split(" | ")) for row in rows if row]


def _contract() -> list[set[str]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = next(contract["layers"] for contract in settings["contracts"] if contract["type"] == "layers")
    return [{name.strip(" ()") for name in layer.split("|")} for layer in layers]


def test_the_picture_shows_the_contract() -> None:
    assert _diagram() == _contract()


def test_the_code_keeps_every_contract() -> None:
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    verdict = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert verdict.returncode == 0, verdict.stdout
