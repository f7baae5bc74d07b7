"""The record around a commit, for the rules of the register and for posting: what will be there when the commit is done.

One scene serves one commit inside its transaction. What it reads it reads once.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import lru_cache

from service.fhir import reference as references
from service.fhir import temporal
from service.fhir.document import stored
from service.fhir.library import Library
from service.ledger import posting, reading
from service.ledger.book import Book
from service.ledger.entry import DRAWN, Entry
from service.ledger.policy import Policy
from service.ledger.posting import Unpostable
from service.ledger.scene import (
    ADMINISTRATION,
    DRAW,
    INVENTORY,
    LEDGER_ENTRY,
    OTHER,
    RECEIPT,
    SEGMENT,
    SYRINGE,
    VIAL,
    VISIT,
    Actor,
    Drawn,
    Tree,
    Written,
)
from service.ledger.vial import Unclear, facts
from service.records.context import Context
from service.search import links
from service.search.parameter import Registry
from service.storage import ledger, versions
from service.storage.database import Transaction

_PRODUCTS = "https://clinic.example/fhir/ValueSet/controlled-products"
_INVENTORY = "cs-inventory"
_DEEPEST = 5
"""Locations one within the other."""
_GIVEN: Mapping[str, str] = {"MedicationDispense": DRAW, "SupplyDelivery": RECEIPT}


@dataclass(slots=True)
class RecordScene:
    """A `service.ledger.scene.Scene`, and the `Surroundings` of posting. `after`, `before`: the writes of the commit by `Type/id`."""

    ctx: Context
    tx: Transaction
    after: Mapping[str, Tree | None]
    before: Mapping[str, Tree | None]
    writes: Sequence[Written] = ()
    wanted: Sequence[str] = ()
    books: dict[str, Book] = field(default_factory=dict)
    _seen: dict[str, Tree | None] = field(default_factory=dict)
    _products: frozenset[tuple[str, str]] | None = None

    @property
    def products(self) -> frozenset[tuple[str, str]]:
        """The codes of products that are controlled whatever their label says."""
        if self._products is None:
            self._products = _controlled(self.ctx.service.library)
        return self._products

    @property
    def now(self) -> int:
        """The instant of the commit, in microseconds."""
        return self.ctx.service.clock()

    @property
    def zone(self) -> tzinfo:
        """The clinic's time zone."""
        return self.ctx.service.settings.zone

    @property
    def actor(self) -> Actor:
        """Who makes the commit."""
        caller = self.ctx.caller
        may = caller.is_internal or caller.grant.has("ledger.write")
        return Actor(caller.client, caller.user, may, caller.is_internal)

    def get(self, reference: str) -> Tree | None:
        """The resource after the commit; None when it is not there."""
        return self.after[reference] if reference in self.after else self._stored(reference)

    def prior(self, reference: str) -> Tree | None:
        """The resource before the commit; None when it was not there."""
        return self.before[reference] if reference in self.before else self._stored(reference)

    def pointing(self, type: str, reference: str) -> Sequence[Tree]:
        """The resources of `type` that refer to `reference`, after the commit, oldest first."""
        name, _, id = reference.partition("/")
        definitions = self.ctx.service.definitions
        found: dict[str, Tree] = {}
        if name in definitions.types and type in definitions.types and self.before.get(reference, self) is not None:
            keys = _referring(self.ctx.service.registry, type)
            nodes = links.pointing(self.tx, keys, [(definitions.type_number(name), id)])
            rows = links.bodies(self.tx, [node.res_id for node in nodes])
            found = {f"{type}/{row.fhir_id}": stored(row.body).tree for row in rows}
        for written, tree in self.after.items():
            if written.startswith(f"{type}/"):
                found.pop(written, None)
                if tree is not None and _refers(tree, reference):
                    found[written] = tree
        return list(found.values())

    def recorded(self, tree: Tree) -> int:
        """When it was first written down: now. Of the operator's own import the extension `recorded` says it, if it is there."""
        said = reading.extension(tree, reading.RECORDED) if self.ctx.caller.is_internal else None
        text = next((said[name] for name in ("valueInstant", "valueDateTime") if name in said), None) if said else None
        return min(self.now, temporal.interval(text, self.zone).lo) if isinstance(text, str) else self.now

    def role(self, tree: Tree) -> str:
        """What the resource is to the register: as of Written.role."""
        type = tree["resourceType"]
        if type == "Encounter":
            return VISIT
        if type == "Observation":
            return LEDGER_ENTRY if reading.local_code(tree.get("code")) in posting.KINDS else OTHER
        if type == "List":
            return INVENTORY if reading.local_code(tree.get("code")) == _INVENTORY else OTHER
        if type == "Medication":
            return self._product(tree)
        if type in _GIVEN and self._is_controlled(tree):
            return _GIVEN[type]
        if type == "MedicationAdministration" and self._is_controlled(tree):
            return SEGMENT if reading.referred(tree.get("partOf"), type) else ADMINISTRATION
        return OTHER

    def policy(self, vial: str, instant: int) -> Policy:
        """The policies for the substance and the site of a vial, in force at `instant`."""
        policies, book = self.ctx.service.policies, self.books.get(vial)
        if book is None:
            return policies.of("", (), instant)
        site = self.site_of(book.place() or "")
        tree = (self.get(f"Location/{site}") if site else None) or {}
        return policies.of(book.facts.substance, (site, *(one.get("value", "") for one in tree.get("identifier", ()))), instant)

    def draws(self, encounter: str) -> Sequence[Drawn]:
        """What became of each draw of a visit, after the commit."""
        return [
            drawn
            for book in self.books.values()
            for drawn in book.draws()
            if any(line.draw == drawn.draw and line.encounter == encounter for line in book.standing() if line.kind == DRAWN)
        ]

    def opened(self, vial: str) -> int | None:
        """When the first draw from the vial happened that stands after the commit."""
        book = self.books.get(vial)
        draws = [line.occurred for line in book.standing() if line.kind == DRAWN] if book else ()
        return min(draws, default=None)

    def vial_of(self, medication: str) -> str | None:
        """The id of the first vial behind `Medication/id`."""
        for _ in range(_DEEPEST):
            tree = self.get(medication)
            if tree is None or tree["resourceType"] != "Medication":
                return None
            parts = [reading.target(one.get("itemReference")) for one in tree.get("ingredient", ())]
            source = next((one for one in parts if one and one.startswith("Medication/")), None)
            if source is None:
                return medication.removeprefix("Medication/")
            medication = source
        return None

    def book(self, vial: str) -> Book:
        """The book of a vial. Raises Unpostable when its Medication is unclear."""
        if vial not in self.books:
            self.load([vial])
        if vial not in self.books:
            raise Unpostable("cs-02", f"There is no Medication/{vial}. Name the vial by its Medication.", "Medication")
        return self.books[vial]

    def posted(self, encounters: Collection[str], sources: Collection[str]) -> set[str]:
        """The vials with a line of one of the visits (`Encounter/id`), or that one of `sources` (`Type/id`) made."""
        return ledger.vials_with(self.tx, encounters=encounters, sources=sources) if encounters or sources else set()

    def load(self, vials: Sequence[str]) -> None:
        """Read the books of the vials. Raises Unpostable when one of their Medications is unclear."""
        wanted = [one for one in vials if one not in self.books]
        rows = ledger.of_vials(self.tx, wanted)
        for vial in wanted:
            tree = self.get(f"Medication/{vial}")
            if tree is None:
                continue
            try:
                self.books[vial] = Book(vial, facts(tree), [Entry(*tuple(row)) for row in rows.get(vial, ())])
            except Unclear as error:
                raise Unpostable("cs-02", f"Medication/{vial}: {error}", error.expression) from None

    def site_of(self, safe: str) -> str:
        """The id of the site that a Location belongs to: itself when it is part of none."""
        site = safe
        for _ in range(_DEEPEST):
            tree = self.get(f"Location/{site}") if site else None
            parent = reading.target(tree.get("partOf")) if tree else None
            if tree is None or parent is None or _is_site(tree):
                break
            site = parent.removeprefix("Location/")
        return site

    def _stored(self, reference: str) -> Tree | None:
        if reference not in self._seen:
            type, _, id = reference.partition("/")
            found = None
            if type in self.ctx.service.definitions.types:
                found = versions.read(self.tx, (self.ctx.service.definitions.type_number(type), id))
            self._seen[reference] = stored(found.body).tree if found and found.body else None
        return self._seen[reference]

    def _product(self, tree: Tree) -> str:
        if any("itemReference" in one for one in tree.get("ingredient", ())):
            made_of = [self.get(one) for one in map(reading.target, (one.get("itemReference") for one in tree["ingredient"])) if one]
            is_controlled = reading.is_tagged(tree) or any(part and self._is_product(part) for part in made_of)
            return SYRINGE if is_controlled else OTHER
        return VIAL if self._is_product(tree) else OTHER

    def _is_product(self, tree: Tree) -> bool:
        if tree["resourceType"] != "Medication":
            return False
        if reading.is_tagged(tree) or reading.extension(tree, reading.SCHEDULE):
            return True
        concepts = [tree.get("code"), *(one.get("itemCodeableConcept") for one in tree.get("ingredient", ()))]
        return any(code in self.products for concept in concepts for code in reading.codings(concept))

    def _is_controlled(self, tree: Tree) -> bool:
        """Whether a draw, a receipt or an administration is about a controlled substance, whatever its tag says."""
        if reading.is_tagged(tree):
            return True
        concept = tree.get("medicationCodeableConcept") or tree.get("suppliedItem", {}).get("itemCodeableConcept")
        if any(code in self.products for code in reading.codings(concept)):
            return True
        named = reading.medication(tree)
        product = self.get(named) if named and named.startswith("Medication/") else None
        return product is not None and self._product(product) != OTHER


def _is_site(tree: Tree) -> bool:
    return any(code == "si" for _, code in reading.codings(tree.get("physicalType")))


def _refers(tree: Tree, reference: str) -> bool:
    return any(reading.target({"reference": text}) == reference for _, text in references.references(tree))


@lru_cache(maxsize=64)
def _referring(registry: Registry, type: str) -> tuple[int, ...]:
    keys = {key for code in registry.reference_codes(type) for key in registry.keys_of(type, code)}
    return tuple(sorted({*keys, registry.other_key(type)}))


def _controlled(library: Library) -> frozenset[tuple[str, str]]:
    found = library.find("ValueSet", _PRODUCTS)
    includes = found.tree["compose"]["include"] if found else ()
    return frozenset((one["system"], concept["code"]) for one in includes for concept in one.get("concept", ()))
