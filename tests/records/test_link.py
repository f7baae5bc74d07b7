"""References between the entries of one write, as pure functions: what is rewritten and what is left alone."""

import pytest

from service.errors import PreconditionFailed
from service.records.condition import normal
from service.records.link import Links
from tests.records.samples import document, observation

URN = "urn:uuid:00000000-0000-4000-8000-000000000001"
OID = "urn:oid:1.2.3"
BASE = "https://other.example/fhir"
LINKS = Links({URN: "Patient/1", OID: "Device/2", f"{BASE}/Patient/7": "Patient/3"}, {})


def _linked(full_url: str | None = None, **members):
    return LINKS.applied(document(observation(**members)), full_url)


def test_nothing_known_leaves_the_very_document() -> None:
    given = document(observation(URN))
    assert Links({}, {}).applied(given, None) is given


@pytest.mark.parametrize(("given", "expected"), [(URN, "Patient/1"), (OID, "Device/2"), (f"{BASE}/Patient/7", "Patient/3")])
def test_references_and_elements_of_type_uri_and_url(given: str, expected: str) -> None:
    made = _linked(
        subject=given,
        extension=[
            {"url": "http://clinic.example/a", "valueUri": given},
            {"url": "http://clinic.example/b", "valueUrl": given},
            {"url": "http://clinic.example/c", "valueAttachment": {"url": given}},
            {"url": "http://clinic.example/d", "valueReference": {"reference": given}},
        ],
    )
    assert made.tree["subject"] == {"reference": expected}
    values = [list(one.values())[1] for one in made.tree["extension"]]
    assert values == [expected, expected, {"url": expected}, {"reference": expected}]
    assert made.tree == document(made.text).tree


@pytest.mark.parametrize(
    "member",
    [
        {"valueString": URN},
        {"valueCanonical": URN},
        {"valueIdentifier": {"system": URN, "value": URN}},
        {"valueReference": {"display": URN, "identifier": {"value": URN}}},
        {"valueReference": {"reference": "Patient/7"}},
        {"valueReference": {"reference": URN + "x"}},
        {"valueReference": {"reference": "#" + URN}},
    ],
)
def test_everything_else_stays(member: dict) -> None:
    given = document(observation(extension=[{"url": "http://clinic.example/e", **member}]))
    assert LINKS.applied(given, URN).text == given.text


def test_a_relative_reference_is_completed_with_the_base_of_its_own_fullurl_only() -> None:
    assert _linked(f"{BASE}/Observation/1", subject="Patient/7").tree["subject"] == {"reference": "Patient/3"}
    for full_url in (None, URN, "https://third.example/fhir/Observation/1", f"{BASE}/Observation"):
        assert _linked(full_url, subject="Patient/7").tree["subject"] == {"reference": "Patient/7"}


def test_links_of_the_narrative() -> None:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><a href=\'{URN}\'>é</a><img src="{OID}" alt="{URN}"/><a href="urn:uuid:o">x</a></div>'
    made = _linked(text={"status": "generated", "div": div})
    assert made.tree["text"]["div"] == div.replace(f"'{URN}'", "'Patient/1'").replace(f'src="{OID}"', 'src="Device/2"')


def test_narratives_of_contained_resources_too() -> None:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="{URN}">x</a></div>'
    inner = {"resourceType": "Patient", "id": "in", "text": {"status": "generated", "div": div}}
    assert _linked(contained=[inner]).tree["contained"][0]["text"]["div"] == div.replace(URN, "Patient/1")


def test_a_condition_that_one_resource_meets() -> None:
    links = Links({}, {normal("Patient", "identifier=a|1"): ["Patient/9"], normal("Patient", "identifier=a|2"): ["Patient/8", "Patient/7"]})
    assert links.applied(document(observation("Patient?identifier=a%7C1")), None).tree["subject"] == {"reference": "Patient/9"}
    for wrong in ("Patient?identifier=a|2", "Patient?identifier=a|3", "Group?identifier=a|1"):
        with pytest.raises(PreconditionFailed):
            links.applied(document(observation(wrong)), None)


def test_a_url_with_a_question_mark_is_no_condition() -> None:
    links = Links({}, {normal("Patient", "identifier=1"): ["Patient/9"]})
    given = document(observation("https://other.example/fhir/Patient?identifier=1", note=[{"text": "Patient?identifier=1"}]))
    assert links.applied(given, None).text == given.text
