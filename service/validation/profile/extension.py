"""Extensions that the walk met: each is held to its definition, where that is known, and must stand where it may.

https://hl7.org/fhir/R4/extensibility.html, https://hl7.org/fhir/R4/structuredefinition-definitions.html#StructureDefinition.context
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from service.fhir.definitions import Definitions
from service.fhir.profile.element import Profile
from service.fhir.profile.merge import Profiles
from service.validation.profile.build import Builder
from service.validation.profile.item import Item
from service.validation.run import Run

Json = Any
_INDEX = re.compile(r"\[\d+\]")
_MODIFIER = "modifierExtension"
_URLS = "the URLs of extensions by place"
_HOLDERS = frozenset({"Bundle.entry", "Parameters.parameter"})
"""What has a whole resource under `resource`; elsewhere that is a name like others."""


def check(builder: Builder, run: Run) -> None:
    """Reports what is wrong with the extensions of a run. Those inside a complex extension belong to its definition."""
    for extension, place in run.extensions:
        url = extension.get("url")
        if isinstance(url, str) and ":" in url:
            _check(builder, Item(extension, None, place, "Extension"), url, run)


def _check(builder: Builder, item: Item, url: str, run: Run) -> None:
    profile = builder.profiles.find(url)
    container, _, member = _INDEX.sub("", item.path).rpartition(".")
    if profile is None or profile.type != "Extension":
        if member == _MODIFIER:
            run.warning(
                "extension", "unknown-modifier-extension", item.path, f"is {url}, which is not known here and changes what it stands on"
            )
        else:
            run.information("extension", "unknown-extension", item.path, f"is {url}, which is not known here: it was not checked")
        return
    run.profile = profile.canonical
    builder.check(profile).check(item, run)
    if bool(profile.root.facts.get("isModifier")) != (member == _MODIFIER):
        belongs = "extension" if member == _MODIFIER else _MODIFIER
        run.error("structure", "extension-modifier", item.path, f"is {url}, which belongs in {belongs} by its definition: move it there")
    if not _may_stand(profile, container, item.path, builder.profiles, run):
        shown = ", ".join(str(row.get("expression")) for row in profile.tree.get("context", ()))
        run.error("structure", "extension-context", item.path, f"is {url}, which belongs on {shown}")
    run.profile = None


def _may_stand(profile: Profile, container: str, place: str, profiles: Profiles, run: Run) -> bool:
    rows = profile.tree.get("context", ())
    names = set(_names(container, profiles.definitions))
    for row in rows:
        expression = str(row.get("expression", "")).replace("[x]", "")
        if row.get("type") == "fhirpath" or (row.get("type") == "element" and expression in names):
            return True
        if row.get("type") == "extension" and expression in _around(place, run):
            return True
    return not rows


def _around(place: str, run: Run) -> set[str]:
    """The URLs of the extensions that hold the one at `place`."""
    if _URLS not in run.remembered:
        run.remembered[_URLS] = {outer: str(extension.get("url")) for extension, outer in run.extensions}
    steps = place.split(".")
    outer = (".".join(steps[:length]) for length in range(1, len(steps)))
    return {run.remembered[_URLS][one] for one in outer if one in run.remembered[_URLS]}


def _names(container: str, definitions: Definitions) -> Iterator[str]:
    """The names by which a context may speak of an element: its path, each path that its types give it, and its types."""
    first, *steps = container.split(".")
    paths, kinds = [first], _lineage(first, definitions)
    for step in steps:
        found, kinds = _step([*paths, *kinds], step, definitions)
        paths = found
    yield from paths
    yield from kinds
    yield "Element"
    if not steps:
        yield "Resource"


def _step(names: list[str], step: str, definitions: Definitions) -> tuple[list[str], list[str]]:
    """One step down from a place with these names: its paths, and its types."""
    if step == "contained" or (step == "resource" and _HOLDERS & set(names)):
        return [], ["Resource", "DomainResource", *definitions.all_types]
    paths: list[str] = []
    kinds: list[str] = []
    for name in names:
        element = definitions.element(name)
        members: Mapping[str, Json] = definitions.members(element) if element else {}
        if name in definitions.structures:
            members = definitions.structures[name].elements
        for one in members.values():
            kind = one.properties.get(step, _NONE)
            if kind is not _NONE:
                paths.append(f"{name}.{one.name}")
                kinds += _lineage(kind.code, definitions) if kind else [one.same_as or ""]
    return list(dict.fromkeys(paths)), list(dict.fromkeys(kinds))


_NONE = object()


def _lineage(name: str, definitions: Definitions) -> list[str]:
    """A type and the types that it is derived from."""
    found: list[str] = []
    while name in definitions.structures and name not in found:
        found.append(name)
        name = definitions.structures[name].base
    return found
