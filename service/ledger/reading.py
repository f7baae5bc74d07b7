"""What a FHIR resource says about controlled substances. Every function takes a tree that the gate has passed."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import Any

from service.clock import to_datetime
from service.fhir import temporal

Tree = Mapping[str, Any]

CLINIC = "https://clinic.example/fhir/CodeSystem/ketamine-clinic"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
LEDGER_SYSTEM = "https://clinic.example/fhir/sid/cs-ledger"
SCHEDULE = "https://clinic.example/fhir/StructureDefinition/dea-schedule"
FUNCTION = "http://hl7.org/fhir/StructureDefinition/event-performerFunction"
DESTINATION = "https://clinic.example/fhir/StructureDefinition/transfer-destination"
RECORDED = "https://clinic.example/fhir/StructureDefinition/recorded"
LATE_REASON = "https://clinic.example/fhir/StructureDefinition/late-entry-reason"
TAG = "CTLSUB"
PERFORMER, WITNESS = "PRF", "WIT"
_FUNCTIONS = {"performer": PERFORMER, "witness": WITNESS, "verifier": "VRF"}
_OCCURRED: Mapping[str, Sequence[str]] = {
    "SupplyDelivery": ("occurrenceDateTime", "occurrencePeriod"),
    "MedicationDispense": ("whenHandedOver", "whenPrepared"),
    "MedicationAdministration": ("effectivePeriod", "effectiveDateTime"),
    "Observation": ("effectiveDateTime", "effectiveInstant", "effectivePeriod", "effectiveTiming", "issued"),
    "List": ("date",),
    "Encounter": ("period",),
}


def is_tagged(tree: Tree) -> bool:
    """Whether the resource is marked as a controlled-substance record."""
    return any(tag.get("system") == ACT_CODE and tag.get("code") == TAG for tag in tree.get("meta", {}).get("tag", ()))


def codings(concept: object) -> Iterator[tuple[str, str]]:
    """(system, code) of each coding of a CodeableConcept."""
    for coding in concept.get("coding", ()) if isinstance(concept, Mapping) else ():
        yield coding.get("system", ""), coding.get("code", "")


def local_code(concept: object) -> str | None:
    """The first code of the clinic's own code system."""
    return next((code for system, code in codings(concept) if system == CLINIC), None)


def target(value: object) -> str | None:
    """`Type/id` of a literal relative reference, without a version; None of anything else, as of what another server has."""
    text = value.get("reference") if isinstance(value, Mapping) else None
    if not isinstance(text, str) or text.startswith(("#", "urn:")) or "://" in text:
        return None
    parts = text.partition("/_history/")[0].split("/")
    return "/".join(parts[-2:]) if len(parts) >= 2 else None


def extension(tree: Tree, url: str) -> Tree | None:
    """The first extension with this URL."""
    return next((one for one in tree.get("extension", ()) if one.get("url") == url), None)


def actors(tree: Tree, function: str) -> list[str]:
    """`Type/id` of those who took part with the function PRF (performer), WIT (witness) or VRF (verifier).

    In a draw and an administration a performer without a function is who did it; in an Observation the function stands in an extension. In
    a receipt the first receiver did it and the others witnessed.
    """
    kind = tree["resourceType"]
    if kind == "SupplyDelivery":
        named = [target(one) for one in tree.get("receiver", ())]
        chosen = named[:1] if function == PERFORMER else named[1:] if function == WITNESS else []
    elif kind == "Observation":
        chosen = [target(one) for one in tree.get("performer", ()) if _function(extension(one, FUNCTION)) == function]
    elif kind == "List":
        chosen = [target(tree.get("source"))] if function == PERFORMER else []
    else:
        chosen = [target(one.get("actor")) for one in tree.get("performer", ()) if _acted(one.get("function")) == function]
    return [one for one in chosen if one is not None]


def _function(found: Tree | None) -> str:
    return _acted(found.get("valueCodeableConcept") if found else None)


def _acted(concept: object) -> str:
    """The code, in the words of v3-ParticipationType."""
    code = next((code for _, code in codings(concept)), PERFORMER)
    return _FUNCTIONS.get(code, code)


def medication(tree: Tree) -> str | None:
    """`Medication/id` that a draw, administration, order, receipt or ledger entry is about."""
    if tree["resourceType"] == "Observation":
        return next((found for one in tree.get("focus", ()) if (found := target(one)) and found.startswith("Medication/")), None)
    if tree["resourceType"] == "SupplyDelivery":
        return target(tree.get("suppliedItem", {}).get("itemReference"))
    return target(tree.get("medicationReference"))


def visit(tree: Tree) -> str | None:
    """`Encounter/id` that it belongs to."""
    found = target(tree.get("encounter") or tree.get("context"))
    return found if found and found.startswith("Encounter/") else None


def patient(tree: Tree) -> str | None:
    """`Patient/id` that it is about."""
    found = target(tree.get("subject") or tree.get("patient"))
    return found if found and found.startswith("Patient/") else None


def referred(values: object, type: str) -> list[str]:
    """`Type/id` of each reference of a list that is to `type`."""
    found = [target(one) for one in values] if isinstance(values, Sequence) else []
    return [one for one in found if one is not None and one.startswith(f"{type}/")]


def occurred(tree: Tree, zone: tzinfo) -> int | None:
    """When it happened, in microseconds: the end of a period, the whole of an instant. None when nothing says so."""
    span = happened(tree, zone)
    return span[1] if span else None


def happened(tree: Tree, zone: tzinfo) -> tuple[int, int] | None:
    """From when to when it happened, in microseconds; both the same for an instant. The end of what still runs is its start."""
    first, last = _texts(tree)
    if first is None or last is None:
        return None
    return temporal.interval(first, zone).lo, temporal.interval(last, zone).lo


def has_time_of_day(tree: Tree) -> bool:
    """Whether it says when it happened, to the second: a date alone orders nothing."""
    return all(text is not None and "T" in text for text in _texts(tree))


def _texts(tree: Tree) -> tuple[str | None, str | None]:
    value = next((tree[name] for name in _OCCURRED.get(tree["resourceType"], ()) if name in tree), None)
    first, last = (value.get("start"), value.get("end")) if isinstance(value, Mapping) else (value, value)
    first, last = first or last, last or first
    return (first if isinstance(first, str) else None), (last if isinstance(last, str) else None)


def moment(instant: int, zone: tzinfo) -> str:
    """An instant as people of the clinic read it: date, time and offset. One outside the years 1 to 9999 is told in microseconds."""
    try:
        return to_datetime(instant).astimezone(zone).isoformat(timespec="seconds")
    except OverflowError:
        return f"{instant} microseconds from 1970"
