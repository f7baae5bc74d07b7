"""The Bundles of the demonstration clinic as files for HAPI, each resource claiming its profiles."""

from pathlib import Path
from typing import Any

from service.demo.clinic import bundles
from tests.corpus.case import text
from tools.conformance.validator import BUILT

FOLDER = BUILT / "demonstration"


def write() -> list[Path]:
    """Writes them. References by condition become ordinary ones of the same type: HAPI takes a URL inside a condition for the target."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, bundle in enumerate(bundles()):
        path = FOLDER / f"{number:02}.json"
        path.write_text(text(_found(bundle)), encoding="utf-8")
        paths.append(path)
    return paths


def _found(tree: Any) -> Any:
    if isinstance(tree, list):
        return [_found(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    return {name: _reference(value) if name == "reference" and isinstance(value, str) else _found(value) for name, value in tree.items()}


def _reference(value: str) -> str:
    name, condition, _ = value.partition("?")
    return f"{name}/found" if condition else value
