"""Contained resources: what R4 asks of them (dom-2 to dom-5, https://hl7.org/fhir/R4/references.html#contained)."""

from collections.abc import Iterator
from typing import Any

from service.validation.invariant import objects
from service.validation.run import Run
from service.validation.structure import Node

_UNUSED = "is not referred to: give it an id and refer to #id from the resource, or remove it (dom-3)"


def check(resource: Node, path: str, run: Run) -> None:
    """Reports what is wrong with the contained resources of a resource."""
    contained = objects(resource["contained"]) if isinstance(resource["contained"], list) else []
    inside = [set(_pointers(inner)) for inner in contained]
    pointed_at = set(_pointers({name: value for name, value in resource.items() if name != "contained"})).union(*inside)
    seen: set[str] = set()
    for index, inner in enumerate(contained):
        place, name = f"{path}.contained[{index}]", str(inner.get("id"))
        _alone(inner, place, run)
        if f"#{name}" not in pointed_at and "#" not in inside[index]:
            run.error("invariant", "dom-3", place, _UNUSED)
        if name in seen and "id" in inner:
            run.error("duplicate", "contained-id", place + ".id", "is the id of another contained resource: give each its own")
        seen.add(name)


def _alone(inner: Node, place: str, run: Run) -> None:
    meta = inner.get("meta")
    if "contained" in inner:
        run.error("invariant", "dom-2", place + ".contained", "is nested: put all contained resources into the outermost resource (dom-2)")
    if isinstance(meta, dict) and not {"versionId", "lastUpdated"}.isdisjoint(meta):
        run.error("invariant", "dom-4", place + ".meta", "may not have versionId or lastUpdated: remove them (dom-4)")
    if isinstance(meta, dict) and "security" in meta:
        run.error(
            "invariant", "dom-5", place + ".meta.security", "may not be given in a contained resource: label the outer resource (dom-5)"
        )


def _pointers(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if value.startswith("#"):
            yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from _pointers(member)
    elif isinstance(value, list):
        for item in value:
            yield from _pointers(item)
