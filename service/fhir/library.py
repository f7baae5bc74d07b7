"""The library: conformance resources that came with the service or that an administrator put into its package directory.

Profiles, extensions, value sets, code systems and the like, by canonical URL (https://hl7.org/fhir/R4/references.html#canonical).
It is read once and never changes while the service runs; a resource is parsed when it is first asked for. What clients store
is not in it: it decides what is valid here, so only an administrator adds to it.
Packages are FHIR NPM packages (https://hl7.org/fhir/R4/packages.html): `*.tgz` with `package/package.json` and resources as JSON.
"""

import json
import re
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from service.fhir.document import stored
from service.paths import resource_path

Json = Any

TYPES = frozenset(
    {
        "CapabilityStatement",
        "CodeSystem",
        "ConceptMap",
        "ImplementationGuide",
        "NamingSystem",
        "OperationDefinition",
        "Questionnaire",
        "SearchParameter",
        "StructureDefinition",
        "ValueSet",
    }
)
SHIPPED = ("clinic", "r4", "us-core", "balp")
"""The packages that travel with the service, in the order in which they answer."""

_LINE = re.compile(r'\{"resourceType":"([A-Za-z]+)","url":"([^"\\]+)"(?:,"version":"([^"\\]+)")?')
_NUMBERS = re.compile(r"\d+")
_LARGEST_MEMBER = 32 * 1024 * 1024
_LARGEST_PACKAGE = 512 * 1024 * 1024


class PackageError(ValueError):
    """A package that cannot be read; the message is one line that names the file."""


@dataclass(frozen=True, slots=True)
class Found:
    """A conformance resource and the package that it is from: one of `SHIPPED`, or `name#version` of a loaded one."""

    tree: Mapping[str, Json]
    package: str


@dataclass(slots=True)
class _Entry:
    package: str
    rank: int
    version: str | None
    text: str
    found: Found | None = None

    def read(self) -> Found:
        if self.found is None:
            self.found = Found(stored(self.text).tree, self.package)
        return self.found


@dataclass(slots=True)
class Library:
    """The index. Safe to share between threads: reading an entry twice is harmless."""

    _entries: dict[tuple[str, str], list[_Entry]] = field(default_factory=dict)
    _packages: dict[str, int] = field(default_factory=dict)

    def find(self, type: str, url: str, version: str | None = None, near: str | None = None) -> Found | None:
        """The resource of `type` with that canonical URL, which may carry `|version`; None when there is none.

        Without a version the package `near` (the one that the question comes from) answers first, then those that are shipped,
        then those that were loaded, the newest version first.
        """
        url, _, stated = url.partition("|")
        wanted = version or stated or None
        fitting = [one for one in self._entries.get((type, url), ()) if wanted in (None, one.version)]
        if not fitting:
            return None
        return next((one for one in fitting if one.package == near), fitting[0]).read()

    def versions(self, type: str, url: str) -> tuple[str, ...]:
        """The versions of the resources with that URL, in the order in which they answer."""
        return tuple(dict.fromkeys(one.version for one in self._entries.get((type, url), ()) if one.version))

    def urls(self, type: str) -> tuple[str, ...]:
        """The canonical URLs of a type, without versions, sorted."""
        return tuple(sorted(url for name, url in self._entries if name == type))

    def all(self, type: str, package: str) -> Iterator[Found]:
        """Every resource of a type in one package, sorted by URL."""
        found = [(url, one) for (name, url), entries in self._entries.items() if name == type for one in entries if one.package == package]
        yield from (one.read() for _, one in sorted(found, key=lambda each: each[0]))

    def packages(self) -> tuple[str, ...]:
        """The packages, in the order in which they answer."""
        return tuple(self._packages)

    def add(self, package: str, rows: Iterable[tuple[str, str, str | None, str]]) -> None:
        """Adds the rows (type, url, version, JSON text) of a package. Of two with one URL and version the first counts."""
        rank = self._packages.setdefault(package, len(self._packages))
        for type, url, version, text in rows:
            entries = self._entries.setdefault((type, url), [])
            if not any(one.package == package and one.version == version for one in entries):
                entries.append(_Entry(package, rank, version, text))
                entries.sort(key=_order)


def _order(entry: _Entry) -> tuple[int, list[int], int]:
    """Shipped packages in their order, then loaded ones by version, newest first."""
    if entry.package in SHIPPED:
        return SHIPPED.index(entry.package), [], 0
    return len(SHIPPED), [-int(number) for number in _NUMBERS.findall(entry.version or "")], entry.rank


def load(folder: Path | None = None, packages: Path | None = None) -> Library:
    """The library of what is under `folder` (`fhir_profiles`), and of every `*.tgz` in the directory `packages`.

    Raises PackageError for a package that cannot be read.
    """
    folder = folder or resource_path("fhir_profiles")
    library = Library()
    library.add("clinic", _clinic(folder / "clinic"))
    for name in SHIPPED[1:]:
        for path in sorted((folder / name).glob("*.ndjson")):
            library.add(name, _lines(path))
    for path in sorted(packages.glob("*.tgz")) if packages else ():
        package, rows = read_package(path)
        library.add(package, rows)
    return library


def _clinic(folder: Path) -> Iterator[tuple[str, str, str | None, str]]:
    for path in sorted(folder.glob("*.json")):
        yield from _row(path.read_text(encoding="utf-8"), path.name)


def _lines(path: Path) -> Iterator[tuple[str, str, str | None, str]]:
    """The rows of a table; tables of other things (R4's structures and required codes) have lines of another form."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if head := _LINE.match(line):
            yield head[1], head[2], head[3], line


def _row(text: str, name: str) -> Iterator[tuple[str, str, str | None, str]]:
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PackageError(f"{name} is no JSON: {error}") from None
    if isinstance(tree, dict) and tree.get("resourceType") in TYPES and isinstance(tree.get("url"), str):
        version = tree.get("version")
        yield tree["resourceType"], tree["url"], version if isinstance(version, str) else None, text


def read_package(path: Path) -> tuple[str, list[tuple[str, str, str | None, str]]]:
    """The name (`name#version`) and the rows of one FHIR NPM package. Raises PackageError."""
    rows: list[tuple[str, str, str | None, str]] = []
    package = path.name
    try:
        for name, text in _members(path):
            if name == "package/package.json":
                stated = json.loads(text)
                package = f"{stated['name']}#{stated['version']}"
            else:
                rows.extend(_row(text, f"{path.name}, {name}"))
    except PackageError:
        raise
    except (OSError, EOFError, zlib.error, tarfile.TarError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise PackageError(f"{path.name} is no FHIR package that can be read: {error}") from error
    if package == path.name:
        raise PackageError(f"{path.name} has no package/package.json: it is no FHIR package")
    return package, rows


def _members(path: Path) -> Iterator[tuple[str, str]]:
    """The JSON files that lie directly in `package/`; examples and whatever else an archive holds is not looked at."""
    total = 0
    with tarfile.open(path, "r:gz") as archive:
        for member in archive:
            total += member.size
            if total > _LARGEST_PACKAGE:
                raise PackageError(f"{path.name} is too large at {member.name}")
            parts = member.name.split("/")
            if not member.isfile() or len(parts) != 2 or parts[0] != "package" or not member.name.endswith(".json"):
                continue
            if member.size > _LARGEST_MEMBER:
                raise PackageError(f"{path.name} is too large at {member.name}")
            handle = archive.extractfile(member)
            yield member.name, handle.read().decode("utf-8-sig") if handle else ""
