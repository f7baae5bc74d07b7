"""What devices and nurses send: one Observation, an infusion of 26 resources as a transaction, a batch of a hundred Observations.

Bodies are prepared with a mark where the number of the request goes, so that all are distinct and cost the client little.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from benchmarks import clinic
from benchmarks.client import Check, Request, post

BATCH = 100
INFUSION = 26
_MARK = b"~"
_VARIANTS = 100
_VITALS_OF_AN_INFUSION = INFUSION - 4

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Work:
    """A kind of write: its name in the report, how many connections send it, the resources in one, and the requests without end."""

    name: str
    clients: int
    resources: int
    requests: Callable[[], Iterator[Request]]


def all_works(base: str, visits: int) -> list[Work]:
    """Every kind of write, into a clinic of `visits` visits."""
    single = _observations(base, visits)
    return [
        *(Work("create one Observation", clients, 1, single) for clients in (1, 8, 16, 32)),
        Work("infusion transaction", 4, INFUSION, _numbered(base, [_transaction(visit) for visit in range(4)], _created(INFUSION))),
        Work("batch of Observations", 4, BATCH, _numbered(base, [_batch(visits)], _created(BATCH))),
    ]


def vital(visit: int, number: int) -> Json:
    """A new vital sign of a visit, without an id, its identifier marked for numbering."""
    kinds = (clinic.pressure(110 + number % 50), clinic.heart_rate(60 + number % 40), clinic.saturation(92 + number % 8))
    made = clinic.vital(visit, f"{number}-~", number % 90, kinds[number % 3])
    return {name: value for name, value in made.items() if name != "id"}


def _observations(base: str, visits: int) -> Callable[[], Iterator[Request]]:
    bodies = [_bytes(vital(number * 37 % visits, number)) for number in range(_VARIANTS)]
    return _numbered(f"{base}/Observation", bodies, _is_created)


def _numbered(path: str, bodies: list[bytes], check: Check) -> Callable[[], Iterator[Request]]:
    numbers = count()

    def requests() -> Iterator[Request]:
        for number in numbers:
            yield post(path, bodies[number % len(bodies)].replace(_MARK, b"%d" % number), check)

    return requests


def _is_created(status: int, body: bytes) -> str | None:
    return None if status == 201 and b'"versionId":"1"' in body and b'"valueQuantity"' in body else "the Observation was not created"


def _created(entries: int) -> Check:
    """A check that every entry of the Bundle answered 201."""

    def check(status: int, body: bytes) -> str | None:
        made = body.count(b'"status":"201')
        return None if status == 200 and made == entries else f"{made} of {entries} entries were created"

    return check


def _batch(visits: int) -> bytes:
    entries = [
        {"resource": vital(number * 37 % visits, number), "request": {"method": "POST", "url": "Observation"}} for number in range(BATCH)
    ]
    return _bytes({"resourceType": "Bundle", "type": "batch", "entry": entries})


def _transaction(visit: int) -> bytes:
    """A visit's Encounter (conditional), order, infusion and Procedure, and 22 vital signs, which refer to each other by urn:uuid."""
    names = {name: f"urn:uuid:{uuid5(NAMESPACE_URL, f'{name}{visit}')}" for name in ("encounter", "order", "dose", "access")}
    encounter = _without_id(clinic.encounter(visit))
    encounter["identifier"][0]["value"] += "/~"
    dose = _without_id(clinic.infusion(visit)) | {"context": {"reference": names["encounter"]}, "request": {"reference": names["order"]}}
    dose["identifier"][0]["value"] += "/~"
    vitals = [vital(visit, number) | {"encounter": {"reference": names["encounter"]}} for number in range(_VITALS_OF_AN_INFUSION)]
    condition = "identifier={system}|{value}".format(**encounter["identifier"][0])
    entries = [
        _entry(encounter, names["encounter"], condition),
        _entry(_order(visit, names["encounter"]), names["order"]),
        _entry(dose, names["dose"]),
        _entry(_access(visit, names["encounter"]), names["access"]),
        *(_entry(one) for one in vitals),
    ]
    return _bytes({"resourceType": "Bundle", "type": "transaction", "entry": entries})


def _order(visit: int, encounter: str) -> Json:
    return {
        "resourceType": "MedicationRequest",
        "status": "completed",
        "intent": "order",
        "medicationReference": {"reference": f"Medication/vial{clinic.day_of(visit)}"},
        "subject": {"reference": f"Patient/{clinic.patient_of(visit)}"},
        "encounter": {"reference": encounter},
        "authoredOn": clinic.instant(clinic.start_of(visit)),
        "requester": {"reference": "Practitioner/physician"},
        "dosageInstruction": [{"text": "Ketamine 36.4 mg IV over 52 min by syringe pump, order ~"}],
    }


def _access(visit: int, encounter: str) -> Json:
    return {
        "resourceType": "Procedure",
        "status": "completed",
        "code": {"text": "Peripheral IV catheter insertion ~"},
        "subject": {"reference": f"Patient/{clinic.patient_of(visit)}"},
        "encounter": {"reference": encounter},
        "performedDateTime": clinic.instant(clinic.start_of(visit)),
        "performer": [{"actor": {"reference": "Practitioner/nurse"}}],
    }


def _entry(resource: Json, full_url: str | None = None, condition: str | None = None) -> Json:
    request = {"method": "POST", "url": resource["resourceType"]} | ({"ifNoneExist": condition} if condition else {})
    return ({"fullUrl": full_url} if full_url else {}) | {"resource": resource, "request": request}


def _without_id(resource: Json) -> Json:
    return {name: value for name, value in resource.items() if name != "id"}


def _bytes(tree: Json) -> bytes:
    return json.dumps(tree, separators=(",", ":")).encode()
