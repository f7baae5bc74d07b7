"""The page of each kind of answer, as text: what it shows, where it links, and that it escapes."""

import json
import re
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from service.web.pages.address import Address
from service.web.pages.resource import SHOWN_CHARACTERS, render_text
from service.web.pages.site import Site

BASE = "http://127.0.0.1:8080/fhir"
SITE = Site(BASE, ZoneInfo("America/Los_Angeles"))
META = {"versionId": "3", "lastUpdated": "2026-03-14T16:40:00.125Z"}


def _page(tree: dict[str, Any], path: str, status: int = 200, query: tuple[tuple[str, str], ...] = ()) -> str:
    return render_text(Address.of(SITE, path, query), status, json.dumps(tree), {"Patient": (("Observation", ("patient", "performer")),)})


def test_a_resource_shows_its_summary_and_its_ways_on() -> None:
    page = _page({"resourceType": "Patient", "id": "p1", "meta": META, "name": [{"family": "Sample"}]}, "Patient/p1")
    assert "<h1>Sample</h1>" in page
    assert "2026-03-14 09:40:00 PDT" in page
    assert "2026-03-14 16:40:00.125 UTC" in page
    assert 'href="/fhir/Patient/p1/_history"' in page
    assert 'href="/fhir/Patient/p1/_history/2"' in page
    assert 'href="/fhir/Patient/p1?_format=json"' in page
    assert "Current version" not in page
    assert f"curl -H &#39;Accept: application/fhir+json&#39; {BASE}/Patient/p1" in page


def test_a_resource_leads_to_what_refers_to_it() -> None:
    page = _page({"resourceType": "Patient", "id": "p1", "meta": META}, "Patient/p1")
    assert '<a href="/fhir/Observation?patient=Patient/p1">patient</a>' in page
    assert "Find what refers to it" not in _page({"resourceType": "Basic", "id": "b", "meta": META}, "Basic/b")


def test_an_old_version_leads_to_the_current_one() -> None:
    page = _page({"resourceType": "Patient", "id": "p1", "meta": META}, "Patient/p1/_history/3")
    assert 'href="/fhir/Patient/p1">Current version' in page


def test_the_first_version_has_none_before_it() -> None:
    page = _page({"resourceType": "Patient", "id": "p1", "meta": {"versionId": "1"}}, "Patient/p1")
    assert "Previous version" not in page


def test_a_search_is_a_table_with_its_pages() -> None:
    ignored = {"severity": "warning", "code": "x", "diagnostics": "Ignored: foo"}
    tree = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": 7,
        "link": [
            {"relation": "self", "url": f"{BASE}/Observation?code=a%7Cb"},
            {"relation": "next", "url": f"{BASE}/Observation?code=a%7Cb&_cursor=x"},
            {"relation": "previous", "url": "https://elsewhere.example/"},
        ],
        "entry": [
            {
                "resource": {"resourceType": "Observation", "id": "o1", "subject": {"reference": "Patient/p1"}, "meta": META},
                "search": {"mode": "match"},
            },
            {"resource": {"resourceType": "Patient", "id": "p1", "name": [{"text": "Jo"}]}, "search": {"mode": "include"}},
            {
                "resource": {
                    "resourceType": "OperationOutcome",
                    "issue": [ignored],
                },
                "search": {"mode": "outcome"},
            },
        ],
    }
    page = _page(tree, "Observation", query=(("code", "a|b"), ("_format", "html")))
    assert re.search(r"1 match on this page, 1 included, 7 in all\.", page)
    assert 'href="/fhir/Observation/o1"' in page
    assert '<a href="/fhir/Patient/p1">Jo</a>' in page
    assert 'rel="next" href="/fhir/Observation?code=a%7Cb&amp;_cursor=x"' in page
    assert 'rel="previous"' not in page
    assert "Ignored: foo" in page
    assert "_format=html" not in page
    assert f"{BASE}/Observation?code=a|b" in page


def test_a_search_without_matches_says_so() -> None:
    assert "Nothing matches" in _page({"resourceType": "Bundle", "type": "searchset", "total": 0}, "Patient")


def test_a_history_shows_deletions() -> None:
    tree = {
        "resourceType": "Bundle",
        "type": "history",
        "entry": [
            {
                "fullUrl": f"{BASE}/Patient/p1",
                "request": {"method": "DELETE", "url": "Patient/p1"},
                "response": {"status": "204 No Content", "etag": 'W/"4"', "lastModified": "2026-03-14T16:40:00.125Z"},
            },
            {
                "fullUrl": f"{BASE}/Patient/p1",
                "resource": {"resourceType": "Patient", "id": "p1", "meta": META},
                "request": {"method": "PUT", "url": "Patient/p1"},
                "response": {"status": "200", "etag": 'W/"3"'},
            },
        ],
    }
    page = _page(tree, "Patient/p1/_history")
    assert "History of Patient/p1" in page
    assert "DELETE → 204<" in page
    assert "Deleted" in page
    assert 'href="/fhir/Patient/p1/_history/3"' in page


def test_an_outcome_is_a_list_to_read() -> None:
    issue = {
        "severity": "error",
        "code": "value",
        "details": {"coding": [{"system": "s", "code": "primitive-format"}]},
        "diagnostics": 'Write 88, not "88".',
        "expression": ["Observation.component[1].valueQuantity.value"],
    }
    page = _page({"resourceType": "OperationOutcome", "issue": [issue]}, "Observation", 400)
    assert "<h1>400 Bad Request</h1>" in page
    assert "<code>Observation.component[1].valueQuantity.value</code>" in page
    assert "<code>primitive-format</code>" in page


def test_the_capabilities_are_a_table_of_types() -> None:
    resource = {"type": "Patient", "interaction": [{"code": "read"}], "searchParam": [{"name": "name"}]}
    page = _page({"resourceType": "CapabilityStatement", "rest": [{"resource": [resource]}]}, "metadata")
    assert '<a href="/fhir/Patient">Patient</a>' in page


def test_what_is_too_long_is_linked() -> None:
    page = _page({"resourceType": "Basic", "id": "b", "meta": META, "x": "y" * SHOWN_CHARACTERS}, "Basic/b")
    assert "too long to show" in page
    assert len(page) < 20_000


@pytest.mark.parametrize(
    "tree",
    [
        {"resourceType": "Patient", "id": "p1", "meta": META, "name": [{"text": "<script>alert(1)</script>"}]},
        {"resourceType": "Observation", "id": "o", "meta": META, "status": "<script>", "subject": {"reference": "javascript:alert(1)"}},
        {"resourceType": "OperationOutcome", "issue": [{"severity": '"><script>', "code": "<script>", "diagnostics": "<script>"}]},
        {"resourceType": "Bundle", "type": "searchset", "link": [{"relation": "self", "url": f"{BASE}/P?a=<script>"}], "entry": []},
    ],
)
def test_stored_markup_is_inert(tree: dict[str, Any]) -> None:
    page = _page(tree, "Patient/<script>", query=(("<script>", "<script>"),))
    assert "<script" not in page
    assert 'href="javascript' not in page
