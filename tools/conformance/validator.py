"""HAPI's validator in one Java process: files in, messages out.

`make conformance` has built it before. Definitions are R4's (in the jar), US Core 6.1.0 as committed, and the clinic's.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "build" / "conformance"
PACKAGE = ROOT / "dist" / "clinic.example.ketamine-infusion-1.0.0.tgz"
MEMORY = "-Xmx1500m"
US_CORE = ROOT / "fhir_profiles" / "us-core" / "6.1.0.ndjson"
CLINIC = ROOT / "fhir_profiles" / "clinic"
CORPUS = ROOT / "tests" / "corpus" / "definitions"


@dataclass(frozen=True, slots=True)
class Message:
    """One thing that HAPI says of a file. `message` is its message id, or the key of an invariant after a `#`."""

    file: str
    severity: str
    expression: str
    message: str
    text: str

    @property
    def is_error(self) -> bool:
        """Whether it refuses the file."""
        return self.severity in {"error", "fatal"}


def shipped() -> tuple[Path, ...]:
    """The definitions of the repository as they are written."""
    return US_CORE, CLINIC, CORPUS


def packed() -> tuple[Path, ...]:
    """The same, the clinic's as the package that `make package` has written, with its snapshots."""
    return US_CORE, PACKAGE, CORPUS


def validate(files: Iterable[Path], definitions: Sequence[Path]) -> list[Message]:
    """What HAPI says of the files, held to R4, to their `meta.profile` and to what their elements' definitions ask."""
    java = shutil.which("java")
    if not java:
        raise SystemExit("`java` (17 or newer) is not installed")
    jars = (BUILT / "classpath.txt").read_text(encoding="utf-8").strip()
    command = [java, MEMORY, "-cp", f"{BUILT / 'classes'}:{jars}", "conformance.Main", *map(str, definitions)]
    paths = "".join(f"{path}\n" for path in files)
    done = subprocess.run(command, input=paths, text=True, encoding="utf-8", capture_output=True, check=False)
    if done.returncode:
        sys.stderr.write(done.stderr)
        raise SystemExit("HAPI's validator stopped; see above")
    return [_message(json.loads(line)) for line in done.stdout.splitlines()]


def _message(row: dict[str, str]) -> Message:
    return Message(row["file"], row["severity"], row.get("expression", ""), row.get("message", ""), row.get("text", ""))
