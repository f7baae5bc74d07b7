"""The demonstration is history that is imported: its controlled-substance records say when they were first written down.

Without that, every one of them would be a late entry on the day of the load. The service believes it of an import only.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from service.demo import codes

Tree = dict[str, Any]

RECORDED = "https://clinic.example/fhir/StructureDefinition/recorded"
LATE_REASON = "https://clinic.example/fhir/StructureDefinition/late-entry-reason"
_WHEN: Mapping[str, tuple[str, ...]] = {
    "List": ("date",),
    "MedicationAdministration": ("effectivePeriod", "effectiveDateTime"),
    "MedicationDispense": ("whenHandedOver",),
    "Observation": ("issued",),
    "SupplyDelivery": ("occurrenceDateTime",),
}


def told_in_time(bundle: Tree) -> Tree:
    """The Bundle, each of its controlled-substance records written down a minute after the event, unless it says otherwise."""
    return bundle | {"entry": [entry | {"resource": _told(entry["resource"])} for entry in bundle["entry"]]}


def late(when: datetime, reason: str) -> list[Tree]:
    """The extensions of a record that was made at `when`, for a reason that is stated."""
    return [{"url": RECORDED, "valueDateTime": when.isoformat()}, {"url": LATE_REASON, "valueString": reason}]


def _told(resource: Tree) -> Tree:
    names = _WHEN.get(resource["resourceType"])
    tags = resource.get("meta", {}).get("tag", ())
    extensions = resource.get("extension", [])
    if names is None or all(tag["code"] != codes.CONTROLLED.code for tag in tags) or any(one["url"] == RECORDED for one in extensions):
        return resource
    value = next(resource[name] for name in names if name in resource)
    end = datetime.fromisoformat(value["end"] if isinstance(value, dict) else value)
    stated = {"url": RECORDED, "valueDateTime": (end + timedelta(minutes=1)).isoformat()}
    first = {"resourceType": resource["resourceType"], "meta": resource["meta"], "extension": [stated, *extensions]}
    return first | {name: inner for name, inner in resource.items() if name not in first}
