"""`make conformance`: our definitions and examples before HAPI.

Definitions and valid examples have no error; every invalid example has one.
"""

from collections import defaultdict
from pathlib import Path

from tools.conformance import validator
from tools.conformance.validator import CLINIC, ROOT, Message

EXAMPLES = ROOT / "fhir_profiles" / "examples"
VISIT = ROOT / "tests" / "data" / "example-visit.json"


def report() -> int:
    """Prints what is wrong and a line of figures per section; returns how many files are not as they should be."""
    definitions, valid, invalid = sorted(CLINIC.glob("*.json")), _examples("valid"), _examples("invalid")
    said = _by_file(validator.validate([*definitions, *valid, *invalid, VISIT], validator.shipped()))
    return (
        _without_errors("definitions of the clinic", definitions, said)
        + _without_errors("valid examples", valid, said)
        + _with_errors("invalid examples", invalid, said)
        + _without_errors("the example visit", [VISIT], said)
    )


def _examples(kind: str) -> list[Path]:
    return sorted((EXAMPLES / kind).glob("*.json"))


def _by_file(messages: list[Message]) -> dict[str, list[Message]]:
    grouped: dict[str, list[Message]] = defaultdict(list)
    for message in messages:
        grouped[message.file].append(message)
    return grouped


def _without_errors(title: str, files: list[Path], said: dict[str, list[Message]]) -> int:
    wrong = {file: [message for message in said[str(file)] if message.is_error] for file in files}
    for file, errors in wrong.items():
        for error in errors:
            print(f"  {file.name}: {error.expression}: {error.text} [{error.message}]")
    bad = sum(1 for errors in wrong.values() if errors)
    print(f"{title}: {len(files)} files, {len(files) - bad} without errors, {sum(map(len, wrong.values()))} errors")
    return bad


def _with_errors(title: str, files: list[Path], said: dict[str, list[Message]]) -> int:
    missed = [file for file in files if not any(message.is_error for message in said[str(file)])]
    for file in missed:
        print(f"  {file.name}: no error found")
    print(f"{title}: {len(files)} files, {len(files) - len(missed)} refused, {len(missed)} let through")
    return len(missed)
