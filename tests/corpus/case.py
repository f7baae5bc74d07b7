"""The corpus: resources of our own making with the one thing that is wrong with each.

`resources/<name>.json` are valid resources. `cases/<area>.json` lists edits of them, one case a line:

- `id`: unique in the corpus; `of`: the resource that is edited;
- `edit`: pairs of a JSON Pointer and a new value (`/-` at the end appends), or a pointer alone, whose target is removed;
- `profile`: what the case claims, beside what the resource claims itself; one or several;
- `error` or `warning`: the one rule that fails (docs/validation.md); neither: the case is valid, without a warning;
- `at`: the element that the issue names.

The outcomes are those of the specification. `definitions/` holds the profiles that were made for the corpus.
"""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
DEFINITIONS = FOLDER / "definitions"
BASE = "https://corpus.example/fhir/StructureDefinition/"
"""Where the profiles of the corpus live: a case names them by the last part of their URL."""
SHORT = {"r4:": "http://hl7.org/fhir/StructureDefinition/", "uscore:": "http://hl7.org/fhir/us/core/StructureDefinition/"}


@dataclass(frozen=True, slots=True)
class Case:
    """One resource and what is wrong with it."""

    id: str
    area: str
    tree: dict[str, Any]
    error: str | None
    warning: str | None
    at: str | None

    @property
    def is_valid(self) -> bool:
        """Whether the resource may be stored."""
        return self.error is None


def cases() -> list[Case]:
    """All of them, by area. Raises ValueError when a row is wrong."""
    found = [case for path in sorted((FOLDER / "cases").glob("*.json")) for case in _cases(path)]
    if len({case.id for case in found}) < len(found):
        raise ValueError("two cases have the same id")
    return found


def _cases(path: Path) -> Iterator[Case]:
    for row in json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal):
        unknown = set(row) - {"id", "of", "edit", "profile", "error", "warning", "at", "because"}
        if unknown or ("at" in row) < ("error" in row) + ("warning" in row):
            raise ValueError(f"{path.name}, {row.get('id')}: {unknown or 'an issue has a place'}")
        yield Case(row["id"], path.stem, _tree(row), row.get("error"), row.get("warning"), row.get("at"))


def _tree(row: dict[str, Any]) -> dict[str, Any]:
    text = (FOLDER / "resources" / f"{row['of']}.json").read_text(encoding="utf-8")
    tree: dict[str, Any] = json.loads(text, parse_float=Decimal)
    for edit in row.get("edit", []):
        _apply(tree, *edit)
    claimed = row.get("profile", [])
    if claimed:
        tree.setdefault("meta", {}).setdefault("profile", []).extend(map(_url, [claimed] if isinstance(claimed, str) else claimed))
    return tree


def _url(name: str) -> str:
    for prefix, base in SHORT.items():
        if name.startswith(prefix):
            return base + name.removeprefix(prefix)
    return name if "://" in name else BASE + name


_REMOVE = object()


def _apply(tree: dict[str, Any], pointer: str, value: Any = _REMOVE) -> None:
    *way, last = pointer.removeprefix("/").split("/")
    target: Any = tree
    for step in way:
        target = target[int(step)] if isinstance(target, list) else target.setdefault(step, {})
    if value is _REMOVE:
        del target[int(last) if isinstance(target, list) else last]
    elif not isinstance(target, list):
        target[last] = deepcopy(value)
    elif last == "-":
        target.append(deepcopy(value))
    else:
        target[int(last)] = deepcopy(value)


def text(tree: Any) -> str:
    """A tree as JSON, each number with the digits it was written with."""
    if isinstance(tree, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{text(value)}" for name, value in tree.items()) + "}"
    if isinstance(tree, list):
        return "[" + ",".join(map(text, tree)) + "]"
    return str(tree) if isinstance(tree, Decimal) else json.dumps(tree, ensure_ascii=False)
