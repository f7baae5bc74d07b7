"""The resources of a compartment as a clause: what `Patient/p/Observation` asks for beside its parameters.

https://hl7.org/fhir/R4/compartmentdefinition.html
"""

from service.fhir.compartment import ITSELF
from service.search.parameter import Registry
from service.search.query import Any, Clause, Compartment, Match, Target, Token


def membership(registry: Registry, compartment: Compartment, type: str) -> Clause:
    """That a resource of `type` belongs to the compartment. A type that has no part in it matches nothing.

    Raises BadRequest while the index does not hold what tells.
    """
    codes = registry.compartment(compartment.kind, type)
    for code in codes:
        registry.keys_of(type, code)
    return Any(tuple(_match(compartment, code) for code in codes))


def _match(compartment: Compartment, code: str) -> Match:
    if code == ITSELF:
        return Match(code, (Token(compartment.id),))
    return Match(code, (Target(compartment.id, compartment.kind),))


def types(registry: Registry, kind: str) -> tuple[str, ...]:
    """The served types that can be in a compartment of that kind, sorted."""
    return tuple(name for name in sorted(registry.definitions.types) if registry.compartment(kind, name))


def not_a_member(registry: Registry, kind: str, type: str) -> str:
    """Why there is nothing of `type` in a compartment of `kind`, and what there is."""
    return f"{type[:40]} is no part of the {kind} compartment. It has: {', '.join(types(registry, kind))}."
