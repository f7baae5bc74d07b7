"""Who wrote the records of a visit, and who passed them on: the Provenance that US Core wants beside each record.

http://hl7.org/fhir/us/core/STU6.1/StructureDefinition-us-core-provenance.html
"""

from collections.abc import Iterator

from fhir.resources.R4B.provenance import Provenance
from fhir.resources.R4B.reference import Reference

from service.demo import chart, codes, premises
from service.demo.elements import concept, named
from service.demo.schedule import Kind
from service.demo.visit import Visit

TRANSMITTER = codes.Code("http://hl7.org/fhir/us/core/CodeSystem/us-core-provenance-participant-type", "transmitter", "Transmitter")
_WRITTEN = frozenset({"Condition", "Encounter", "Medication", "MedicationDispense", "MedicationRequest", "Observation", "Procedure"})


def add_authorship(visit: Visit) -> None:
    """The nurse wrote the visit down for the clinic, and the chart with it; the clinic passes it on. Added when all else is."""
    if visit.brief:
        return
    author = concept(codes.hl7("provenance-participant-type", "author", "Author"))
    visit.transaction.add(
        "written",
        Provenance,
        target=[*_chart(visit), *_records(visit)],
        recorded=visit.at(300),
        agent=[
            {"type": author, "who": visit.nurse, "onBehalfOf": premises.clinic()},
            {"type": concept(TRANSMITTER), "who": premises.clinic()},
        ],
    )


def _chart(visit: Visit) -> Iterator[Reference]:
    """What the chart held before the visit."""
    mrn, kind = visit.plan.mrn, visit.plan.kind
    yield visit.patient
    yield chart.indication(mrn)
    yield named("AllergyIntolerance", "allergy", f"{mrn}-1")
    if kind is not Kind.CONSULT:
        yield named("Goal", "goal", f"{mrn}-1")
        if kind is not Kind.BOOSTER:
            yield named("CarePlan", "care-plan", f"{mrn}-1")


def _records(visit: Visit) -> Iterator[Reference]:
    for entry in visit.transaction.entries:
        kind = entry["resource"]["resourceType"]
        if kind in _WRITTEN:
            yield Reference(reference=entry["fullUrl"], type=kind)
