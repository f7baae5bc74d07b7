"""An auditor asks which controlled substances were given, by whom, to whom, and where one lot went: with the role `auditor`."""

from service.fhir.document import encode
from tests.stories.client import Client
from tests.stories.visit import Visit, address, entries, lot

_TAG = "http://terminology.hl7.org/CodeSystem/v3-ActCode|CTLSUB"


def _why(place: str, who: str) -> str:
    """The Provenance of an amendment, as a header."""
    entity = {"role": "revision", "what": {"reference": place}}
    return encode(
        {
            "resourceType": "Provenance",
            "recorded": "2026-11-21T10:00:00Z",
            "agent": [{"who": {"reference": who}}],
            "reason": [{"text": "Completed after review"}],
            "entity": [entity],
        }
    )


def _log(year: int) -> str:
    return f"MedicationAdministration?_tag={_TAG}&effective-time=ge{year}-11-01&effective-time=lt{year}-12-01"


def test_administration_log(auditor: Client, visit: Visit) -> None:
    """Parent and segments with patient, performers, medication, encounter, order, and the signature; no ondansetron."""
    includes = "".join(
        f"&_include=MedicationAdministration:{name}" for name in ("subject", "performer", "medication", "context", "request")
    )
    answer = auditor.get(f"{_log(visit.year)}{includes}&_revinclude=Provenance:target")
    given = answer.resources("match")
    assert sorted(one["identifier"][0]["value"].split("/")[1] for one in given) == ["ket", "ket-seg1", "ket-seg2"]
    doses = {one["identifier"][0]["value"].split("/")[1]: one["dosage"]["dose"]["value"] for one in given}
    assert doses["ket"] == doses["ket-seg1"] + doses["ket-seg2"]
    kinds = sorted(one["resourceType"] for one in answer.resources("include"))
    patient = next(one for one in answer.resources("include") if one["resourceType"] == "Patient")
    assert set(patient) - {"resourceType", "id", "meta"} == {"identifier", "name", "address", "birthDate"}
    assert kinds == ["Encounter", "Medication", "MedicationRequest", "Patient", "Practitioner", "Practitioner", "Provenance"]


def test_outside_the_month_there_is_nothing(auditor: Client, visit: Visit) -> None:
    """The same question about December."""
    assert (
        auditor.get(
            f"MedicationAdministration?_tag={_TAG}&effective-time=ge{visit.year}-12-01&effective-time=lt{visit.year + 1}-01-01"
        ).resources()
        == []
    )


def test_one_lot_by_chain(auditor: Client, visit: Visit) -> None:
    """From the lot of the vial to what was given and what was drawn."""
    given = auditor.get(f"MedicationAdministration?medication.lot-number={lot(visit.year)}").resources("match")
    assert len(given) == 3
    drawn = auditor.get(f"MedicationDispense?medication.lot-number={lot(visit.year)}").resources("match")
    assert [one["quantity"]["value"] for one in drawn] == [50]
    assert auditor.get("MedicationAdministration?medication.lot-number=KET24A000").resources() == []


def test_the_clinic_asks_in_its_own_words(charting: Client, auditor: Client, visit: Visit) -> None:
    """One lot without a chain; who witnessed; what was entered long after the fact."""
    given = auditor.get(f"MedicationAdministration?lot={lot(visit.year)}").resources("match")
    assert len(given) == 3
    assert auditor.get("MedicationAdministration?lot=KET24A000").resources() == []
    subject = given[0]["subject"]["reference"]
    late = f"MedicationAdministration?subject={subject}&entry-lag=gt24|http://unitsofmeasure.org|h"
    early = f"MedicationAdministration?subject={subject}&entry-lag=le24|http://unitsofmeasure.org|h"
    every = {one["id"] for one in auditor.get(f"MedicationAdministration?subject={subject}").resources("match")}
    answers = [{one["id"] for one in auditor.get(asked).resources("match")} for asked in (late, early)]
    assert answers[0] | answers[1] == every
    assert not answers[0] & answers[1]
    someone = visit.place("Practitioner", 2)
    assert auditor.get(f"MedicationAdministration?subject={subject}&witness={someone}").resources() == []
    witness = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/med-admin-perform-function", "code": "witness"}]}
    body = {**given[0], "performer": [*given[0]["performer"], {"function": witness, "actor": {"reference": someone}}]}
    place = f"MedicationAdministration/{given[0]['id']}"
    etag = charting.get(place).headers["ETag"]
    assert charting.send("PUT", place, body, If_Match=etag, X_Provenance=_why(place, visit.place("Practitioner", 1))).status == 200
    seen = auditor.get(f"MedicationAdministration?subject={subject}&witness={someone}").resources("match")
    assert [one["id"] for one in seen] == [given[0]["id"]]


def test_everything_under_the_tag(auditor: Client, visit: Visit) -> None:
    """The ledger's records are set apart from the ordinary ones by their tag."""
    narrowed = {
        "Medication": f"lot-number={lot(visit.year)}",
        "SupplyDelivery": f"identifier=L-{visit.year}-008702",
        "MedicationDispense": f"whenhandedover={visit.day}",
        "Observation": f"date={visit.day}",
    }
    found = {kind: len(auditor.get(f"{kind}?_tag={_TAG}&{more}").resources("match")) for kind, more in narrowed.items()}
    assert found == {"Medication": 2, "SupplyDelivery": 1, "MedicationDispense": 1, "Observation": 2}


def test_amendments_stay_visible(charting: Client, auditor: Client, visit: Visit) -> None:
    """A correction is a new version; the old one can be read."""
    place = visit.place("MedicationAdministration")
    first = charting.get(place)
    body = {**first.tree, "note": [*first.tree["note"], {"text": "Reviewed."}]}
    assert charting.send("PUT", place, body, If_Match=first.headers["ETag"]).status == 422
    assert (
        charting.send("PUT", place, body, If_Match=first.headers["ETag"], X_Provenance=_why(place, visit.place("Practitioner", 1))).status
        == 200
    )
    assert [one["meta"]["versionId"] for one in auditor.get(f"{place}/_history").resources()] == ["2", "1"]
    assert "Reviewed." not in str(auditor.get(f"{place}/_history/1").tree)


def test_of_other_patients_there_is_nothing(charting: Client, auditor: Client, visit: Visit) -> None:
    """Who was given no controlled substance does not exist for an auditor; diagnoses and vital signs are out of reach for all."""
    other = charting.send("POST", "Patient", {"resourceType": "Patient", "name": [{"family": f"Unseen-{visit.year}"}]})
    place = address(other.headers["Location"])
    hidden, never = auditor.send("GET", place), auditor.send("GET", f"Patient/{'0' * len(place.split('/')[1])}")
    assert (hidden.status, never.status) == (404, 404)
    assert auditor.get(f"Patient?family=Unseen-{visit.year}").resources() == []
    assert auditor.get(visit.place("Patient")).tree["id"] == visit.place("Patient").split("/")[1]
    assert auditor.send("GET", visit.place("Condition")).status == 403
    vital = next(visit.places[url] for url, one in entries(visit.year) if "vital-signs" in str(one.tree.get("category")))
    assert auditor.send("GET", vital).status == 404
    assert auditor.send("PUT", visit.place("MedicationAdministration"), {"resourceType": "MedicationAdministration"}).status == 403
