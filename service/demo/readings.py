"""What a gateway would post, as files beside its token: a reading, a wrong one, and a batch of one of each.

They name patient and device by their ids, as a gateway does that reads nothing; so they are made for the database that is served.
"""

from pathlib import Path
from typing import Any

from service.demo import codes, premises
from service.demo.admission import FOLDER, literal, write_private
from service.demo.elements import named
from service.fhir.document import encode
from service.records.context import Context
from service.security.roles import CATEGORY

_MRN = "KET-000205"
_HEART_RATE = "8867-4"


def write(ctx: Context, folder: Path = FOLDER) -> None:
    """Write `reading.json`, `wrong.json` and `batch.json`: the same bytes for the same database."""
    own = {
        "subject": {"reference": literal(ctx, named("Patient", "mrn", _MRN))},
        "device": {"reference": literal(ctx, premises.monitor(1))},
    }
    wrong = _reading("12:22", 70, own) | {"status": "finel"}
    batch = [_reading("12:21", 71, own), wrong]
    write_private(folder / "reading.json", encode(_reading("12:20", 72, own)))
    write_private(folder / "wrong.json", encode(wrong))
    write_private(folder / "batch.json", encode({"resourceType": "Bundle", "type": "batch", "entry": [_entry(one) for one in batch]}))


def _reading(time: str, rate: int, own: dict[str, Any]) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"system": CATEGORY, "code": "vital-signs"}]}],
        "code": {"coding": [{"system": codes.LOINC, "code": _HEART_RATE}]},
        "effectiveDateTime": f"2026-11-17T{time}:00-08:00",
        "valueQuantity": {"value": rate, "unit": "/min", "system": codes.UCUM, "code": "/min"},
        **own,
    }


def _entry(resource: dict[str, Any]) -> dict[str, Any]:
    return {"resource": resource, "request": {"method": "POST", "url": "Observation"}}
