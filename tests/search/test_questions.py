"""What people of the clinic ask, on real rows: https://hl7.org/fhir/R4/search.html."""

from typing import Any

import pytest

from service.clock import now, to_text
from tests.search.clinic import Clinic

PATIENTS = [
    {
        "resourceType": "Patient",
        "id": "ada",
        "name": [{"family": "Ångström", "given": ["Ada"]}],
        "identifier": [{"system": "http://mrn", "value": "1"}],
    },
    {
        "resourceType": "Patient",
        "id": "bob",
        "name": [{"family": "O'Brien", "given": ["Bob"]}],
        "identifier": [{"system": "http://mrn", "value": "2"}],
    },
]


def _encounter(id: str, patient: str, start: str | None, end: str | None) -> Any:
    period = {name: text for name, text in (("start", start), ("end", end)) if text}
    return {"resourceType": "Encounter", "id": id, "status": "finished", "subject": {"reference": f"Patient/{patient}"}, "period": period}


ENCOUNTERS = [
    _encounter("before", "ada", "2026-03-13T09:00:00-04:00", "2026-03-13T10:00:00-04:00"),
    _encounter("straddles", "ada", "2026-03-13T23:30:00-04:00", "2026-03-14T00:30:00-04:00"),
    _encounter("within", "bob", "2026-03-14T09:00:00-04:00", "2026-03-14T10:00:00-04:00"),
    _encounter("open", "bob", "2026-03-01T09:00:00-05:00", None),
    _encounter("years", "ada", "2020-01-01", "2027-01-01"),
    _encounter("later", "bob", "2026-03-15T09:00:00-04:00", "2026-03-15T10:00:00-04:00"),
]
CONTROLLED = {"tag": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "CTLSUB"}]}
MEDICATIONS = [
    {"resourceType": "Medication", "id": "vial", "batch": {"lotNumber": "K123"}},
    {"resourceType": "Medication", "id": "other", "batch": {"lotNumber": "K124"}},
]
ADMINISTRATIONS = [
    {
        "resourceType": "MedicationAdministration",
        "id": id,
        "meta": meta,
        "subject": {"reference": "Patient/ada"},
        "context": {"reference": "Encounter/within"},
        "medicationReference": {"reference": f"Medication/{medication}"},
        "effectivePeriod": {"start": f"{day}T09:05:00-04:00", "end": f"{day}T09:45:00-04:00"},
    }
    for id, meta, medication, day in [
        ("ketamine", CONTROLLED, "vial", "2026-03-14"),
        ("ondansetron", {}, "other", "2026-03-14"),
        ("earlier", CONTROLLED, "vial", "2026-03-10"),
    ]
]


@pytest.fixture
def day(clinic: Clinic) -> Clinic:
    """The clinic with the resources of a day."""
    clinic.put(*PATIENTS, *ENCOUNTERS, *MEDICATIONS, *ADMINISTRATIONS)
    return clinic


QUESTIONS = [
    ("Encounter", "date=2026-03-14", ["within"]),
    ("Encounter", "date=ge2026-03-14&date=le2026-03-14", ["straddles", "within", "open", "years"]),
    ("Encounter", "date=ge2026-03-14&date=lt2026-03-15&patient=bob", ["within", "open"]),
    ("Encounter", "date=gt2026-03-14", ["open", "years", "later"]),
    ("Encounter", "date=sa2026-03-13", ["within", "later"]),
    ("Encounter", "date=eb2026-03-14", ["before"]),
    ("Encounter", "date=ge2026-03-14T00:15:00-04:00&date=le2026-03-14T00:20:00-04:00", ["straddles", "open", "years"]),
    ("Encounter", "date=2026", ["before", "straddles", "within", "later"]),
    ("Encounter", "date=ne2026", ["open", "years"]),
    ("Encounter", "patient.identifier=http://mrn|2&_sort=-date", ["later", "within", "open"]),
    ("Encounter", "subject:Patient.name=angs", ["before", "straddles", "years"]),
    ("Encounter", "patient=Patient/ada,Patient/bob&_sort=date&_count=2", ["years", "open"]),
    ("Patient", "name=ANGSTROM", ["ada"]),
    ("Patient", "name:exact=ANGSTROM", []),
    ("Patient", "name:exact=Ångström", ["ada"]),
    ("Patient", "name:contains=brie", ["bob"]),
    ("Patient", "family=o'b", ["bob"]),
    ("MedicationAdministration", "medication.lot-number=K123", ["ketamine", "earlier"]),
    ("MedicationAdministration", "medication.lot-number=K999", []),
    (
        "MedicationAdministration",
        "_tag=http://terminology.hl7.org/CodeSystem/v3-ActCode|CTLSUB&effective-time=ge2026-03-14&effective-time=lt2026-03-15",
        ["ketamine"],
    ),
    ("MedicationAdministration", "effective-time=2026-03-14", ["ketamine", "ondansetron"]),
    ("MedicationAdministration", "_id=ketamine,nobody", ["ketamine"]),
    ("MedicationAdministration", "_lastUpdated=lt2000", []),
    ("MedicationAdministration", "status:missing=true&context=within&_sort=_id", ["earlier", "ketamine", "ondansetron"]),
    ("MedicationAdministration", "code:missing=false", []),
]


@pytest.mark.parametrize("turns", [2])
def test_the_clinic_gets_its_answers(day: Clinic, turns: int) -> None:
    for _ in range(turns):
        found = [(type, asked, _in_order(asked, day.ids(type, asked))) for type, asked, _ in QUESTIONS]
        assert found == [(type, asked, _in_order(asked, ids)) for type, asked, ids in QUESTIONS]


def _in_order(asked: str, ids: list[str]) -> list[str]:
    """The ids as they came where an order was asked for."""
    return ids if "_sort" in asked else sorted(ids)


def test_without_a_sort_the_newest_comes_first_and_what_has_no_date_last(day: Clinic) -> None:
    day.put({"resourceType": "Encounter", "id": "undated", "status": "planned", "subject": {"reference": "Patient/bob"}})
    assert day.ids("Encounter", "patient=bob") == ["later", "within", "open", "undated"]
    assert day.ids("Encounter", "patient=bob&_sort=date") == ["open", "within", "later", "undated"]


@pytest.mark.parametrize("asked", ["_sort=length", "_sort=-length,date", "_sort=length&status=finished", "_sort=length&patient=bob"])
def test_a_total_counts_those_without_a_value_of_the_sort_key(day: Clinic, asked: str) -> None:
    day.put({"resourceType": "Encounter", "id": "timed", "status": "planned", "length": {"value": 5}})
    matching = len(day.ids("Encounter", asked))
    for counting in ("_count=0", "_summary=count", "_count=1&_total=accurate", "_count=1&_total=estimate"):
        assert day.page("Encounter", f"{asked}&{counting}").total == matching


def test_includes_bring_what_matches_refer_to_once(day: Clinic) -> None:
    page = day.page("Encounter", "date=ge2026-03-14&date=le2026-03-14&_include=Encounter:subject")
    assert [one.id for one in page.included] == ["ada", "bob"]
    page = day.page("Encounter", "date=2026-03-14&_include=Encounter:subject:Group")
    assert page.included == ()


def test_an_include_of_everything_takes_every_reference(day: Clinic) -> None:
    page = day.page("MedicationAdministration", "_id=ketamine&_include=MedicationAdministration:*")
    assert {(one.type, one.id) for one in page.included} == {("Patient", "ada"), ("Encounter", "within"), ("Medication", "vial")}


def test_reverse_includes_bring_what_refers_to_matches(day: Clinic) -> None:
    page = day.page("Encounter", "_id=within,open&_revinclude=MedicationAdministration:context")
    assert [one.id for one in page.included] == ["ketamine", "ondansetron", "earlier"]


def test_totals_are_given_when_asked_for_or_free(day: Clinic) -> None:
    assert day.page("Encounter", "_count=2").total is None
    assert day.page("Encounter", "_count=2&_total=accurate").total == 6
    assert day.page("Encounter", "_count=0").total == 6
    assert day.page("Encounter", "date=2026-03-14").total == 1
    assert day.page("Encounter", "date=2026-03-14&_total=none").total is None


def test_deleted_resources_are_found_no_more(clinic: Clinic) -> None:
    (bob,) = clinic.put(PATIENTS[1])
    clinic.remove(bob)
    assert clinic.ids("Patient", "") == clinic.ids("Patient", "name=bob") == []
    assert clinic.rows() == 0


def test_approximately_widens_by_a_tenth_of_the_distance_from_now(clinic: Clinic) -> None:
    days = 24 * 3600 * 1_000_000
    moments = {f"{ago}-days-ago": to_text((now() - ago * days) // 1_000_000 * 1_000_000) for ago in (80, 95, 100, 105, 120)}
    clinic.put(*({"resourceType": "Observation", "id": id, "effectiveDateTime": text} for id, text in moments.items()))
    assert clinic.ids("Observation", f"date=ap{moments['100-days-ago']}") == ["95-days-ago", "100-days-ago", "105-days-ago"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("0.5", ["half"]),
        ("gt0.5", ["range"]),
        ("ge0.5", ["half", "range"]),
        ("lt0.5", ["tenth", "range"]),
        ("sa0.1", ["half", "range"]),
        ("eb0.5", ["tenth"]),
        ("ap0.48", ["half", "range"]),
        ("5e-1", ["half"]),
        ("ne0.5", ["tenth", "range"]),
    ],
)
def test_numbers_and_ranges_of_numbers(clinic: Clinic, asked: str, found: list[str]) -> None:
    predictions = {
        "tenth": {"probabilityDecimal": 0.1},
        "half": {"probabilityDecimal": 0.5},
        "range": {"probabilityRange": {"low": {"value": 0.2}, "high": {"value": 0.9}}},
    }
    clinic.put(*({"resourceType": "RiskAssessment", "id": id, "prediction": [_texts(one)]} for id, one in predictions.items()))
    assert set(clinic.ids("RiskAssessment", f"probability={asked}")) == set(found)


def _texts(prediction: Any) -> Any:
    """Numbers as text, which the extractors take like the decoder's exact ones."""
    if isinstance(prediction, dict):
        return {name: _texts(value) for name, value in prediction.items()}
    return str(prediction)


def _length(value: Any, **unit: str) -> dict[str, Any]:
    return {"valueQuantity": {"value": value, **unit}}


def test_quantities_are_sorted_by_what_they_are_in_base_units(clinic: Clinic) -> None:
    ucum = {"system": "http://unitsofmeasure.org"}
    values = {
        "milli": _length(70, code="mg", unit="mg", **ucum),
        "gram": _length(0.05, code="g", **ucum),
        "micro": _length(900, code="ug", **ucum),
        "minute": _length(72, code="/min", **ucum),
        "wrong": _length(1, code="mgs", **ucum),
        "printed": _length(2, unit="mg"),
        "none": {},
    }
    clinic.put(*({"resourceType": "Observation", "id": id, "status": "final", **one} for id, one in values.items()))
    for query in ("", "status=final&"):
        assert clinic.ids("Observation", f"{query}_sort=value-quantity,_id") == [
            "micro",
            "gram",
            "milli",
            "minute",
            "none",
            "printed",
            "wrong",
        ]
        assert clinic.ids("Observation", f"{query}_sort=-value-quantity,_id") == [
            "minute",
            "milli",
            "gram",
            "micro",
            "none",
            "printed",
            "wrong",
        ]
        assert clinic.ids("Observation", f"{query}_sort=combo-value-quantity,_id")[:4] == ["micro", "gram", "milli", "minute"]
    found, link = [], "_sort=-value-quantity,_id&_count=2"
    page = clinic.page("Observation", link)
    while page.next:
        found += [one.id for one in page.matches]
        page = clinic.page("Observation", f"{link}&_cursor={page.next}")
    assert [*found, *(one.id for one in page.matches)] == ["minute", "milli", "gram", "micro", "none", "printed", "wrong"]
