"""Which searches find what refers to a resource: for the links of a page, from the registry of search parameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from service.search.parameter import Registry

Inbound = Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]]
"""For each type of target: the types that can refer to it, each with its reference parameters."""

_found: WeakKeyDictionary[Registry, Inbound] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Referrer:
    """A type that can refer to the resource, and a search in it for each parameter: its code and the link."""

    type: str
    searches: tuple[tuple[str, str], ...]


def inbound(registry: Registry) -> Inbound:
    """What can refer to each type that the registry serves; parameters for any type of target are left out."""
    if registry not in _found:
        _found[registry] = {target: _sources(registry, target) for target in registry.definitions.types}
    return _found[registry]


def links(known: Inbound, base: str, type: str, id: str) -> list[Referrer]:
    """The searches for what refers to `type/id`, below the path `base` of the FHIR base."""
    return [
        Referrer(source, tuple((code, f"{base}/{source}?{code}={type}/{id}") for code in codes)) for source, codes in known.get(type, ())
    ]


def _sources(registry: Registry, target: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    found = ((source, _codes(registry, source, target)) for source in sorted(registry.definitions.types))
    return tuple((source, codes) for source, codes in found if codes)


def _codes(registry: Registry, source: str, target: str) -> tuple[str, ...]:
    """The parameters of `source` that point to `target`; `patient` stands for `subject` where a type has both."""
    parameters = registry.for_type(source).values()
    codes = {one.code for one in parameters if one.kind == "reference" and target in one.targets}
    return tuple(sorted(codes - {"subject"} if "patient" in codes else codes))
