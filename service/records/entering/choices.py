"""What there is to choose from: visits, orders, suppliers and safes, as far as who fills in the form may see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from service.ledger import reading
from service.records.context import Context
from service.records.entering import looking
from service.records.entering.elements import SID
from service.records.entering.looking import Tree
from service.security.roles import Rule

OPEN_VISITS = "arrived,triaged,in-progress,onleave"
"""The statuses of visits that go on, as a search takes them."""
_DEA = "http://terminology.hl7.org/NamingSystem/USDEANumber"
_VIAL = f"{SID}vial"
_LOCATION_KIND = "http://terminology.hl7.org/CodeSystem/location-physical-type"
_CABINET = "ca"
_MOST = "100"
_MOST_PLACES = "500"
_DEEPEST = 5


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit that goes on, and its patient, where that may be read."""

    tree: Tree
    patient: Tree | None

    @property
    def reference(self) -> str:
        """`Encounter/id`."""
        return f"Encounter/{self.tree['id']}"


def visits(ctx: Context) -> list[Visit]:
    """The visits that go on, the latest first."""
    asked = [("status", OPEN_VISITS), ("_sort", "-date"), ("_count", _MOST), ("_include", "Encounter:subject")]
    found, people = looking.several(ctx, "Encounter", asked, "the visits that go on")
    return [Visit(one, people.get(reading.patient(one) or "")) for one in found]


def visit(ctx: Context, id: str) -> Visit:
    """One visit. Raises NotFound like any read."""
    tree = looking.one(ctx, f"Encounter/{id}")
    patient = reading.patient(tree)
    return Visit(tree, looking.one(ctx, patient) if patient else None)


def orders(ctx: Context, visit: str) -> list[Tree]:
    """The orders of a visit that hold or have been carried out."""
    asked = [("encounter", visit), ("status", "active,completed"), ("_count", _MOST)]
    return looking.several(ctx, "MedicationRequest", asked, "the orders of a visit")[0]


def suppliers(ctx: Context) -> list[Tree]:
    """The Organizations with a registration of the DEA that are not the caller's own."""
    found, _ = looking.several(ctx, "Organization", [("identifier", f"{_DEA}|"), ("_count", _MOST)], "the suppliers")
    return [one for one in found if one["id"] not in ctx.caller.organizations]


def safes(ctx: Context) -> list[Tree]:
    """The cabinets of the clinics that the caller works for; of all, for who is not kept to them."""
    found, _ = looking.several(ctx, "Location", [("_count", _MOST_PLACES)], "the safes")
    places = {f"Location/{one['id']}": one for one in found}
    cabinets = [one for one in found if (_LOCATION_KIND, _CABINET) in reading.codings(one.get("physicalType"))]
    if Rule.OWN_SITE not in ctx.caller.rules:
        return cabinets
    own = {f"Organization/{id}" for id in ctx.caller.organizations}
    return [one for one in cabinets if _manager(one, places) in own]


def known_serials(ctx: Context, serials: Sequence[str]) -> list[str]:
    """Those of some serial numbers that a vial has already. They have no characters that mean something in a search."""
    asked = [("identifier", ",".join(f"{_VIAL}|{one}" for one in serials)), ("_count", _MOST)]
    found, _ = looking.several(ctx, "Medication", asked, "vials by serial number")
    there = {one.get("value") for tree in found for one in tree.get("identifier", ()) if one.get("system") == _VIAL}
    return [one for one in serials if one in there]


def _manager(place: dict[str, Any], places: dict[str, Tree]) -> str | None:
    """Who manages the place, or the nearest place around it that says so."""
    for _ in range(_DEEPEST):
        manager = reading.target(place.get("managingOrganization"))
        around = places.get(reading.target(place.get("partOf")) or "")
        if manager or around is None:
            return manager
        place = around
    return None
