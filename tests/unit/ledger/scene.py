"""A record in memory for the rules of controlled substances: a Scene that a test fills, and that counts what it is asked."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

from service.errors import Issue
from service.fhir import temporal
from service.fhir.document import Number, stored
from service.ledger import reading, scene
from service.ledger.amount import micrograms
from service.ledger.policy import Policy
from service.ledger.scene import Actor, Drawn, Tree, Written

INTERNAL = Actor("service", None, True, True)
CHARTING = Actor("charting", None, True, False)
"""A system that may write for others."""

_EXAMPLE = Path(__file__).parents[2] / "data" / "example-visit.json"
_NOT_POSTED = {"entered-in-error", "not-done", "in-progress", "preparation", "on-hold", "cancelled", "declined", "unknown"}


def instant(text: str) -> int:
    """A date or time in microseconds: its first one."""
    return temporal.interval(text, UTC).lo


def tree(resource: Mapping[str, Any]) -> dict[str, Any]:
    """A resource as the record holds it: decimals with their digits."""
    return dict(stored(json.dumps(resource, default=float)).tree)


@dataclass
class FakeScene:
    """The record before and after a commit, by `Type/id`.

    `asked` collects the (type, reference) of every `pointing` and ("opened", vial), `judged_by` the (vial, instant) of every `policy`.
    `made` overrides what `draws` works out; `written_down` the instants of `recorded` by reference.
    """

    after: dict[str, Tree] = field(default_factory=dict)
    before: dict[str, Tree] = field(default_factory=dict)
    writes: list[Written] = field(default_factory=list)
    now: int = instant("2026-11-17T20:00:00Z")
    zone: tzinfo = UTC
    actor: Actor = CHARTING
    policies: Policy = field(default_factory=Policy)
    made: list[Drawn] | None = None
    written_down: dict[str, int] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    judged_by: set[tuple[str, int]] = field(default_factory=set)

    def get(self, reference: str) -> Tree | None:
        return self.after.get(reference)

    def prior(self, reference: str) -> Tree | None:
        return self.before.get(reference)

    def pointing(self, type: str, reference: str) -> Sequence[Tree]:
        self.asked.append((type, reference))
        return [one for name, one in self.after.items() if name.startswith(f"{type}/") and reference in set(_references(one))]

    def role(self, tree: Tree) -> str:
        return role(self, tree)

    def policy(self, vial: str, instant: int) -> Policy:
        self.judged_by.add((vial, instant))
        return self.policies

    def vial_of(self, medication: str) -> str | None:
        found = self.after.get(medication)
        behind = _behind(found) if found else None
        return medication.removeprefix("Medication/") if found and behind is None else self.vial_of(behind) if behind else None

    def recorded(self, tree: Tree) -> int:
        return self.written_down.get(f"{tree['resourceType']}/{tree['id']}", self.now)

    def opened(self, vial: str) -> int | None:
        self.asked.append(("opened", vial))
        draws = [one for one in self.after.values() if self.role(one) == scene.DRAW and reading.medication(one) == f"Medication/{vial}"]
        return min((found for one in draws if one["status"] == "completed" and (found := reading.occurred(one, self.zone))), default=None)

    def draws(self, encounter: str) -> Sequence[Drawn]:
        if self.made is not None:
            return self.made
        return [self._drawn(one) for one in self.after.values() if self.role(one) == scene.DRAW and reading.visit(one) == encounter]

    def _drawn(self, draw: Tree) -> Drawn:
        reference = f"MedicationDispense/{draw['id']}"
        around = [one for one in self.after.values() if reference in set(_references(one)) and one.get("status") not in _NOT_POSTED]
        given = sum(micrograms(one["dosage"]["dose"]) for one in around if self.role(one) == scene.ADMINISTRATION)
        wasted, returned = (
            sum(micrograms(one["valueQuantity"]) for one in around if reading.local_code(one.get("code")) == code)
            for code in ("cs-waste", "cs-return")
        )
        drawn = micrograms(draw["quantity"])
        vial = self.vial_of(reading.medication(draw) or "") or ""
        return Drawn(draw["id"], vial, drawn, given, wasted, returned, drawn - given - wasted - returned)

    def put(self, resource: Mapping[str, Any], **changes: Any) -> Written:
        """Write a resource in this commit: `changes` replace its elements, None takes one away. Answers with the write."""
        changed = {name: value for name, value in {**resource, **changes}.items() if value is not None}
        written = self._written(tree(changed))
        self.writes = [one for one in self.writes if one.reference != written.reference] + [written]
        return written

    def keep(self, resource: Mapping[str, Any], since: str = "2026-01-01T00:00:00Z", **changes: Any) -> Tree:
        """Have a resource in the record since before this commit; its version is of the instant `since`."""
        changed = {name: value for name, value in {**resource, **changes}.items() if value is not None}
        kept = tree({**changed, "meta": {**changed.get("meta", {}), "lastUpdated": since}})
        self.before[_name(kept)] = self.after[_name(kept)] = kept
        self.writes = [one for one in self.writes if one.reference != _name(kept)]
        return kept

    def remove(self, reference: str) -> Written:
        """Delete a resource in this commit."""
        gone = self.after.pop(reference)
        written = Written(len(self.writes), gone["resourceType"], gone["id"], self.role(gone), None, self.before.get(reference), 2, False)
        self.writes.append(written)
        return written

    def settle(self) -> None:
        """Everything is committed: what was written is what was there before."""
        since = "2026-11-17T20:00:00Z"
        for one in list(self.after.values()):
            self.keep(one, since)
        self.writes = []

    def of(self, reference: str) -> Written:
        """The write of a resource in this commit."""
        return next(one for one in self.writes if one.reference == reference)

    def _written(self, fresh: Tree) -> Written:
        name = _name(fresh)
        self.after[name] = fresh
        before = self.before.get(name)
        here = next((one.entry for one in self.writes if one.reference == name), len(self.writes))
        return Written(here, fresh["resourceType"], fresh["id"], self.role(fresh), fresh, before, 2 if before else 1, before is not None)

    def findings(self, rules: Sequence[Any], written: Written) -> list[Issue]:
        """What rules say of a write."""
        return [issue for rule in rules for issue in rule(self, written)]


def role(around: FakeScene, tree: Tree) -> str:
    """The role of a resource, by the letter of Written.role."""
    kind = tree["resourceType"]
    if kind == "Encounter":
        return scene.VISIT
    if not reading.is_tagged(tree):
        return scene.OTHER
    if kind == "Medication":
        return scene.SYRINGE if _behind(tree) else scene.VIAL
    if kind == "MedicationAdministration":
        return scene.SEGMENT if reading.referred(tree.get("partOf"), kind) else scene.ADMINISTRATION
    found = {"SupplyDelivery": scene.RECEIPT, "MedicationDispense": scene.DRAW, "Observation": scene.LEDGER_ENTRY, "List": scene.INVENTORY}
    return found.get(kind, scene.OTHER)


def example(zone: tzinfo = UTC) -> FakeScene:
    """The example visit as one commit: ids are `type-n` with n the place in the Bundle, as `medicationdispense-79`."""
    text = _EXAMPLE.read_text(encoding="utf-8")
    entries = json.loads(text)["entry"]
    names = {entry["fullUrl"]: f"{entry['resource']['resourceType']}/{_id(entry, n)}" for n, entry in enumerate(entries)}
    text = re.sub(r'"(urn:uuid:[0-9a-f-]{36})"', lambda found: json.dumps(names.get(found[1], found[1])), text)
    around = FakeScene(zone=zone)
    for n, entry in enumerate(stored(text).tree["entry"]):
        around.writes.append(replace(around._written({**entry["resource"], "id": _id(entry, n)}), entry=n))
    return around


def changed(tree: Tree, path: str, value: Any) -> dict[str, Any]:
    """A copy with one element replaced; `path` as in `dosage.dose.value`, numbers are places in lists; None takes it away."""
    copy = json.loads(json.dumps(tree, default=lambda one: float(one) if isinstance(one, Number) else str(one)))
    *above, last = path.split(".")
    here = copy
    for step in above:
        here = here[int(step)] if step.isdigit() else here[step]
    if value is None:
        del here[int(last) if last.isdigit() else last]
    else:
        here[int(last) if last.isdigit() else last] = value
    return dict(copy)


def _id(entry: Mapping[str, Any], number: int) -> str:
    return f"{entry['resource']['resourceType'].lower()}-{number}"


def _name(tree: Tree) -> str:
    return f"{tree['resourceType']}/{tree['id']}"


def _behind(tree: Tree) -> str | None:
    return next((found for one in tree.get("ingredient", ()) if (found := reading.target(one.get("itemReference")))), None)


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if found := reading.target(value):
            yield found
        for one in value.values():
            yield from _references(one)
    elif isinstance(value, list):
        for one in value:
            yield from _references(one)
