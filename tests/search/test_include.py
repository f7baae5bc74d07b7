"""`_include` and `_revinclude`, on each database: https://hl7.org/fhir/R4/search.html#include."""

from urllib.parse import parse_qsl

import pytest

from service.search.execute import execute
from service.search.parse import Options, parse
from service.search.sight import UNLIMITED
from service.storage.database import Database
from tests.search.clinic import Clinic, Json


def refers(target: str) -> Json:
    return {"reference": target}


URL = "http://forms.example/Questionnaire/intake"
RECORD: list[Json] = [
    {"resourceType": "Organization", "id": "owner"},
    {"resourceType": "Organization", "id": "clinic", "partOf": refers("Organization/owner")},
    {"resourceType": "Practitioner", "id": "nurse"},
    {"resourceType": "Patient", "id": "ada", "managingOrganization": refers("Organization/clinic")},
    {"resourceType": "Patient", "id": "bob", "link": [{"other": refers("Patient/ada"), "type": "seealso"}]},
    {"resourceType": "Encounter", "id": "whole", "subject": refers("Patient/ada"), "serviceProvider": refers("Organization/clinic")},
    {"resourceType": "Encounter", "id": "part", "subject": refers("Patient/ada"), "partOf": refers("Encounter/whole")},
    {"resourceType": "Encounter", "id": "piece", "subject": refers("Patient/ada"), "partOf": refers("Encounter/part")},
    {
        "resourceType": "Observation",
        "id": "bp",
        "subject": refers("Patient/ada"),
        "encounter": refers("Encounter/piece"),
        "performer": [refers("Practitioner/nurse"), refers("Organization/clinic"), refers("Practitioner/gone")],
    },
    {"resourceType": "Observation", "id": "pulse", "subject": refers("Patient/ada"), "hasMember": [refers("Observation/bp")]},
    {"resourceType": "Provenance", "id": "signed", "target": [refers("Observation/bp/_history/1")]},
    {"resourceType": "Provenance", "id": "entered", "target": [refers("Observation/bp"), refers("Observation/pulse")]},
    {"resourceType": "Questionnaire", "id": "first", "url": URL, "version": "1"},
    {"resourceType": "Questionnaire", "id": "second", "url": URL, "version": "2"},
    {"resourceType": "QuestionnaireResponse", "id": "to-second", "questionnaire": f"{URL}|2"},
    {"resourceType": "QuestionnaireResponse", "id": "to-any", "questionnaire": URL},
]


@pytest.fixture
def record(clinic: Clinic) -> Clinic:
    """A visit with parts, who took part in it, and a questionnaire of two versions."""
    clinic.put(*RECORD)
    return clinic


def brought(clinic: Clinic, type: str, asked: str) -> list[str]:
    """What one page includes, each as Type/id; nothing twice, and nothing that is a match."""
    page = clinic.page(type, asked)
    found = [(one.type, one.id, one.version) for one in page.included]
    assert len(set(found)) == len(found)
    assert not set(found) & {(one.type, one.id, one.version) for one in page.matches}
    assert page.issues == ()
    return sorted(f"{type}/{id}" for type, id, _ in found)


FOLLOWED = [
    ("Observation", "_include=Observation:subject", ["Patient/ada"]),
    ("Observation", "_include=Observation:subject:Group", []),
    ("Observation", "_include=Observation:performer:Practitioner", ["Practitioner/nurse"]),
    ("Observation", "_include=Observation:performer", ["Organization/clinic", "Practitioner/nurse"]),
    ("Observation", "_id=bp&_include=*", ["Encounter/piece", "Organization/clinic", "Patient/ada", "Practitioner/nurse"]),
    ("Observation", "_id=bp&_include=Observation:*:Patient", ["Patient/ada"]),
    ("Observation", "_id=pulse&_include=Observation:has-member", ["Observation/bp"]),
    ("Observation", "_include=Observation:has-member", []),
    ("Observation", "_id=bp&_include=Observation:subject&_include:iterate=Patient:organization", ["Organization/clinic", "Patient/ada"]),
    ("Patient", "_id=bob&_include=Patient:link", ["Patient/ada"]),
    ("Patient", "_id=ada&_revinclude=Encounter:subject", ["Encounter/part", "Encounter/piece", "Encounter/whole"]),
    ("Patient", "_id=ada&_revinclude=Patient:link", ["Patient/bob"]),
    ("Patient", "_id=nobody&_revinclude=Encounter:subject", []),
    ("Practitioner", "_revinclude=*", ["Observation/bp"]),
    ("Organization", "_id=clinic&_revinclude=*", ["Encounter/whole", "Observation/bp", "Patient/ada"]),
    ("Observation", "_id=bp&_revinclude=Provenance:target", ["Provenance/entered", "Provenance/signed"]),
    ("Observation", "_id=bp&_revinclude=Provenance:*", ["Provenance/entered", "Provenance/signed"]),
    ("Provenance", "_id=entered&_include=Provenance:target", ["Observation/bp", "Observation/pulse"]),
]

ITERATED = [
    ("Encounter", "_id=piece&_include=Encounter:part-of", ["Encounter/part"]),
    ("Encounter", "_id=piece&_include:iterate=Encounter:part-of", ["Encounter/part", "Encounter/whole"]),
    ("Encounter", "_id=whole&_revinclude:iterate=Encounter:part-of", ["Encounter/part", "Encounter/piece"]),
    ("Encounter", "_id=whole,piece&_include:iterate=Encounter:part-of", ["Encounter/part"]),
    (
        "Encounter",
        "_id=piece&_include=Encounter:subject&_include:iterate=Patient:organization&_include:iterate=Organization:partof",
        ["Organization/clinic", "Organization/owner", "Patient/ada"],
    ),
    ("Encounter", "_id=piece&_include=Encounter:subject&_include:iterate=Organization:partof", ["Patient/ada"]),
    (
        "Encounter",
        "_id=piece&_revinclude=Observation:encounter&_revinclude:iterate=Provenance:target",
        ["Observation/bp", "Provenance/entered", "Provenance/signed"],
    ),
    ("Patient", "_id=bob&_include:iterate=Patient:link&_revinclude:iterate=Patient:link", ["Patient/ada"]),
]


def test_includes_follow_references(record: Clinic) -> None:
    for type, asked, included in FOLLOWED:
        assert brought(record, type, asked) == included, asked


def test_an_iterated_include_goes_on_from_what_was_included(record: Clinic) -> None:
    for type, asked, included in ITERATED:
        assert brought(record, type, asked) == included, asked


def test_a_reference_to_a_version_brings_that_version(clinic: Clinic) -> None:
    *_, bp = clinic.put(*RECORD[:9])
    clinic.put(*RECORD[9:12])
    clinic.update(bp, status="amended")
    page = clinic.page("Provenance", "_id=signed&_include=Provenance:target")
    assert [(one.id, one.version) for one in page.included] == [("bp", 1)]
    page = clinic.page("Provenance", "_id=signed,entered&_include=Provenance:target")
    assert sorted((one.id, one.version) for one in page.included) == [("bp", 1), ("bp", 2), ("pulse", 1)]


def test_canonical_urls_bring_the_version_that_they_name(record: Clinic) -> None:
    asked = "&_include=QuestionnaireResponse:questionnaire"
    assert brought(record, "QuestionnaireResponse", "_id=to-second" + asked) == ["Questionnaire/second"]
    assert brought(record, "QuestionnaireResponse", "_id=to-any" + asked) == ["Questionnaire/first", "Questionnaire/second"]
    asked = "&_revinclude=QuestionnaireResponse:questionnaire"
    assert brought(record, "Questionnaire", "_id=first" + asked) == ["QuestionnaireResponse/to-any"]
    assert brought(record, "Questionnaire", "_id=second" + asked) == ["QuestionnaireResponse/to-any", "QuestionnaireResponse/to-second"]


def test_everything_that_hangs_together_is_included_once(record: Clinic) -> None:
    device = {
        "resourceType": "Device",
        "id": "pump",
        "url": "http://pumps.example/1",
        "version": [{"value": "2"}],
        "patient": refers("Patient/ada"),
    }
    record.put(device)
    found = brought(record, "Patient", "_id=bob&_include:iterate=*&_revinclude:iterate=*")
    others = [f"{one['resourceType']}/{one['id']}" for one in [*RECORD, device] if "uestionnaire" not in one["resourceType"]]
    assert found == sorted(one for one in others if one != "Patient/bob")


def test_what_is_deleted_is_not_included(record: Clinic) -> None:
    (nurse,) = record.put({"resourceType": "Practitioner", "id": "former"})
    (seen,) = record.put({"resourceType": "Observation", "id": "seen", "performer": [refers("Practitioner/former")]})
    assert brought(record, "Observation", "_id=seen&_include=Observation:performer") == ["Practitioner/former"]
    record.remove(nurse)
    assert brought(record, "Observation", "_id=seen&_include=Observation:performer") == []
    assert seen.version == 1


def answer(clinic: Clinic, type: str | None, asked: str, limit: int) -> tuple[list[str], list[str]]:
    """What is included, and what is reported, under a limit."""
    query = parse(clinic.registry, type, parse_qsl(asked), Options())
    database: Database = clinic.database
    with database.read() as tx:
        page = execute(tx, clinic.registry, query, clinic.cursors, UNLIMITED, limit)
    return [f"{one.type}/{one.id}" for one in page.included], [issue.rule for issue in page.issues]


def test_a_limit_that_was_reached_is_reported(record: Clinic) -> None:
    asked = "_id=ada&_revinclude=Encounter:subject"
    assert answer(record, "Patient", asked, 3) == (["Encounter/whole", "Encounter/part", "Encounter/piece"], [])
    assert answer(record, "Patient", asked, 2) == (["Encounter/whole", "Encounter/part"], ["include-limit"])
    assert answer(record, "Patient", "_id=ada&_include=*&_revinclude=*", 1) == (["Organization/clinic"], ["include-limit"])
    assert answer(record, "Patient", asked, 0) == ([], ["include-limit"])


def test_the_rounds_of_an_iterated_include_are_bounded(clinic: Clinic) -> None:
    parts = [{"resourceType": "Encounter", "id": f"e{n:02}", "partOf": refers(f"Encounter/e{n + 1:02}")} for n in range(20)]
    clinic.put(*parts)
    found, issues = answer(clinic, "Encounter", "_id=e00&_include:iterate=Encounter:part-of", 100)
    assert (found, issues) == ([f"Encounter/e{n:02}" for n in range(1, 11)], ["include-rounds"])


def test_matches_of_several_types_bring_what_each_refers_to(record: Clinic) -> None:
    asked = (
        "_type=Encounter,Observation&_id=whole,bp&_include=Encounter:subject&_include=Observation:encounter&_revinclude=Provenance:target"
    )
    found, issues = answer(record, None, asked, 100)
    assert sorted(found) == ["Encounter/piece", "Patient/ada", "Provenance/entered", "Provenance/signed"]
    assert issues == []
