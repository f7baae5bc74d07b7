"""What the demonstration says of its controlled substances, read by nothing but the Bundles: a second opinion, made for tests."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

Tree = Mapping[str, Any]

CONTROLLED = "CTLSUB"


@dataclass
class Records:
    """The newest version of every resource that has an identifier, by the conditional reference that names it."""

    known: dict[str, Tree] = field(default_factory=dict)
    others: list[Tree] = field(default_factory=list)

    def of(self, type: str) -> list[Tree]:
        """Those of one type."""
        return [one for name, one in self.known.items() if name.startswith(f"{type}?")]


def read(bundles: list[Any]) -> Records:
    """The records, after all Bundles; references are conditional ones throughout."""
    records = Records()
    for bundle in bundles:
        names = {entry["fullUrl"]: name for entry in bundle["entry"] if (name := _name(entry["resource"]))}
        for entry in bundle["entry"]:
            tree, name = _renamed(entry["resource"], names), names.get(entry["fullUrl"])
            if name is None:
                records.others.append(tree)
            elif entry["request"]["method"] == "PUT" or name not in records.known:
                records.known[name] = tree
    return records


def _name(resource: Tree) -> str | None:
    listed = resource.get("identifier")
    if not isinstance(listed, list):
        return None
    return f"{resource['resourceType']}?identifier={listed[0]['system']}|{listed[0]['value']}"


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _renamed(inner, names) for name, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(one, names) for one in value]
    return names.get(value, value) if isinstance(value, str) else value


def code(tree: Tree) -> str:
    """The first code of an Observation."""
    return str(tree["code"]["coding"][0]["code"])


def is_controlled(tree: Tree) -> bool:
    """Whether it is tagged."""
    return any(tag["code"] == CONTROLLED for tag in tree.get("meta", {}).get("tag", ()))


def when(text: str) -> datetime:
    """An instant."""
    return datetime.fromisoformat(text)


def actors(tree: Tree) -> dict[str, str]:
    """Who took part in an entry of the ledger, by the code of the function."""
    found = {}
    for one in tree["performer"]:
        coded = one["extension"][0]["valueCodeableConcept"]["coding"][0]["code"]
        found[coded] = one["reference"]
    return found


@dataclass
class Spent:
    """A draw and what became of it, in milligrams."""

    draw: Tree
    given: list[Tree] = field(default_factory=list)
    wasted: list[Tree] = field(default_factory=list)

    @property
    def left(self) -> Decimal:
        """What nothing tells of."""
        given = sum((one["dosage"]["dose"]["value"] for one in self.given), Decimal(0))
        return Decimal(self.draw["quantity"]["value"] - given - sum(one["valueQuantity"]["value"] for one in self.wasted))


def draws(records: Records) -> list[Spent]:
    """Every draw with the administrations that name it, and the waste that is part of it."""
    found = {name: Spent(one) for name, one in records.known.items() if name.startswith("MedicationDispense?")}
    for one in records.of("MedicationAdministration"):
        if is_controlled(one) and "partOf" not in one:
            for name in _references(one.get("supportingInformation", ()), "MedicationDispense"):
                found[name].given.append(one)
    for one in records.of("Observation"):
        if code(one) == "cs-waste":
            for name in _references(one["partOf"], "MedicationDispense"):
                found[name].wasted.append(one)
    return list(found.values())


def _references(listed: Any, type: str) -> Iterator[str]:
    return (one["reference"] for one in listed if one["reference"].startswith(f"{type}?"))


def counts(records: Records) -> Iterator[tuple[Tree, Decimal]]:
    """Every count with what the book says at its instant: what came in or the label says, less every draw until then."""
    taken = [
        (one["medicationReference"]["reference"], when(one["whenHandedOver"]), one["quantity"]["value"])
        for one in records.of("MedicationDispense")
    ]
    for one in records.of("Observation"):
        if code(one) == "cs-count":
            vial, at = one["focus"][0]["reference"], when(one["effectiveDateTime"])
            strength, amount = records.known[vial]["ingredient"][0]["strength"]["numerator"], records.known[vial]["amount"]["numerator"]
            yield one, strength["value"] * amount["value"] - sum(out for name, then, out in taken if name == vial and then <= at)
