"""`make conformance FILES="…"`: what HAPI says of files or folders, as one JSON object a line."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from tools.conformance import validator


def report(paths: Iterable[str]) -> int:
    """Prints the messages and, at the end, how many errors and warnings there are; returns how many errors."""
    files = [file for path in paths for file in _files(Path(path))]
    messages = validator.validate(files, validator.shipped())
    for message in messages:
        print(json.dumps(asdict(message), ensure_ascii=False))
    errors = sum(message.is_error for message in messages)
    warnings = sum(message.severity == "warning" for message in messages)
    print(f"{len(files)} files, {errors} errors, {warnings} warnings")
    return errors


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(path.rglob("*.json"))
    if not path.is_file():
        raise SystemExit(f"{path} is no file and no folder")
    return [path]
