"""Compartments: which resources belong to a patient, a visit, a practitioner, a related person or a device.

Facts only: a resource belongs to `Patient/p` when one of the listed reference parameters of its type points there; `Patient/p` itself
belongs to it too. https://hl7.org/fhir/R4/compartmentdefinition.html
"""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from service.paths import resource_path

ITSELF = "_id"
"""The parameter by which the resource that a compartment is about belongs to it."""
_DEFINED = "{def}"

Compartments = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Parameter codes by kind of compartment (such as Patient) and by resource type."""


def load(folder: Path | None = None) -> Compartments:
    """The compartments of R4, from `r4/compartments.json` below `folder`. Types that are never in a compartment are not in its mapping."""
    listed = json.loads(((folder or resource_path("fhir_profiles")) / "r4" / "compartments.json").read_text(encoding="utf-8"))
    return MappingProxyType({kind: MappingProxyType(_types(kind, types)) for kind, types in listed.items()})


def _types(kind: str, listed: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    codes = {type: tuple(code for code in codes if code != _DEFINED) for type, codes in listed.items()}
    return dict(sorted({**codes, kind: (ITSELF, *codes.get(kind, ()))}.items()))
