"""Two patients, A and B, everything that can lead from one to the other, and for each stored content a word that stands nowhere else.

What a content says of whom it belongs to is written down beside it, so that what may be seen is known without asking the service.
"""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from service.fhir.document import Document
from service.records.change import Delete, Update
from service.records.commit import commit
from service.records.context import Context, Service
from tests.access import TESTS

CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
CTLSUB = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "CTLSUB"}
XHTML = '<div xmlns="http://www.w3.org/1999/xhtml">{}</div>'


@dataclass(frozen=True)
class Content:
    """One version: whose it is (`patients`), its Observation category, and its word; a deletion has none."""

    patients: frozenset[str] = frozenset()
    category: str = ""
    word: str = ""

    @property
    def is_deletion(self) -> bool:
        """Whether it ended the resource."""
        return not self.word


@dataclass(frozen=True)
class Kept:
    """One resource and all that it ever said, oldest first."""

    type: str
    id: str
    versions: list[Content] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Its address below the base."""
        return f"{self.type}/{self.id}"

    @property
    def last(self) -> Content:
        """What it said when it last lived."""
        return next(one for one in reversed(self.versions) if not one.is_deletion)

    @property
    def is_deleted(self) -> bool:
        """Whether it is gone."""
        return self.versions[-1].is_deletion


@dataclass
class World:
    """What was stored, by address."""

    service: Service
    kept: dict[str, Kept] = field(default_factory=dict)

    def put(self, type: str, id: str, patients: str = "", category: str = "", /, **content: Any) -> None:
        """Store one version, with its word in the narrative (of a Binary: in its data)."""
        one = self.kept.setdefault(f"{type}/{id}", Kept(type, id))
        word = f"word{type}{id}version{len(one.versions) + 1}end"
        says: dict[str, Any] = {"text": {"status": "generated", "div": XHTML.format(word)}}
        if type == "Binary":
            word = b64encode(word.encode()).decode().rstrip("=")
            says = {"contentType": "text/plain", "data": word + "=" * (-len(word) % 4)}
        coded = {"category": [{"coding": [{"system": CATEGORY, "code": category}]}]} if category else {}
        tree = {"resourceType": type, "id": id, **says, **coded, **content}
        commit(Context(self.service, TESTS), [Update(type, id, Document.of(tree))])
        one.versions.append(Content(frozenset(patients), category, word))

    def delete(self, type: str, id: str) -> None:
        """End a resource."""
        commit(Context(self.service, TESTS), [Delete(type, id)])
        self.kept[f"{type}/{id}"].versions.append(Content())

    def of_type(self, type: str) -> Iterator[Kept]:
        """The resources of a type."""
        return (one for one in self.kept.values() if one.type == type)


def built(service: Service) -> World:
    """The world of the leak tests."""
    world = World(service)
    for clinic in "AB":
        world.put("Organization", f"clinic{clinic}", name=f"Clinic {clinic}")
    world.put("Practitioner", "doctor", active=True)
    world.put("PractitionerRole", "role", active=True, practitioner=_to("Practitioner/doctor"), organization=_to("Organization/clinicA"))
    world.put("Location", "room", name="Room")
    world.put("Medication", "vial", meta={"tag": [CTLSUB]})
    for patient in "AB":
        _record(world, patient)
    world.put("Device", "free")
    world.put("Observation", "focusA", "A", "laboratory", **_seen("A"), focus=[_to("Patient/personB")])
    world.put("Observation", "focusB", "B", "laboratory", **_seen("B"), focus=[_to("Patient/personA")])
    world.put(
        "Group", "both", "AB", type="person", actual=True, member=[{"entity": _to("Patient/personA")}, {"entity": _to("Patient/personB")}]
    )
    entries = [{"item": _to("Patient/personA")}, {"item": _to("Patient/personB")}]
    world.put("List", "both", "A", status="current", mode="working", subject=_to("Patient/personA"), entry=entries)
    world.put("Binary", "scan")
    attached = [{"attachment": {"contentType": "text/plain", "url": "Binary/scan"}}]
    world.put("DocumentReference", "letterA", "A", status="current", subject=_to("Patient/personA"), content=attached)
    signed = {"recorded": "2026-01-01T10:00:00Z", "agent": [{"who": _to("Practitioner/doctor")}]}
    world.put("Provenance", "signsA", "A", **signed, target=[_to("Patient/personA"), _to("Observation/vitalA")])
    world.put("Provenance", "signsBoth", "AB", **signed, target=[_to("Patient/personA"), _to("Patient/personB")])
    world.put("Provenance", "signsB", "B", **signed, target=[_to("Patient/personB")])
    _changes(world)
    return world


def _record(world: World, patient: str) -> None:
    name = {"name": [{"family": f"Family{patient}"}], "telecom": [{"system": "phone", "value": f"555000{ord(patient)}"}]}
    world.put(
        "Patient", f"person{patient}", patient, **name, managingOrganization=_to(f"Organization/clinic{patient}"), birthDate="1980-01-01"
    )
    visit = {"status": "in-progress", "class": {"code": "AMB"}, "location": [{"location": _to("Location/room")}]}
    world.put("Encounter", f"visit{patient}", patient, **visit, subject=_to(f"Patient/person{patient}"))
    seen = _seen(patient) | {"encounter": _to(f"Encounter/visit{patient}")}
    world.put("Observation", f"vital{patient}", patient, "vital-signs", **seen)
    world.put("Observation", f"lab{patient}", patient, "laboratory", **seen)
    dose = {"medicationReference": _to("Medication/vial"), "status": "not-done", "effectiveDateTime": "2026-01-01T10:00:00Z"}
    world.put(
        "MedicationAdministration", f"dose{patient}", patient, meta={"tag": [CTLSUB]}, **dose, subject=_to(f"Patient/person{patient}")
    )
    world.put("AdverseEvent", f"event{patient}", patient, actuality="actual", subject=_to(f"Patient/person{patient}"))
    world.put("Device", f"pump{patient}", patient, patient=_to(f"Patient/person{patient}"))
    world.put("Observation", f"gone{patient}", patient, "vital-signs", **seen)
    world.delete("Observation", f"gone{patient}")


def _changes(world: World) -> None:
    """What changed hands, and what changed its category."""
    world.put("Observation", "moved", "A", "vital-signs", **_seen("A"))
    world.put("Observation", "moved", "B", "vital-signs", **_seen("B"))
    world.put("Observation", "sorted", "A", "vital-signs", **_seen("A"))
    world.put("Observation", "sorted", "A", "laboratory", **_seen("A"))


def _seen(patient: str) -> dict[str, Any]:
    value = {"value": 120, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"}
    about = {
        "status": "final",
        "code": {"coding": [{"system": "urn:leaks", "code": "pressure"}]},
        "subject": _to(f"Patient/person{patient}"),
    }
    return {**about, "effectiveDateTime": "2026-01-01T10:00:00Z", "valueQuantity": value}


def _to(address: str) -> dict[str, str]:
    return {"reference": address}
