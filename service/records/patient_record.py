"""What belongs to the record of a patient: R4's compartment, and the Provenance of everything in it.

https://hl7.org/fhir/R4/compartmentdefinition-patient.html
"""

from collections.abc import Sequence
from functools import lru_cache

from service.records.context import Context
from service.search import links
from service.search.links import Node
from service.search.parameter import Registry
from service.storage.database import Transaction

_KIND = "Patient"


def core(ctx: Context, tx: Transaction, patient: Node) -> list[Node]:
    """The compartment of the patient without the patient, oldest first."""
    return links.pointing(tx, keys(ctx.service.registry), [patient.key])


def signatures(ctx: Context, tx: Transaction, nodes: Sequence[Node]) -> list[Node]:
    """The Provenance whose target is one of `nodes`, oldest first."""
    return links.pointing(tx, ctx.service.registry.keys_of("Provenance", "target"), [node.key for node in nodes])


@lru_cache(maxsize=8)
def keys(registry: Registry) -> tuple[int, ...]:
    """The index parameters that put a resource into the compartment of a patient."""
    found: set[int] = set()
    for name in registry.definitions.types:
        found.update(key for code in registry.compartment(_KIND, name) for key in registry.keys_of(name, code))
    return tuple(sorted(found))
