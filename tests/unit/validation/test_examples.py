"""Real resources pass: the example visit, and the instances of FHIR packages where a folder of them is at hand.

`EXAMPLE_PACKAGES` names a folder of `.tgz` FHIR packages. Without it those tests are skipped.
"""

import io
import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.fhir.definitions import load
from service.fhir.document import Limits, decode
from service.validation.check import Gate

GATE = Gate(load())
VISIT = Path(__file__).resolve().parents[2] / "data" / "example-visit.json"
FOLDER = os.environ.get("EXAMPLE_PACKAGES", "")
PACKAGES = sorted(Path(FOLDER).glob("*.tgz")) if FOLDER else []

INVALID = {
    "validation-oo.json": "OperationOutcomes without issues",
}


def test_the_example_visit_passes() -> None:
    tree = decode(VISIT.read_bytes(), Limits()).tree
    assert len(tree["entry"]) == 106
    assert GATE.check(tree, "Bundle") == []
    for entry in tree["entry"]:
        assert GATE.check(entry["resource"], entry["request"]["url"].split("?")[0].split("/")[0]) == []


def instances(package: Path) -> Iterator[tuple[str, bytes]]:
    """The resources of a package by file name."""
    with tarfile.open(fileobj=io.BytesIO(package.read_bytes()), mode="r:gz") as tar:
        for member in tar:
            handle = tar.extractfile(member) if member.name.endswith(".json") else None
            raw = handle.read() if handle else b"{}"
            if b'"resourceType"' in raw and "resourceType" in json.loads(raw):
                yield Path(member.name).name, raw


@pytest.mark.skipif(not PACKAGES, reason="EXAMPLE_PACKAGES names no folder of FHIR packages: 0 of them were checked")
@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_every_instance_of_a_package_passes(package: Path) -> None:
    refused: dict[str, Any] = {}
    for name, raw in instances(package):
        errors = [issue for issue in GATE.check(decode(raw, Limits()).tree) if issue.severity == "error"]
        if errors and name not in INVALID:
            refused[name] = errors
    assert refused == {}
