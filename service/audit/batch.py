"""A batch of events as entries of the log: the place of each, and the trees that are to be signed on the way."""

from collections.abc import Sequence
from dataclasses import dataclass

from service.audit import subtrees
from service.audit.tree import Frontier
from service.storage.audit_log import Place, Waiting


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries, the trees to sign, and the tree after all of them."""

    places: Sequence[Place]
    signed: Sequence[Frontier]
    frontier: Frontier


def placed(frontier: Frontier, signed: int, rows: Sequence[Waiting], every: int, is_due: bool) -> Batch:
    """Appends `rows` to a tree of which `signed` entries are signed: signed again after `every` more, and at the end if that is due."""
    places: list[Place] = []
    trees: list[Frontier] = []
    for row in rows:
        after, nodes = subtrees.appended(frontier, row.leaf)
        places.append(Place(frontier.size, row.audit_id, row.leaf, nodes))
        frontier = after
        if frontier.size - signed >= every:
            trees.append(frontier)
            signed = frontier.size
    if is_due and frontier.size > signed:
        trees.append(frontier)
    return Batch(places, trees, frontier)
