"""The everyday questions of an infusion clinic that other servers get silently wrong, each asked over HTTP and answered exactly.

Every question has its trap: what a server that takes a short cut would find too, or would not find.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest

from tests.stories.client import Client
from tests.stories.visit import Visit, entries

LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"
SYSTOLIC, DIASTOLIC, HEART_RATE = "8480-6", "8462-4", "8867-4"
LOCAL = "https://clinic.example/fhir/CodeSystem/ketamine-clinic"
DEVICES = 8


def _quantity(value: float, code: str) -> Any:
    return {"value": value, "unit": code, "system": UCUM, "code": code}


def _coded(code: str, system: str = LOINC) -> Any:
    return {"coding": [{"system": system, "code": code}]}


def _to(place: str) -> Any:
    return {"reference": place}


class Asked:
    """One story's records, and what a question finds among them: their ids without the story's own beginning."""

    def __init__(self, client: Client, year: int) -> None:
        self.client = client
        self.year = year
        self.patient = f"Patient/q{year}-ada"

    def id(self, name: str) -> str:
        """The id of one of the story's records."""
        return f"q{self.year}-{name}"

    def put(self, type: str, label: str, /, **members: Any) -> str:
        """Store a record under an id of its own; its place."""
        place = f"{type}/{self.id(label)}"
        answer = self.client.send("PUT", place, {"resourceType": type, "id": self.id(label), **members})
        assert answer.status in (200, 201), answer.tree
        return place

    def observe(self, label: str, code: str = HEART_RATE, minute: int = 0, /, **members: Any) -> str:
        """Store an Observation of the patient."""
        when = f"{self.year}-03-14T10:{minute:02}:00Z"
        told = {"status": "final", "code": _coded(code), "subject": _to(self.patient), "effectiveDateTime": when, **members}
        return self.put("Observation", label, **told)

    def find(self, query: str) -> list[str]:
        """The names of the matches on all pages, in their order."""
        pages = list(self.client.pages(query))
        return [one["id"].removeprefix(f"q{self.year}-") for page in pages for one in page.resources("match")]


@pytest.fixture(scope="module")
def ask(client: Client, year: int) -> Asked:
    """The clinic with a patient."""
    asked = Asked(client, year)
    asked.put("Patient", "ada", name=[{"family": "Ångström"}], identifier=[{"system": "https://clinic.example/mrn", "value": f"Q{year}"}])
    return asked


def test_q01_systolic_of_180_is_found_in_the_component_that_has_it(ask: Asked) -> None:
    """The trap: a systolic of 120 beside a diastolic of 190, in one panel."""

    def panel(name: str, systolic: int, diastolic: int) -> None:
        parts = [(SYSTOLIC, systolic), (DIASTOLIC, diastolic)]
        component = [{"code": _coded(code), "valueQuantity": _quantity(value, "mm[Hg]")} for code, value in parts]
        ask.observe(name, "85354-9", component=component)

    panel("high", 185, 95)
    panel("edge", 180, 90)
    panel("trap", 120, 190)
    panel("low", 179, 110)
    ask.observe("alone", SYSTOLIC, valueQuantity=_quantity(200, "mm[Hg]"))
    asked = quote(f"{LOINC}|{SYSTOLIC}$ge180|{UCUM}|mm[Hg]")
    assert sorted(ask.find(f"Observation?patient={ask.patient}&combo-code-value-quantity={asked}")) == ["alone", "edge", "high"]
    assert sorted(ask.find(f"Observation?patient={ask.patient}&component-code-value-quantity={asked}")) == ["edge", "high"]


def test_q02_an_infusion_that_overlaps_a_window_is_found_even_while_it_is_open(ask: Asked) -> None:
    """The trap: what began before the window, or has not ended."""
    periods = {
        "before": ("08:00", "09:00"),
        "into": ("08:30", "10:30"),
        "within": ("10:10", "10:20"),
        "around": ("08:00", "12:00"),
        "out-of": ("10:50", "12:00"),
        "open": ("09:00", None),
        "open-later": ("11:30", None),
        "after": ("11:01", "12:00"),
    }
    for name, (start, end) in periods.items():
        ends = {"end": f"{ask.year}-03-15T{end}:00Z"} if end else {}
        period = {"start": f"{ask.year}-03-15T{start}:00Z", **ends}
        status = "finished" if end else "in-progress"
        klass = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}
        ask.put("Encounter", name, status=status, period=period, subject=_to(ask.patient), **{"class": klass})
    window = f"date=ge{ask.year}-03-15T10:00:00Z&date=le{ask.year}-03-15T11:00:00Z"
    assert sorted(ask.find(f"Encounter?patient={ask.patient}&{window}")) == ["around", "into", "open", "out-of", "within"]


def _medication(ask: Asked, name: str, lot: str, schedule: str = "CIII") -> str:
    return ask.put("Medication", name, code=_coded(schedule, LOCAL), batch={"lotNumber": f"{lot}-{ask.year}"})


def _give(ask: Asked, name: str, medication: str, when: str, **members: Any) -> str:
    told = {"status": "completed", "subject": _to(ask.patient), "medicationReference": _to(medication), "effectiveDateTime": when}
    return ask.put("MedicationAdministration", name, **{**told, **members})


@pytest.fixture(scope="module")
def given(ask: Asked) -> Asked:
    """Administrations around midnight of the clinic's zone (UTC as delivered), from two lots."""
    k123, k124 = _medication(ask, "vial", "K123"), _medication(ask, "other", "K124", "CIV")
    moments = {
        "eve": (k123, "-03-13T23:59:59Z"),
        "midnight": (k123, "-03-14T00:00:00Z"),
        "offset": (k124, "-03-15T01:00:00+02:00"),
        "last": (k123, "-03-14T23:59:59Z"),
        "next": (k124, "-03-15T00:00:00Z"),
    }
    for name, (medication, when) in moments.items():
        _give(ask, name, medication, f"{ask.year}{when}")
    return ask


def test_q03_one_day_is_the_whole_day_of_the_clinics_zone_and_nothing_else(given: Asked) -> None:
    """The trap: midnight alone, or the day that an offset names."""
    found = given.find(f"MedicationAdministration?patient={given.patient}&effective-time={given.year}-03-14")
    assert sorted(found) == ["last", "midnight", "offset"]


def test_q04_newest_first_and_by_id_among_equals(given: Asked) -> None:
    """The trap: a second key that is ignored."""
    _give(given, "a-tie", f"Medication/{given.id('vial')}", f"{given.year}-03-14T23:59:59Z")
    found = given.find(f"MedicationAdministration?patient={given.patient}&_sort=-effective-time,_id&_count=2")
    assert found == ["next", "a-tie", "last", "offset", "midnight", "eve"]


def test_q05_fifty_milligrams_are_found_where_they_were_written_in_grams(ask: Asked) -> None:
    """The trap: 50 micrograms, and 50 mg/kg, which is no mass."""
    doses = {"mg": (50, "mg"), "gram": (0.05, "g"), "more": (0.06, "g"), "less": (49.9, "mg"), "micro": (50, "ug"), "weight": (50, "mg/kg")}
    for name, (value, unit) in doses.items():
        ask.observe(f"dose-{name}", "29463-7", 30, valueQuantity=_quantity(value, unit))
    asked = quote(f"{UCUM}|mg", safe="")
    base = f"Observation?patient={ask.patient}&code={LOINC}|29463-7&value-quantity="
    assert sorted(ask.find(f"{base}ge50|{asked}")) == ["dose-gram", "dose-mg", "dose-more"]
    assert sorted(ask.find(f"{base}50|{asked}")) == ["dose-gram", "dose-less", "dose-mg"]
    refused = ask.client.send("GET", f"{base}ge50|{quote(UCUM, safe='')}|mcg")
    assert refused.status == 400
    assert "ug" in refused.tree["issue"][0]["diagnostics"]


def test_q06_a_lot_is_recalled_by_what_was_given_from_it(given: Asked) -> None:
    """The trap: another lot, and another spelling of the same question."""
    lot = f"K123-{given.year}"
    found = sorted(given.find(f"MedicationAdministration?medication.lot-number={lot}"))
    assert found == sorted({"eve", "midnight", "last", *(["a-tie"] if "a-tie" in found else [])})
    assert sorted(given.find(f"MedicationAdministration?medication:Medication.lot-number={lot}")) == found
    assert sorted(given.find(f"MedicationAdministration?lot={lot}")) == found
    assert sorted(given.find(f"Medication?_has:MedicationAdministration:medication:patient={given.patient}&lot-number={lot}")) == ["vial"]


def test_q07_schedule_iii_is_what_the_value_set_says(given: Asked) -> None:
    """The trap: a schedule outside the set; a set that is not stored is refused, not empty."""
    url = f"https://clinic.example/fhir/ValueSet/schedule-3-{given.year}"
    compose = {"include": [{"system": LOCAL, "concept": [{"code": "CIII"}]}]}
    given.put("ValueSet", "schedule", url=url, status="active", compose=compose)
    assert given.find(f"Medication?code:in={url}&lot-number=K123-{given.year},K124-{given.year}") == ["vial"]
    assert given.find(f"Medication?code:not-in={url}&lot-number=K123-{given.year},K124-{given.year}") == ["other"]
    chained = given.find(f"MedicationAdministration?medication.code:in={url}&patient={given.patient}")
    assert {"eve", "midnight", "last"} <= set(chained)
    assert not {"offset", "next"} & set(chained)
    assert given.client.send("GET", f"Medication?code:in={url}-unknown").status == 400


def test_q08_a_typo_is_refused_and_told_what_would_be_understood(ask: Asked) -> None:
    """The trap: the whole record, or a modifier that silently becomes equals."""
    wrong = ask.client.send("GET", "Observation?patinet=Patient/x")
    assert wrong.status == 400
    assert "patinet" in wrong.tree["issue"][0]["diagnostics"]
    assert "patient" in wrong.tree["issue"][0]["diagnostics"].replace("patinet", "")
    modifier = ask.client.send("GET", "Patient?name:exct=Ada")
    assert modifier.status == 400
    assert ":exact" in modifier.tree["issue"][0]["diagnostics"]
    lenient = ask.client.get("Patient?patinet=x&_count=1", Prefer="handling=lenient")
    assert "patinet" not in str(lenient.link("self"))
    assert [one["resourceType"] for one in lenient.resources("outcome")] == ["OperationOutcome"]


def test_q09_the_register_is_told_what_changed_since(given: Asked) -> None:
    """The trap: a history of one record only. Changes and deletions of the whole type are told, each once."""
    since = given.client.get("MedicationAdministration?_count=1&_sort=-_lastUpdated").resources("match")[0]["meta"]["lastUpdated"]
    place = _give(given, "historic", f"Medication/{given.id('vial')}", f"{given.year}-05-01")
    _give(given, "historic", f"Medication/{given.id('vial')}", f"{given.year}-05-02")
    assert given.client.send("DELETE", place).status in (200, 204)
    changed = given.client.get(f"MedicationAdministration/_history?_since={quote(since)}").tree["entry"]
    ours = [entry["request"]["method"] for entry in changed if entry["fullUrl"].endswith(place)]
    assert ours == ["DELETE", "PUT", "PUT"]


def test_q10_two_devices_that_post_one_reading_at_once_make_one_record(ask: Asked) -> None:
    """The trap: both look, neither finds, both write."""
    value = f"reading-{ask.year}"
    system = "https://clinic.example/fhir/sid/reading"
    reading = {
        "resourceType": "Observation",
        "identifier": [{"system": system, "value": value}],
        "status": "final",
        "code": _coded(HEART_RATE),
        "subject": _to(ask.patient),
    }
    ready = threading.Barrier(DEVICES)

    def post(_: int) -> int:
        with ask.client.another() as device:
            ready.wait()
            return device.send("POST", "Observation", reading, If_None_Exist=f"identifier={system}|{value}").status

    with ThreadPoolExecutor(DEVICES) as devices:
        answers = sorted(devices.map(post, range(DEVICES)))
    assert answers == [200] * (DEVICES - 1) + [201]
    assert len(ask.find(f"Observation?identifier={system}|{value}")) == 1


@pytest.fixture
def streaming(ask: Asked) -> Iterator[None]:
    """Vitals that come in all the while, as new as the newest."""
    stop = threading.Event()

    def stream() -> None:
        with ask.client.another() as monitor:
            streamed, number = Asked(monitor, ask.year), 0
            while not stop.is_set():
                streamed.observe(f"stream-{number}", "9279-1", 20 + number % 30)
                number += 1

    writer = threading.Thread(target=stream)
    writer.start()
    yield
    stop.set()
    writer.join()


@pytest.mark.parametrize("order", ["", "&_sort=-date", "&_sort=date", "&_sort=_id"])
def test_q11_a_walk_through_the_vitals_is_whole_while_new_ones_stream_in(ask: Asked, order: str, request: pytest.FixtureRequest) -> None:
    """The trap: offsets, which slide under the reader."""
    for number in range(24):
        ask.observe(f"vital-{number:02}", "9279-1", 20 + number)
    request.getfixturevalue("streaming")
    for _ in range(2):
        found = ask.find(f"Observation?patient={ask.patient}&code={LOINC}|9279-1&_count=5{order}")
        assert len(found) == len(set(found))
        assert {f"vital-{number:02}" for number in range(24)} <= set(found)


def test_q12_the_latest_of_each_vital(ask: Asked) -> None:
    """The trap: the latest that was written rather than the latest that was measured."""
    ask.put("Patient", "lastn")
    patient = _to(f"Patient/{ask.id('lastn')}")
    for name, code, minute in [("hr-new", HEART_RATE, 9), ("hr-old", HEART_RATE, 1), ("rr-new", "9279-1", 8), ("rr-old", "9279-1", 2)]:
        ask.observe(
            f"last-{name}",
            code,
            minute,
            subject=patient,
            category=[_coded("vital-signs", "http://terminology.hl7.org/CodeSystem/observation-category")],
            valueQuantity={"value": 72, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"},
        )
    base = f"Observation/$lastn?patient={patient['reference']}&category=vital-signs"
    assert sorted(ask.find(base)) == ["last-hr-new", "last-rr-new"]
    assert sorted(ask.find(f"{base}&max=2")) == ["last-hr-new", "last-hr-old", "last-rr-new", "last-rr-old"]
    assert ask.find(f"{base}&code={LOINC}|{HEART_RATE}") == ["last-hr-new"]


def test_q13_the_whole_chart_of_an_infusion(client: Client, visit: Visit) -> None:
    """The trap: what is not in the compartment: reactions, consent, signatures, the medication itself."""
    answer = list(client.pages(f"{visit.place('Encounter')}/$everything?_count=1000"))
    found = [f"{one['resourceType']}/{one['id']}" for page in answer for one in page.resources()]
    assert len(found) == len(set(found))
    assert set(found) == _belonging(visit)


def _belonging(visit: Visit) -> set[str]:
    """All that was sent but three: the receipt of the vial into the safe, its vendor, and the count of what is in the safe."""
    sent = {visit.places[url]: one.tree for url, one in entries(visit.year)}
    receipt = next(place for place, tree in sent.items() if tree["resourceType"] == "SupplyDelivery")
    vendor = visit.places[sent[receipt]["supplier"]["reference"]]
    patient = next(url for url, place in visit.places.items() if place.startswith("Patient/"))
    counts = {place for place, tree in sent.items() if tree["resourceType"] == "Observation" and tree["subject"]["reference"] != patient}
    assert len(counts) == 1
    return sent.keys() - {receipt, vendor} - counts
