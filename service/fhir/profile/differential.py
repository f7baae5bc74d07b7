"""Differentials that say all that their snapshots say.

A differential may write `valueQuantity` for a choice that it narrows to one type, or for a slice of `value[x]`; the snapshot tells
which. `spelled_out` writes the element's own name instead, with the slicing and the type, so that a reader needs to know one spelling.
`rebased` puts a profile, whose parent another package defines, on the R4 type: the snapshot takes the place of the differential.
https://hl7.org/fhir/R4/profiling.html#slicing ("type slicing")
"""

from collections.abc import Iterator, Mapping
from typing import Any

Tree = dict[str, Any]

SYSTEM_TYPE = "http://hl7.org/fhirpath/System."
CORE = "http://hl7.org/fhir/StructureDefinition/"


def rebased(definition: Mapping[str, Any]) -> Tree:
    """The definition on the type itself; invariants of the type are left out, for they hold anyway."""
    elements = [one | {"constraint": own_constraints(one)} for one in definition["snapshot"]["element"] if not is_literal(one)]
    return {**definition, "baseDefinition": CORE + definition["type"], "differential": {"element": elements}}


def is_literal(element: Mapping[str, Any]) -> bool:
    """Whether it is the bare value inside a primitive, which JSON has no member for."""
    return str(element["path"]).endswith(".value") and any(one["code"].startswith(SYSTEM_TYPE) for one in element.get("type", ()))


def own_constraints(element: Mapping[str, Any]) -> list[Tree]:
    """The constraints that no R4 definition states."""
    return [one for one in element.get("constraint", ()) if not one.get("source", CORE).startswith(CORE)]


def spelled_out(definition: Mapping[str, Any]) -> Iterator[Tree]:
    """The elements of the differential, those of choices under the name that the snapshot gives them."""
    snapshot = {one["id"]: one for one in definition.get("snapshot", {}).get("element", ())}
    written = set()
    for one in definition["differential"]["element"]:
        element = one if one["id"] in snapshot or not snapshot else renamed(one, snapshot)
        choice = element["id"].rpartition(":")[0]
        if element is not one and "sliceName" in element and choice not in written:
            yield {"id": choice, "path": element["path"], "slicing": snapshot[choice]["slicing"]}
        written |= {element["id"], choice}
        yield element


def renamed(element: Mapping[str, Any], snapshot: Mapping[str, Mapping[str, Any]]) -> Tree:
    """The element under the name of its choice. Raises ValueError when it is no member of a choice either."""
    found = ""
    for part in element["id"].split("."):
        found, chosen = step(found, part, snapshot)
    if found == element["id"]:
        raise ValueError(f"{found} is not in the snapshot")
    path = ".".join(part.split(":")[0] for part in found.split("."))
    slice_name = found.rsplit(".", 1)[-1].partition(":")[2]
    named = {"sliceName": slice_name} if slice_name else {}
    rest = {key: value for key, value in element.items() if key not in {"id", "path", "sliceName"}}
    return {"id": found, "path": path} | named | rest | ({"type": snapshot[found]["type"]} if chosen else {})


def step(parent: str, part: str, snapshot: Mapping[str, Mapping[str, Any]]) -> tuple[str, bool]:
    """One member further down: its id, and whether it is a choice by the name of one type."""
    plain = f"{parent}.{part}" if parent else part
    if plain in snapshot or ":" in part:
        return plain, False
    choices = (f"{parent}.{part[:at]}[x]" for at in range(1, len(part)) if part[at].isupper())
    choice = next((one for one in choices if one in snapshot), None)
    if choice is None:
        return plain, False
    return (choice if len(snapshot[choice].get("type", ())) == 1 else f"{choice}:{part}"), True
