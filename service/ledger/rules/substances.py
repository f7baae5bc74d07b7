"""Which substances a Medication is made of, as codes `system|code`, and which codes mean the same.

A code of a product that names no ingredient is only the same as itself: there is no terminology here that relates products to ingredients.
The codes that mean the same are those of the ValueSet ketamine-products, and SNOMED CT's allergy to ketamine.
"""

from collections.abc import Iterator

from service.ledger import reading
from service.ledger.scene import Scene, Tree

_RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
_SNOMED = "http://snomed.info/sct"
_SAME = (frozenset({f"{_RXNORM}|6130", f"{_SNOMED}|373464007", f"{_SNOMED}|31706007", f"{_SNOMED}|293707005"}),)
"""Ketamine, its hydrochloride, and the allergy to it."""
_DEEPEST = 4
"""Medications one within the other: a syringe of a vial, and room for what a pharmacy mixes."""


def given(scene: Scene, tree: Tree) -> frozenset[str]:
    """The codes of what an administration gives or an order orders, with all that mean the same."""
    named = reading.target(tree.get("medicationReference"))
    found = frozenset(_coded(tree.get("medicationCodeableConcept")))
    return with_same(found.union(_made_of(scene, named, _DEEPEST)) if named else found)


def are_one(scene: Scene, one: Tree, other: Tree) -> bool:
    """Whether two resources with `medication[x]` are about the same drug: the same Medication, or a code in common."""
    named = reading.target(one.get("medicationReference"))
    if named is not None and named == reading.target(other.get("medicationReference")):
        return True
    return not given(scene, one).isdisjoint(given(scene, other))


def named_in(*concepts: object) -> frozenset[str]:
    """The codes of CodeableConcepts, with all that mean the same."""
    return with_same(frozenset(code for concept in concepts for code in _coded(concept)))


def with_same(codes: frozenset[str]) -> frozenset[str]:
    """The codes, and those that mean the same as one of them."""
    return codes.union(*(group for group in _SAME if not group.isdisjoint(codes)))


def _made_of(scene: Scene, reference: str, depth: int) -> Iterator[str]:
    tree = scene.get(reference)
    if tree is None or depth == 0:
        return
    yield from _coded(tree.get("code"))
    for one in tree.get("ingredient", ()):
        if one.get("isActive") is False:
            continue
        yield from _coded(one.get("itemCodeableConcept"))
        if inner := reading.target(one.get("itemReference")):
            yield from _made_of(scene, inner, depth - 1)


def _coded(concept: object) -> Iterator[str]:
    return (f"{system}|{code}" for system, code in reading.codings(concept) if system and code)
