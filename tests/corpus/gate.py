"""A gate that knows the definitions of the corpus: they are loaded as an operator loads a package."""

import io
import json
import tarfile
from pathlib import Path

from service.fhir import definitions, library
from service.validation.check import Gate
from service.validation.profile.hold import Holder
from tests.corpus.case import DEFINITIONS

MANIFEST = {"name": "corpus.example", "version": "1.0.0", "fhirVersions": ["4.0.1"]}


def gate(folder: Path) -> Gate:
    """The gate of the service, with the corpus as a package in `folder`."""
    pack(folder / "corpus.tgz")
    known = definitions.load()
    return Gate(known, Holder(known, library.load(packages=folder)))


def pack(path: Path) -> None:
    """Writes the definitions of the corpus as a FHIR NPM package."""
    with tarfile.open(path, "w:gz") as archive:
        _add(archive, "package.json", json.dumps(MANIFEST).encode())
        for file in sorted(DEFINITIONS.glob("*.json")):
            _add(archive, file.name, file.read_bytes())


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(f"package/{name}")
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))
