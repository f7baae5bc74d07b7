"""What the CapabilityStatement says of implementation guides: the profiles supported, and the combinations of search parameters.

The profiles of the clinic are all those in the library; of US Core and of R4's vital signs it is those that the clinic's records claim.
The combinations are those that US Core asks of a server, as far as their parameters can be searched here.
http://hl7.org/fhir/us/core/STU6.1/CapabilityStatement-us-core-server.html, https://hl7.org/fhir/R4/capabilitystatement.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

from service.fhir.library import Library

Tree = dict[str, Any]

US_CORE = "http://hl7.org/fhir/us/core/"
SERVER = US_CORE + "CapabilityStatement/us-core-server"
GUIDE = US_CORE + "ImplementationGuide/hl7.fhir.us.core|6.1.0"
COMBINATION = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-search-parameter-combination"
_PARTS = frozenset({"required", "optional"})
_US_CORE_PROFILES = (
    "allergyintolerance", "blood-pressure", "body-temperature", "body-weight", "careplan", "condition-encounter-diagnosis",
    "condition-problems-health-concerns", "encounter", "goal", "heart-rate", "location", "medication", "medicationdispense",
    "medicationrequest", "observation-screening-assessment", "organization", "patient", "practitioner", "practitionerrole", "procedure",
    "provenance", "pulse-oximetry", "relatedperson", "respiratory-rate",
)  # fmt: skip
_R4_PROFILES = ("bodytemp", "bodyweight", "bp", "heartrate", "oxygensat", "resprate", "vitalsigns")
_CLAIMED = (
    *(f"{US_CORE}StructureDefinition/us-core-{name}" for name in _US_CORE_PROFILES),
    *(f"http://hl7.org/fhir/StructureDefinition/{name}" for name in _R4_PROFILES),
)


def supported(library: Library) -> dict[str, list[str]]:
    """The canonical URLs of the profiles supported, by resource type: the clinic's first, each group in the order of their URLs."""
    found: dict[str, list[str]] = {}
    for tree in _profiles(library):
        found.setdefault(tree["type"], []).append(tree["url"])
    return found


def _profiles(library: Library) -> Iterator[Mapping[str, Any]]:
    for own in library.all("StructureDefinition", "clinic"):
        if own.tree["kind"] == "resource":
            yield own.tree
    for url in _CLAIMED:
        if other := library.find("StructureDefinition", url):
            yield other.tree


def combinations(library: Library, type: str, codes: frozenset[str]) -> list[Tree]:
    """The extensions that name the combinations of search parameters that US Core asks for, among the parameters `codes` of a type."""
    found = library.find("CapabilityStatement", SERVER)
    rows = [row for rest in found.tree["rest"] for row in rest["resource"] if row["type"] == type] if found else []
    stated = (one for row in rows for one in row.get("extension", ()) if one["url"] == COMBINATION)
    plain = ([part for part in one["extension"] if part["url"] in _PARTS] for one in stated)
    usable = (parts for parts in plain if all(part["valueString"] in codes for part in parts))
    ordered = sorted(usable, key=lambda parts: [part["valueString"] for part in parts])
    return [{"url": COMBINATION, "extension": parts} for parts in ordered]


def guides(library: Library) -> list[str]:
    """The implementation guides that the service follows."""
    return [*library.urls("ImplementationGuide"), GUIDE]
