"""What no expression can state: the lot as a chain, when something was recorded, and how long after the fact."""

from typing import Any

import pytest

from service.search import computed
from tests.search.clinic import Clinic

R5 = "http://hl7.org/fhir/5.0/StructureDefinition/extension-MedicationAdministration.recorded"
OWN = "https://clinic.example/fhir/StructureDefinition/recorded"
PERFORMER = "http://terminology.hl7.org/CodeSystem/med-admin-perform-function"


def _given(id: str, recorded: str | None = None, url: str = R5, **members: Any) -> dict[str, Any]:
    extension = {"extension": [{"url": url, "valueDateTime": recorded}]} if recorded else {}
    tree = {"resourceType": "MedicationAdministration", "id": id, "status": "completed", **extension, **members}
    return {"medicationCodeableConcept": {"text": "ketamine"}, **tree}


def _seen(id: str, recorded: str | None = None, **members: Any) -> dict[str, Any]:
    extension = {"extension": [{"url": OWN, "valueDateTime": recorded}]} if recorded else {}
    return {"resourceType": "Observation", "id": id, "status": "final", "code": {"text": "mood"}, **extension, **members}


def test_a_lot_is_that_of_the_medication(clinic: Clinic) -> None:
    vials = [{"resourceType": "Medication", "id": lot.lower(), "batch": {"lotNumber": lot}} for lot in ("KET1", "KET2")]
    given = [_given(lot, medicationReference={"reference": f"Medication/{lot}"}) for lot in ("ket1", "ket2")]
    clinic.put(*vials, *given, _given("unknown"))
    assert clinic.ids("MedicationAdministration", "lot=KET1") == ["ket1"]
    assert sorted(clinic.ids("MedicationAdministration", "lot=KET1,KET2")) == ["ket1", "ket2"]
    assert clinic.ids("MedicationAdministration", "lot:missing=true") == ["unknown"]
    assert sorted(clinic.ids("MedicationAdministration", "lot:missing=false")) == ["ket1", "ket2"]


def test_what_was_recorded_today_is_found_by_the_day_of_its_first_version(clinic: Clinic) -> None:
    (first,) = clinic.put(_seen("o", effectiveDateTime="2020-01-01T10:00:00Z"))
    clinic.update(first, status="amended")
    clinic.put(_given("m"))
    for type, id in (("Observation", "o"), ("MedicationAdministration", "m")):
        assert clinic.ids(type, "recorded=ge2026") == [id]
        assert clinic.ids(type, "recorded=lt2026") == []
        assert clinic.ids(type, "recorded:missing=true") == []
        assert clinic.ids(type, "_sort=-recorded") == [id]


def test_imported_history_says_when_it_was_recorded(clinic: Clinic) -> None:
    clinic.put(
        _given("r5", "2019-05-01T12:00:00Z"),
        _given("own", "2018-05-01T12:00:00Z", url=OWN),
        _given("later", "2199-01-01T00:00:00Z"),
        _seen("seen", "2017-05-01T12:00:00Z"),
        _seen("other", extension=[{"url": R5, "valueDateTime": "2016-05-01T12:00:00Z"}]),
    )
    assert clinic.ids("MedicationAdministration", "recorded=2019-05-01") == ["r5"]
    assert clinic.ids("MedicationAdministration", "recorded=2018") == ["own"]
    assert clinic.ids("MedicationAdministration", "recorded=gt2100") == []
    assert clinic.ids("Observation", "recorded=2017") == ["seen"]
    assert clinic.ids("Observation", "recorded=2016") == []


@pytest.mark.parametrize(
    ("effective", "seconds"),
    [
        ({"effectiveDateTime": "2019-05-01T11:00:00Z"}, "3600"),
        ({"effectiveDateTime": "2019-05-01T11:59:59.250Z"}, "0.75"),
        ({"effectivePeriod": {"start": "2019-05-01T10:00:00Z", "end": "2019-05-01T11:59:00Z"}}, "7200"),
        ({"effectiveDateTime": "2019-05-01T13:00:00Z"}, "-3600"),
        ({"effectiveDateTime": "2019-05-01"}, "28800"),
    ],
)
def test_the_lag_is_the_time_from_the_beginning_to_the_record(clinic: Clinic, effective: dict[str, Any], seconds: str) -> None:
    clinic.put(_given("m", "2019-05-01T12:00:00Z", **effective), _seen("o", "2019-05-01T12:00:00Z", **effective))
    assert clinic.ids("MedicationAdministration", f"entry-lag={seconds}|http://unitsofmeasure.org|s") == ["m"]
    assert clinic.ids("Observation", f"entry-lag={seconds}|http://unitsofmeasure.org|s") == ["o"]


def test_late_entries_are_found_in_any_unit_of_time(clinic: Clinic) -> None:
    clinic.put(
        _given("late", "2019-05-03T12:00:00Z", effectiveDateTime="2019-05-01T12:00:00Z"),
        _given("soon", "2019-05-01T12:10:00Z", effectiveDateTime="2019-05-01T12:00:00Z"),
    )
    assert clinic.ids("MedicationAdministration", "entry-lag=gt24|http://unitsofmeasure.org|h") == ["late"]
    assert clinic.ids("MedicationAdministration", "entry-lag=2|http://unitsofmeasure.org|d") == ["late"]
    assert clinic.ids("MedicationAdministration", "entry-lag=lt15|http://unitsofmeasure.org|min") == ["soon"]
    assert clinic.ids("MedicationAdministration", "entry-lag=gt86400") == ["late"]
    assert clinic.ids("MedicationAdministration", "_sort=-entry-lag") == ["late", "soon"]


@pytest.mark.parametrize("effective", [{}, {"effectivePeriod": {"end": "2019-05-01T10:00:00Z"}}, {"effectiveDateTime": "soon"}])
def test_what_has_no_beginning_has_no_lag(clinic: Clinic, effective: dict[str, Any]) -> None:
    clinic.put(_given("m", "2019-05-01T12:00:00Z", **effective))
    assert clinic.ids("MedicationAdministration", "entry-lag:missing=true") == ["m"]


def test_who_witnessed_is_not_who_performed(clinic: Clinic) -> None:
    performers = [
        {"function": {"coding": [{"system": PERFORMER, "code": "performer"}]}, "actor": {"reference": "Practitioner/rn"}},
        {"function": {"coding": [{"code": "x"}, {"system": PERFORMER, "code": "witness"}]}, "actor": {"reference": "Practitioner/seer"}},
        {"function": {"coding": [{"system": "http://other", "code": "witness"}]}, "actor": {"reference": "Practitioner/other"}},
        {"actor": {"reference": "Practitioner/unsaid"}},
    ]
    clinic.put(_given("m", performer=performers), _given("alone", performer=performers[:1]))
    assert clinic.ids("MedicationAdministration", "witness=Practitioner/seer") == ["m"]
    for nobody in ("rn", "other", "unsaid"):
        assert clinic.ids("MedicationAdministration", f"witness=Practitioner/{nobody}") == []
    assert clinic.ids("MedicationAdministration", "witness:missing=true") == ["alone"]


def test_dose_route_and_part(clinic: Clinic) -> None:
    dose = {"value": 32.2, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}
    route = {"coding": [{"system": "http://r", "code": "iv"}]}
    clinic.put(
        _given("whole", dosage={"dose": dose, "route": route}),
        _given("part", partOf=[{"reference": "MedicationAdministration/whole"}]),
    )
    assert clinic.ids("MedicationAdministration", "dose=gt0.032|http://unitsofmeasure.org|g") == ["whole"]
    assert clinic.ids("MedicationAdministration", "route=http://r|iv") == ["whole"]
    assert clinic.ids("MedicationAdministration", "part-of=MedicationAdministration/whole") == ["part"]
    assert clinic.ids("MedicationAdministration", "part-of.route=iv") == ["part"]


@pytest.mark.parametrize(
    ("tree", "asked"),
    [
        ({"resourceType": "AdverseEvent", "encounter": {"reference": "Encounter/e"}}, "encounter=Encounter/e"),
        ({"resourceType": "AdverseEvent", "subject": {"reference": "Patient/p"}}, "patient=p"),
        ({"resourceType": "AdverseEvent", "outcome": {"coding": [{"code": "resolved"}]}}, "outcome=resolved"),
        ({"resourceType": "AdverseEvent", "recordedDate": "2026-11-17"}, "recorded=2026-11-17"),
        ({"resourceType": "AdverseEvent", "event": {"coding": [{"code": "nausea"}]}}, "code=nausea"),
        ({"resourceType": "SupplyDelivery", "occurrenceDateTime": "2026-11-17"}, "occurrence=2026-11-17"),
        ({"resourceType": "Flag", "status": "active"}, "status=active"),
        ({"resourceType": "DetectedIssue", "status": "final"}, "status=final"),
        ({"resourceType": "AuditEvent", "purposeOfEvent": [{"coding": [{"code": "TREAT"}]}]}, "purpose=TREAT"),
        ({"resourceType": "AuditEvent", "agent": [{"purposeOfUse": [{"coding": [{"code": "TREAT"}]}]}]}, "purpose=TREAT"),
    ],
    ids=lambda value: value if isinstance(value, str) else value["resourceType"],
)
def test_the_holes_of_r4_are_filled(clinic: Clinic, tree: dict[str, Any], asked: str) -> None:
    clinic.put({**tree, "id": "yes"}, {"resourceType": tree["resourceType"], "id": "no"})
    assert clinic.ids(tree["resourceType"], asked) == ["yes"]


def test_a_computation_that_does_not_exist_is_named(clinic: Clinic) -> None:
    row = {"code": "x", "type": "date", "url": "http://x", "extension": [{"url": computed.COMPUTED, "valueCode": "guessed"}]}
    with pytest.raises(ValueError, match="'guessed' on Patient"):
        computed.computed("Patient", row, clinic.registry.reading)
