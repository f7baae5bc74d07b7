"""What the guide is made of: the definitions under `fhir_profiles/clinic/` and the valid examples."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from service.fhir import definitions, guide, library
from service.fhir.document import Document, stored

ROOT = Path(__file__).resolve().parents[2]
CLINIC = ROOT / "fhir_profiles" / "clinic"
EXAMPLES = ROOT / "fhir_profiles" / "examples"
SYSTEMS = {
    "http://snomed.info/sct": "snomed",
    "http://loinc.org": "loinc",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "rxnorm",
    "urn:iso:std:iso:11073:10101": "mdc",
}
_UNCONFIRMED = re.compile(r"^\| `(\w+):([^`]+)` \|", re.MULTILINE)

Tree = Mapping[str, Any]


@dataclass(frozen=True)
class Example:
    """A valid example: its file, the id of the definition that it is for, and the resource."""

    path: Path
    profile: str
    document: Document

    @property
    def tree(self) -> Tree:
        """The resource."""
        return self.document.tree

    @property
    def address(self) -> str:
        """`Type/id`."""
        return f"{self.tree['resourceType']}/{self.tree['id']}"


class Source:
    """The guide, read once."""

    @cached_property
    def definitions(self) -> list[Tree]:
        """Every definition but the ImplementationGuide itself, profiles with snapshots, by type and URL."""
        complete = guide.complete(library.load(), definitions.load())
        return [tree for tree in complete if tree["resourceType"] != "ImplementationGuide"]

    @cached_property
    def examples(self) -> list[Example]:
        """The valid examples, by file name."""
        return [_example(path) for path in sorted((EXAMPLES / "valid").glob("*.json"))]

    @cached_property
    def unconfirmed(self) -> frozenset[tuple[str, str]]:
        """(system, code) of the codes that `fhir_profiles/README.md` lists as not confirmed."""
        names = {name: system for system, name in SYSTEMS.items()}
        section = (ROOT / "fhir_profiles" / "README.md").read_text(encoding="utf-8").partition("## Codes that are not confirmed")[2]
        return frozenset((names[name], code) for name, code in _UNCONFIRMED.findall(section))

    def of_type(self, *types: str) -> Iterator[Tree]:
        """The definitions of some resource types."""
        return (tree for tree in self.definitions if tree["resourceType"] in types)

    def profiles(self) -> list[Tree]:
        """The profiles of resources."""
        return [tree for tree in self.of_type("StructureDefinition") if tree["type"] != "Extension"]

    def extensions(self) -> list[Tree]:
        """The extensions."""
        return [tree for tree in self.of_type("StructureDefinition") if tree["type"] == "Extension"]

    def examples_of(self, id: str) -> list[Example]:
        """The examples of a profile or extension."""
        return [one for one in self.examples if one.profile == id]


def _example(path: Path) -> Example:
    return Example(path, path.stem.partition("--")[0], stored(path.read_text(encoding="utf-8")))
