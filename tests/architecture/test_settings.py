"""The README's table of settings says what `Settings` has, default for default."""

import dataclasses
import re
from pathlib import Path

from service.config import PREFIX, Settings

ROW = re.compile(r"^\| `(?P<name>[A-Z_]+)` \| (?P<default>[^|]*) \| (?P<meaning>[^|]+) \|$", re.MULTILINE)
README = Path(__file__).parents[2] / "README.md"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return str(value).replace(" ", "") or "(empty)"


def test_every_setting_is_documented_with_its_default() -> None:
    documented = {row["name"]: row["default"].strip().strip("`").replace(" ", "") for row in ROW.finditer(README.read_text())}
    defaults = {field.name.upper(): _shown(field.default) for field in dataclasses.fields(Settings)}
    assert documented == defaults


def test_every_setting_is_explained() -> None:
    assert all(len(row["meaning"]) > 15 for row in ROW.finditer(README.read_text()))
    assert PREFIX in README.read_text()
