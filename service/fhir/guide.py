"""The clinic's implementation guide: the part of the library that the service publishes as its own.

https://hl7.org/fhir/R4/implementationguide.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

from service.fhir.definitions import Definitions
from service.fhir.library import TYPES, Library
from service.fhir.profile import snapshot
from service.fhir.profile.merge import Profiles

BASE = "https://clinic.example/fhir"
ID = "clinic.example.ketamine-infusion"
_PACKAGE = "clinic"

Tree = Mapping[str, Any]


def is_ours(library: Library, type: str, url: str) -> bool:
    """Whether a canonical URL (its version does not matter) is that of a definition of the clinic."""
    found = library.find(type, url.partition("|")[0]) if type in TYPES else None
    return found is not None and found.package == _PACKAGE


def is_our_id(library: Library, type: str, id: str) -> bool:
    """Whether a definition of the clinic has that id: it ends the URL."""
    return is_ours(library, type, f"{BASE}/{type}/{id}")


def artifacts(library: Library) -> Iterator[Tree]:
    """The definitions as they are kept: by type and URL, profiles as differentials."""
    for type in sorted(TYPES):
        yield from (found.tree for found in library.all(type, _PACKAGE))


def complete(library: Library, definitions: Definitions) -> Iterator[Tree]:
    """The definitions as they are published: profiles with their snapshots. Raises ProfileError for one that makes no sense."""
    profiles = Profiles(definitions, library)
    for tree in artifacts(library):
        profile = profiles.find(tree["url"], near=_PACKAGE) if tree["resourceType"] == "StructureDefinition" else None
        yield snapshot.complete(profile, definitions) if profile else tree


def without_examples(guide: Tree) -> Tree:
    """The ImplementationGuide as a server shows it that keeps the definitions but none of the examples."""
    content = guide["definition"]
    kept = [one for one in content["resource"] if "exampleBoolean" not in one and "exampleCanonical" not in one]
    return {**guide, "definition": {**content, "resource": kept}}
