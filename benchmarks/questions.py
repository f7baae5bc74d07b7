"""What the three users ask, each with the answer that the clinic's numbers demand. Every question comes in many variants, in a cycle."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle
from urllib.parse import urlencode

from benchmarks import clinic
from benchmarks.client import Check, Request, get

_FULL_URL = re.compile(rb'"fullUrl":"[^"]*/([^"/]+)"')
_VARIANTS = 240
_STRIDE = 37
_SINCE_VISIT = 3
_AUDIT_DAYS = 5
_AUDIT_VISITS = _AUDIT_DAYS * clinic.VISITS_A_DAY


@dataclass(frozen=True, slots=True)
class Question:
    """A kind of request: its name in the report, how many connections ask it, and its variants."""

    name: str
    clients: int
    variants: tuple[Request, ...]

    def requests(self) -> Iterator[Request]:
        """The variants, again and again."""
        return cycle(self.variants)


def all_questions(base: str, visits: int) -> list[Question]:
    """Every question that a clinic of `visits` visits is asked. `base` is the path of the FHIR base."""
    chosen = [number * _STRIDE % visits for number in range(_VARIANTS)]
    ask = {
        "read by id": lambda visit: _read(base, visit),
        "vitals of a patient by code since a date, newest 50": lambda visit: _vitals(base, visit),
        "encounters of a day with their patients": lambda visit: _encounters(base, visit),
        "controlled doses of five days with their vials": lambda visit: _doses(base, min(visit, visits - _AUDIT_VISITS)),
        "doses by lot number (chain)": lambda visit: _lot(base, visit),
    }
    return [Question(name, 16, tuple(map(one, chosen))) for name, one in ask.items()]


def _read(base: str, visit: int) -> Request:
    id = f"o{visit}-bp1"
    mark, told = f'"id":"{id}"'.encode(), clinic.patient_of(visit).encode()

    def check(status: int, body: bytes) -> str | None:
        return None if status == 200 and mark in body and b'"Patient/%s"' % told in body else "not the Observation that was asked for"

    return get(f"{base}/Observation/{id}", check)


def _vitals(base: str, visit: int) -> Request:
    block, place = divmod(visit, clinic.VISITS_A_DAY * clinic.VISITS_OF_A_PATIENT)
    series = [block * 100 + place % clinic.VISITS_A_DAY + clinic.VISITS_A_DAY * number for number in range(clinic.VISITS_OF_A_PATIENT)]
    since = series[_SINCE_VISIT:]
    asked = {
        "patient": f"Patient/{clinic.patient_of(visit)}",
        "code": f"{clinic.LOINC}|{clinic.HEART_RATE}",
        "date": "ge" + clinic.instant(clinic.start_of(since[0])),
        "_sort": "-date",
        "_count": "50",
    }
    expected = [f"o{one}-hr{number}" for one in reversed(since) for number in (2, 1, 0)]
    return get(f"{base}/Observation?{urlencode(asked)}", listing(expected, ordered=True))


def _encounters(base: str, visit: int) -> Request:
    day = clinic.day_of(visit)
    date = clinic.FIRST_DAY + timedelta(days=day)
    asked = [("date", f"ge{date:%Y-%m-%d}"), ("date", f"lt{date + timedelta(days=1):%Y-%m-%d}")]
    asked += [("_include", "Encounter:subject"), ("_count", "50")]
    visits = range(day * clinic.VISITS_A_DAY, (day + 1) * clinic.VISITS_A_DAY)
    expected = [f"e{one}" for one in visits] + [clinic.patient_of(one) for one in visits]
    return get(f"{base}/Encounter?{urlencode(asked)}", listing(expected))


def _doses(base: str, visit: int) -> Request:
    day = clinic.day_of(visit)
    from_date, to_date = (clinic.FIRST_DAY + timedelta(days=one) for one in (day, day + _AUDIT_DAYS))
    asked = [("_tag", f"{clinic.ACT_CODE}|{clinic.CONTROLLED}"), ("effective-time", f"ge{from_date:%Y-%m-%d}")]
    asked += [("effective-time", f"lt{to_date:%Y-%m-%d}"), ("_include", "MedicationAdministration:medication"), ("_count", "50")]
    days = range(day, day + _AUDIT_DAYS)
    doses = range(day * clinic.VISITS_A_DAY, day * clinic.VISITS_A_DAY + _AUDIT_VISITS)
    expected = [f"a{one}" for one in doses] + [f"vial{one}" for one in days]
    return get(f"{base}/MedicationAdministration?{urlencode(asked)}", listing(expected))


def _lot(base: str, visit: int) -> Request:
    day = clinic.day_of(visit)
    expected = [f"a{one}" for one in range(day * clinic.VISITS_A_DAY, (day + 1) * clinic.VISITS_A_DAY)]
    return get(f"{base}/MedicationAdministration?{urlencode({'medication.lot-number': clinic.lot_of(day)})}", listing(expected))


def listing(expected: list[str], ordered: bool = False) -> Check:
    """A check that the searchset holds exactly the resources with these ids, in this order if `ordered`."""
    wanted = [id.encode() for id in expected]
    if not ordered:
        wanted.sort()

    def check(status: int, body: bytes) -> str | None:
        found = _FULL_URL.findall(body)
        if not ordered:
            found.sort()
        return None if status == 200 and found == wanted else f"not the {len(wanted)} resources that were asked for, but {len(found)}"

    return check
