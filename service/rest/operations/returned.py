"""The Parameters that an operation returns (https://hl7.org/fhir/R4/parameters.html)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from service.fhir.document import encode

Tree = dict[str, Any]


def one(name: str, type: str, value: Any) -> Sequence[Tree]:
    """The parameter `name`, as `value[type]`; none without a value."""
    return [] if value is None else [{"name": name, f"value{type}": value}]


def group(name: str, *parts: Iterable[Tree]) -> Tree:
    """The parameter `name` that has parts."""
    return {"name": name, "part": [part for some in parts for part in some]}


def parameters(*returned: Iterable[Mapping[str, Any]]) -> str:
    """The Parameters resource with all of these."""
    return encode({"resourceType": "Parameters", "parameter": [parameter for some in returned for parameter in some]})
