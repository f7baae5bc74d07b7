"""What a record needs to be understood: the people, places and products that it refers to, and those that these refer to.

Resources that belong to a patient are never reached this way: following a reference must not lead into somebody else's record.
"""

from collections.abc import Sequence
from functools import lru_cache

from service.records.context import Context
from service.search import links
from service.search.links import Node
from service.search.parameter import Registry
from service.storage.database import Transaction

_DEEPEST = 5
"""References one after the other: a syringe to its vial to its maker, a room to its building to its clinic."""
_PATIENT = "Patient"
_ABOUT_OTHERS = frozenset({"AuditEvent", "Bundle", "Task"})
"""Types outside of the compartment of a patient that still tell of patients."""


def supporting(ctx: Context, tx: Transaction, nodes: Sequence[Node]) -> list[Node]:
    """The current resources that `nodes` refer to and that belong to no patient, and theirs, oldest first."""
    numbers = _numbers(ctx.service.registry, False)
    seen = {node.key for node in nodes}
    found: list[Node] = []
    edge = list(nodes)
    for _ in range(_DEEPEST):
        keys = links.cited(tx, [node.res_id for node in edge], numbers) - seen
        edge = links.standing(tx, keys)
        if not edge:
            break
        seen |= keys
        found += edge
    return sorted(found, key=lambda node: node.res_id)


def of_patients(registry: Registry) -> tuple[int, ...]:
    """The numbers of the types that can belong to a patient."""
    return _numbers(registry, True)


@lru_cache(maxsize=8)
def _numbers(registry: Registry, personal: bool) -> tuple[int, ...]:
    names = [name for name in registry.definitions.types if name not in _ABOUT_OTHERS]
    return tuple(
        registry.definitions.type_number(name)
        for name in names
        if (name == _PATIENT or bool(registry.compartment(_PATIENT, name))) is personal
    )
