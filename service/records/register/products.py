"""Which products are controlled: by their tag, their schedule, or a code of the clinic's list."""

from collections.abc import Callable, Collection

from service.fhir.library import Library
from service.ledger import reading
from service.ledger.scene import OTHER, SYRINGE, VIAL, Tree

_LIST = "https://clinic.example/fhir/ValueSet/controlled-products"

Get = Callable[[str], Tree | None]
Codes = Collection[tuple[str, str]]


def codes(library: Library) -> frozenset[tuple[str, str]]:
    """(system, code) of the products that are controlled whatever their label says."""
    found = library.find("ValueSet", _LIST)
    includes = found.tree["compose"]["include"] if found else ()
    return frozenset((one["system"], concept["code"]) for one in includes for concept in one.get("concept", ()))


def role(tree: Tree, get: Get, listed: Codes) -> str:
    """What a Medication is to the register: a vial, a syringe that was filled from one, or nothing."""
    parts = [reading.target(one["itemReference"]) for one in tree.get("ingredient", ()) if "itemReference" in one]
    if not parts:
        return VIAL if _is_vial(tree, listed) else OTHER
    made_of = [found for one in parts if one and (found := get(one))]
    return SYRINGE if _is_vial(tree, listed) or any(_is_vial(one, listed) for one in made_of) else OTHER


def is_controlled(tree: Tree, get: Get, listed: Codes) -> bool:
    """Whether a draw, a receipt or an administration is about a controlled substance, whatever its tag says."""
    if reading.is_tagged(tree):
        return True
    concept = tree.get("medicationCodeableConcept") or tree.get("suppliedItem", {}).get("itemCodeableConcept")
    if any(code in listed for code in reading.codings(concept)):
        return True
    named = reading.medication(tree)
    product = get(named) if named and named.startswith("Medication/") else _contained(tree)
    return product is not None and role(product, get, listed) != OTHER


def _contained(tree: Tree) -> Tree | None:
    """The Medication inside the resource that it names: no vial that can be accounted for, but controlled all the same."""
    named = tree.get("medicationReference") or tree.get("suppliedItem", {}).get("itemReference") or {}
    found = (one for one in tree.get("contained", ()) if f"#{one.get('id')}" == named.get("reference"))
    return next((one for one in found if one.get("resourceType") == "Medication"), None)


def _is_vial(tree: Tree, listed: Codes) -> bool:
    if tree["resourceType"] != "Medication":
        return False
    if reading.is_tagged(tree) or reading.extension(tree, reading.SCHEDULE):
        return True
    concepts = [tree.get("code"), *(one.get("itemCodeableConcept") for one in tree.get("ingredient", ()))]
    return any(code in listed for concept in concepts for code in reading.codings(concept))
