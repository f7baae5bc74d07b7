"""The record around a commit, for the rules of the register and for posting: what will be there when the commit is done.

One scene serves one commit inside its transaction. What it reads it reads once.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import lru_cache

from service.fhir import reference as references
from service.fhir import temporal
from service.fhir.document import stored
from service.ledger import posting, reading
from service.ledger.book import Book
from service.ledger.entry import DRAWN, Entry
from service.ledger.policy import Policy
from service.ledger.scene import (
    ADMINISTRATION,
    DRAW,
    INVENTORY,
    LEDGER_ENTRY,
    OTHER,
    RECEIPT,
    SEGMENT,
    VISIT,
    Actor,
    Drawn,
    Tree,
    Written,
)
from service.ledger.stated import Unpostable
from service.ledger.vial import Unclear, facts
from service.records.context import Context
from service.records.register import products
from service.search import links
from service.search.parameter import Registry
from service.storage import ledger, versions
from service.storage.database import Transaction

_INVENTORY = "cs-inventory"
_PRODUCTS_AND_DRAWS = ("Medication/", "MedicationDispense/")
_TYPES = frozenset({"Medication", "MedicationAdministration", "MedicationDispense", "SupplyDelivery"})
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
    _sites: dict[str, str] = field(default_factory=dict)
    _policies: dict[tuple[str, int], Policy] = field(default_factory=dict)
    _products: frozenset[tuple[str, str]] | None = None

    @property
    def products(self) -> frozenset[tuple[str, str]]:
        """The codes of products that are controlled whatever their label says."""
        if self._products is None:
            self._products = products.codes(self.ctx.service.library)
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
    def wants_receipts(self) -> bool:
        """Whether nothing is taken from a vial before its receipt."""
        return self.ctx.service.settings.vial_opening == "receipt"

    @property
    def actor(self) -> Actor:
        """Who makes the commit. A person writes in the own name, whatever the scopes are: systems alone write for others."""
        caller = self.ctx.caller
        may = caller.is_internal or (caller.user is None and caller.grant.has("ledger.write"))
        return Actor(caller.client, caller.user, may, caller.is_internal, self.ctx.beside)

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
            found = {f"{type}/{row.fhir_id}": local(self.ctx, row.body) for row in rows}
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
            return products.role(tree, self.get, self.products)
        if type in _GIVEN and products.is_controlled(tree, self.get, self.products):
            return _GIVEN[type]
        if type == "MedicationAdministration" and products.is_controlled(tree, self.get, self.products):
            return SEGMENT if reading.referred(tree.get("partOf"), type) else ADMINISTRATION
        return OTHER

    def policy(self, vial: str, instant: int) -> Policy:
        """The policies for the substance and the site of a vial, in force at `instant`."""
        known = self._policies.get((vial, instant))
        if known is None:
            known = self._policies[vial, instant] = self._policy(vial, instant)
        return known

    def policies_of(self, vial: str) -> Callable[[int], str]:
        """The version of the policies for a vial that was in force at an instant."""
        return lambda instant: self.policy(vial, instant).version

    def _policy(self, vial: str, instant: int) -> Policy:
        substance, site = self._belonging(vial)
        tree = (self.get(f"Location/{site}") if site else None) or {}
        names = (site, *(one.get("value", "") for one in tree.get("identifier", ())))
        return self.ctx.service.policies.of(substance, names, instant)

    def _belonging(self, vial: str) -> tuple[str, str]:
        """Substance and site of a vial; of one whose book is not open here as the ledger knows it."""
        book = self.books.get(vial)
        if book is not None:
            return book.facts.substance, self.site_of(book.place() or "")
        known = ledger.vials(self.tx, [vial]).get(vial) if vial else None
        return (known.substance, known.site) if known else ("", "")

    def draws(self, encounter: str) -> Sequence[Drawn]:
        """What became of each draw that was made for a visit or used in it, after the commit."""
        found: list[Drawn] = []
        for book in self.books.values():
            own = {line.draw for line in book.standing() if line.draw and line.encounter == encounter}
            found += [drawn for drawn in book.draws() if drawn.draw in own] if own else []
        return found

    def opened(self, vial: str) -> int | None:
        """When the first draw from the vial happened that stands after the commit."""
        book = self.books.get(vial)
        draws = [line.occurred for line in book.standing(DRAWN)] if book else ()
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

    def foresee(self) -> None:
        """Read at once what decides the roles of the writes: products and draws."""
        self._fetch(one for one in self._cited() if one.startswith(_PRODUCTS_AND_DRAWS))

    def settle(self) -> None:
        """Read at once what is looked at next, now that visits and vials are locked."""
        behind = [tree for tree in self._seen.values() if tree is not None]
        beyond = (reading.target({"reference": text}) for tree in behind for _, text in references.references(tree))
        self._fetch((*self._cited(), *(one for one in beyond if one and one.startswith("Medication/"))))
        parents = [tree.get("partOf") for name, tree in self._seen.items() if name.startswith("Location/") and tree is not None]
        self._fetch(one for one in map(reading.target, parents) if one)

    def _cited(self) -> Iterator[str]:
        """What the records of the register in this commit refer to."""
        for tree in (tree for reference, tree in self.after.items() if tree is not None and _may_concern(reference, tree)):
            for _, text in references.references(tree):
                found = reading.target({"reference": text})
                if found:
                    yield found

    def _fetch(self, wanted: Iterable[str]) -> None:
        types = self.ctx.service.definitions.types
        unseen = dict.fromkeys(one for one in wanted if one not in self._seen and one not in self.after and one.partition("/")[0] in types)
        if unseen:
            number = self.ctx.service.definitions.type_number
            keys = {(number(one.partition("/")[0]), one.partition("/")[2]): one for one in unseen}
            rows = versions.read_several(self.tx, keys)
            for key, reference in keys.items():
                row = rows.get(key)
                self._seen[reference] = local(self.ctx, row.body) if row and row.body else None

    def site_of(self, safe: str) -> str:
        """The id of the site that a Location belongs to: itself when it is part of none."""
        if safe not in self._sites:
            self._sites[safe] = self._site_of(safe)
        return self._sites[safe]

    def _site_of(self, safe: str) -> str:
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
            self._seen[reference] = local(self.ctx, found.body) if found and found.body else None
        return self._seen[reference]


def local(ctx: Context, text: str) -> Tree:
    """The tree of a resource in which what this server has is referred to without its base: what has another base is elsewhere."""
    base = f'"{ctx.service.settings.base_url}/'
    tree: Tree = stored(text.replace(base, '"') if base in text else text).tree
    return tree


def _may_concern(reference: str, tree: Tree) -> bool:
    """Whether it can be a record of the register, by its type and code alone."""
    type = reference.partition("/")[0]
    return type in _TYPES or (type == "Observation" and reading.local_code(tree.get("code")) in posting.KINDS)


def _is_site(tree: Tree) -> bool:
    return any(code == "si" for _, code in reading.codings(tree.get("physicalType")))


def _refers(tree: Tree, reference: str) -> bool:
    return any(reading.target({"reference": text}) == reference for _, text in references.references(tree))


@lru_cache(maxsize=64)
def _referring(registry: Registry, type: str) -> tuple[int, ...]:
    keys = {key for code in registry.reference_codes(type) for key in registry.keys_of(type, code)}
    return tuple(sorted({*keys, registry.other_key(type)}))
