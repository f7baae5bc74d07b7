"""`make conformance`: definitions, examples and the corpus before HAPI, in one run.

Definitions and valid examples have no error. Every invalid example is refused where the gate refuses it, and warned about where the
gate warns.
"""

import json
import shutil
import tarfile
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

from service.fhir import definitions, library
from service.validation.check import Gate
from service.validation.profile.hold import Holder
from tools.conformance import corpus, demonstration, validator
from tools.conformance.validator import BUILT, CLINIC, CORPUS, PACKAGE, ROOT, Message
from tools.conformance.wording import rules

EXAMPLES = ROOT / "fhir_profiles" / "examples"
VISIT = ROOT / "tests" / "data" / "example-visit.json"
Said = dict[str, list[Message]]


def report() -> int:
    """Prints what is wrong and a line of figures per section; returns how many files are not as they should be."""
    clean = {
        "the package of the guide": _unpacked(PACKAGE),
        "definitions of the clinic": _files(CLINIC),
        "valid examples": _files(EXAMPLES / "valid"),
        "the example visit": [VISIT],
        "Bundles of the demonstration": demonstration.write(),
        "definitions of the corpus": _files(CORPUS),
    }
    invalid, written = _files(EXAMPLES / "invalid"), corpus.write()
    every = [file for files in clean.values() for file in files] + invalid + written
    said = _by_file(validator.validate(every, validator.packed()))
    bad = sum(_without_errors(title, files, said) for title, files in clean.items())
    return bad + _invalid(invalid, said) + corpus.report(said)


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"))


def _unpacked(package: Path) -> list[Path]:
    """The resources of a package, each in a file."""
    folder = BUILT / "package"
    shutil.rmtree(folder, ignore_errors=True)
    with tarfile.open(package) as archive:
        archive.extractall(folder, filter="data")
    return sorted(path for path in (folder / "package").glob("[A-Z]*.json"))


def _by_file(messages: list[Message]) -> Said:
    grouped: Said = defaultdict(list)
    for message in messages:
        grouped[message.file].append(message)
    return grouped


def _without_errors(title: str, files: list[Path], said: Said) -> int:
    wrong = {file: [message for message in said[str(file)] if message.is_error] for file in files}
    for file, errors in wrong.items():
        for error in errors:
            print(f"  {file.name}: {error.expression}: {error.text} [{error.message}]")
    bad = sum(1 for errors in wrong.values() if errors)
    print(f"{title}: {len(files)} files, {len(files) - bad} without errors, {sum(map(len, wrong.values()))} errors")
    return bad


def _invalid(files: list[Path], said: Said) -> int:
    known = definitions.load()
    gate = Gate(known, Holder(known, library.load()))
    missed = []
    refused = same = 0
    for file in files:
        tree = json.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
        ours = {issue.severity for issue in gate.check(tree)}
        refused += "error" in ours
        theirs = {"error" if message.is_error else message.severity for message in said[str(file)]}
        same += any(file.stem.split("--")[1] in rules(message) for message in said[str(file)])
        if not theirs & ({"error"} if "error" in ours else {"error", "warning"}):
            missed.append(file)
    for file in missed:
        print(f"  {file.name}: HAPI finds nothing")
    print(f"invalid examples: {len(files)} files, {refused} that the gate refuses, the others with a warning")
    print(f"  HAPI misses {len(missed)}, and names the same rule in {same}")
    return 0
