"""The guide as a FHIR NPM package: definitions with snapshots, and examples. The same input gives the same bytes.

https://hl7.org/fhir/R4/packages.html, https://confluence.hl7.org/display/FHIR/NPM+Package+Specification
"""

import gzip
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from scripts.guide import contents
from scripts.guide.source import Source, Tree
from service.fhir.document import encode
from service.fhir.guide import BASE, ID

NAME = f"{ID}-{contents.VERSION}.tgz"
_INDEXED = ("resourceType", "id", "url", "version", "kind", "type", "derivation")


def manifest() -> dict[str, Any]:
    """`package.json`."""
    return {
        "name": ID,
        "version": contents.VERSION,
        "type": "IG",
        "canonical": BASE,
        "title": "Ketamine infusion records",
        "description": "Profiles, extensions, terminology, searches and operations of ketamine infusion records.",
        "fhirVersions": ["4.0.1"],
        "dependencies": {"hl7.fhir.r4.core": "4.0.1", contents.US_CORE[0]: contents.US_CORE[1]},
        "author": "Infusion Records",
        "license": "Apache-2.0",
        "directories": {"lib": "package", "example": "example"},
    }


def members(source: Source) -> Iterator[tuple[str, str]]:
    """The files of the package by name, sorted within each folder."""
    definitions = _named([*source.definitions, contents.resource(source)])
    examples = _named([one.tree for one in source.examples])
    yield "package/package.json", json.dumps(manifest(), indent=2) + "\n"
    yield "package/.index.json", _index(definitions)
    yield from ((f"package/{name}", _text(tree)) for name, tree in definitions.items())
    yield "package/example/.index.json", _index(examples)
    yield from ((f"package/example/{name}", _text(tree)) for name, tree in examples.items())


def write(source: Source, folder: Path) -> Path:
    """Writes the package into `folder`; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, text in members(source):
            content = text.encode()
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    target = folder / NAME
    target.write_bytes(gzip.compress(plain.getvalue(), compresslevel=9, mtime=0))
    return target


def _named(trees: list[Tree]) -> dict[str, Tree]:
    named = {f"{tree['resourceType']}-{tree['id']}.json": tree for tree in trees}
    if len(named) < len(trees):
        raise ValueError("two resources of one type have the same id")
    return dict(sorted(named.items()))


def _index(named: Mapping[str, Tree]) -> str:
    files = [{"filename": name, **{key: tree[key] for key in _INDEXED if isinstance(tree.get(key), str)}} for name, tree in named.items()]
    return json.dumps({"index-version": 2, "files": files}, indent=2) + "\n"


def _text(tree: Tree) -> str:
    return msgspec.json.format(encode(tree), indent=2) + "\n"
