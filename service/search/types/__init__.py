"""The search parameter types, one module each: what a value means, which rows an element makes, which rows a value wants."""

from collections.abc import Mapping
from types import MappingProxyType

from service.search.types import composite, date, number, quantity, reference, string, token, uri
from service.search.types.protocol import SearchParameter, SearchType

IMPLEMENTED: Mapping[str, SearchType] = MappingProxyType(
    {
        "composite": composite,
        "date": date,
        "number": number,
        "quantity": quantity,
        "reference": reference,
        "string": string,
        "token": token,
        "uri": uri,
    }
)
"""Search type by its FHIR code."""


def modifiers(parameter: SearchParameter) -> frozenset[str]:
    """The modifiers that a parameter takes, by what its elements are; `:missing` and the types of references besides."""
    kind = IMPLEMENTED[parameter.kind]
    if not parameter.keys:
        return frozenset({"not"}) if parameter.kind == "token" else frozenset()
    own = getattr(kind, "modifiers", None)
    return own(parameter) if own else kind.MODIFIERS
