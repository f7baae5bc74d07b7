"""The clinic's profiles with their valid examples, and the gate with and without profiles."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from service.errors import Issue
from service.fhir import definitions, library
from service.fhir.document import Limits, decode
from service.fhir.profile.element import Profile
from service.fhir.profile.merge import Profiles
from service.paths import resource_path
from service.validation.check import Asked, Gate
from service.validation.profile.hold import Holder

DEFINITIONS = definitions.load("all")
LIBRARY = library.load()
PROFILES = Profiles(DEFINITIONS, LIBRARY)
PLAIN = Gate(DEFINITIONS)
HELD = Gate(DEFINITIONS, Holder(DEFINITIONS, LIBRARY))
EXAMPLES = resource_path("fhir_profiles") / "examples"


def of_clinic() -> Iterator[str]:
    """The URLs of the clinic's profiles of resources, sorted."""
    for one in LIBRARY.all("StructureDefinition", "clinic"):
        if one.tree["type"] != "Extension" and one.tree["derivation"] == "constraint":
            yield str(one.tree["url"])


URLS = tuple(of_clinic())


@cache
def profile(url: str) -> Profile:
    """A profile, merged."""
    merged = PROFILES.find(url)
    assert merged is not None, url
    return merged


@cache
def examples(url: str) -> tuple[Any, ...]:
    """The valid examples of a profile, sorted by name."""
    paths = sorted((EXAMPLES / "valid").glob(f"{url.rpartition('/')[2]}--*.json"))
    return tuple(decode(path.read_bytes(), Limits()).tree for path in paths)


def found(url: str, tree: Any) -> list[Issue]:
    """The errors and warnings about a resource that is asked to meet a profile, whether it claims it or not."""
    return [issue for issue in HELD.check(tree, asked=Asked((url,))) if issue.severity != "information"]


def is_plain(tree: Any) -> bool:
    """Whether R4 itself finds no error in a resource."""
    return not any(issue.severity == "error" for issue in PLAIN.check(tree))
