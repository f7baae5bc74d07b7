"""Every example of the packages in the folder EXAMPLE_PACKAGES goes in and comes back as it was. Skipped, with a count, without it."""

import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.fhir import definitions
from service.fhir.document import Document, Limits, decode
from tests.databases import KINDS, Databases
from tests.server import running
from tests.stories.client import Client
from tests.stories.visit import address, tokens

_FOLDER = os.environ.get("EXAMPLE_PACKAGES", "")
_PACKAGES = sorted(Path(_FOLDER).glob("*.tgz")) if _FOLDER else []
REFUSED = {
    (
        "hl7.fhir.us.core-3.1.1",
        "Bundle-66c8856b-ba11-4876-8aa8-467aad8c11a2.json",
    ): "by 6.1.0 its NPI is none",
    ("hl7.fhir.us.core-3.1.1", "Observation-some-day-smoker.json"): "6.1.0 asks when it was observed",
}
"""Examples that claim profiles without a version, and break them in the version that the service came with."""
_WRITABLE = {name for name, type in definitions.load().types.items() if "create" in type.interactions}


def _examples(package: Path) -> Iterator[tuple[str, Document]]:
    """The resources of a package of types that can be written, by file name."""
    with tarfile.open(package) as archive:
        for member in archive:
            parts = Path(member.name).parts
            if not member.isfile() or not member.name.endswith(".json") or parts[-1] in ("package.json", ".index.json"):
                continue
            content = archive.extractfile(member)
            assert content is not None
            raw = content.read()
            found = json.loads(raw)
            if isinstance(found, dict) and found.get("resourceType") in _WRITABLE:
                yield member.name, decode(raw, Limits())


@pytest.mark.skipif(not _PACKAGES, reason="EXAMPLE_PACKAGES names no folder of packages: 0 packages read")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("package", _PACKAGES, ids=lambda path: path.stem)
def test_examples_come_back_as_they_went_in(databases: Databases, tmp_path: Path, kind: str, package: Path) -> None:
    """Posted with references unchecked; identical but for id and meta."""
    refused, changed, count = [], [], 0
    with (
        databases.fresh(kind) as url,
        running(tmp_path, url, check_references=False, packages=_FOLDER) as live,
        Client.of(live.url, live.token) as client,
    ):
        for name, resource in _examples(package):
            count += 1
            answer = client.send("POST", resource.tree["resourceType"], resource.text.encode())
            if answer.status != 201:
                refused.append((name, [issue["diagnostics"] for issue in answer.tree["issue"]]))
                continue
            stored = client.get(address(answer.headers["Location"])).document
            if stored is None or tokens(stored, {}) != tokens(resource, {}):
                changed.append(name)
    expected = {name for of, name in REFUSED if of == package.stem}
    refused = [(name, why) for name, why in refused if Path(name).name not in expected]
    print(f"{package.name}: {count} resources, {len(refused)} refused, {len(changed)} changed")
    assert not refused
    assert not changed
