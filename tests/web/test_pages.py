"""The pages over HTTP: who gets one, and with which headers."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from service.app import create_app
from service.config import Settings
from tests.access import admitted
from tests.databases import Databases

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"}


@pytest.fixture(scope="module")
def client(databases: Databases) -> Iterator[FlaskClient]:
    """The application with one patient, `p1`."""
    with databases.fresh("sqlite") as url:
        client = admitted(create_app(Settings(database_url=url, time_zone="America/Los_Angeles")))
        patient = {"resourceType": "Patient", "id": "p1", "name": [{"family": "<script>alert(1)</script>"}]}
        assert client.put("/fhir/Patient/p1", json=patient, content_type="application/fhir+json").status_code == 201
        yield client


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (BROWSER["Accept"], "text/html"),
        ("text/html", "text/html"),
        ("*/*", "application/fhir+json"),
        ("application/fhir+json", "application/fhir+json"),
        ("text/html;q=0.5, application/fhir+json", "application/fhir+json"),
        ("text/html, application/fhir+json;q=0.5", "text/html"),
        ("application/json, text/html;q=0.9", "application/json"),
    ],
)
@pytest.mark.parametrize("path", ["Patient/p1", "Patient", "Patient/p1/_history", "metadata", "Patient/none"])
def test_accept_decides(client: FlaskClient, accept: str, media: str, path: str) -> None:
    answer = client.get(f"/fhir/{path}", headers={"Accept": accept})
    assert answer.mimetype == media
    assert "Accept" in answer.headers["Vary"]


def test_format_outranks_accept(client: FlaskClient) -> None:
    assert client.get("/fhir/Patient/p1?_format=json", headers=BROWSER).mimetype == "application/fhir+json"
    assert client.get("/fhir/Patient/p1?_format=html", headers={"Accept": "*/*"}).mimetype == "text/html"


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/fhir/metadata", "/fhir/Patient/p1", "/fhir/Patient", "/fhir/_history", "/fhir/Patient/none"]
)
def test_every_page_is_closed(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers=BROWSER)
    policy = answer.headers["Content-Security-Policy"]
    assert answer.mimetype == "text/html"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert policy.startswith("default-src 'self'; ")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert ("script-src 'none'" in policy) is (path != "/docs")


def test_a_page_keeps_status_and_version_headers(client: FlaskClient) -> None:
    page = client.get("/fhir/Patient/p1", headers=BROWSER)
    assert (page.status_code, page.headers["ETag"]) == (200, 'W/"1"')
    assert client.get("/fhir/Patient/none", headers=BROWSER).status_code == 404
    assert client.get("/fhir/Patient?nonsense=1", headers=BROWSER).status_code == 400


def test_a_page_follows_the_base_url_and_not_the_host(client: FlaskClient) -> None:
    page = client.get("/fhir/Patient", headers={**BROWSER, "Host": "elsewhere.example"}).text
    assert "elsewhere.example" not in page
    assert "http://127.0.0.1:8080/fhir/Patient" in page


def test_stored_markup_is_inert(client: FlaskClient) -> None:
    for path in ("/fhir/Patient/p1", "/fhir/Patient", "/fhir/_history"):
        page = client.get(path, headers=BROWSER).text
        assert "<script" not in page
        assert "&lt;script&gt;" in page


def test_the_contract_is_served(client: FlaskClient) -> None:
    answer = client.get("/openapi.yaml")
    assert answer.mimetype == "application/yaml"
    assert answer.text.startswith("openapi: 3.1")


@pytest.mark.parametrize(
    "path", ["pages.css", "icon.svg", "docs.js", "vendor/swagger-ui/swagger-ui-bundle.js", "vendor/swagger-ui/LICENSE"]
)
def test_the_static_files_are_there(client: FlaskClient, path: str) -> None:
    with client.get(f"/static/{path}") as answer:
        assert answer.status_code == 200


def test_what_an_operation_says_of_codes_is_a_table(client: FlaskClient) -> None:
    status = "http://hl7.org/fhir/observation-status"
    page = client.get("/fhir/ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/observation-status&filter=corr", headers=BROWSER).text
    assert f"<td>Corrected</td><td><code>{status}</code></td>" in page
    assert "1 codes" not in page
    empty = client.get("/fhir/ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/observation-status&filter=nothing", headers=BROWSER).text
    assert "<p>None.</p>" in empty
    checked = client.get(f"/fhir/CodeSystem/$validate-code?url={status}&code=final", headers=BROWSER).text
    assert '<th scope="row">result</th><td></td><td>true</td>' in checked
    translated = client.get("/fhir/ConceptMap/$translate?system=http://hl7.org/fhir/sid/ndc&code=0409-2051-05", headers=BROWSER).text
    assert "equivalence: equal · concept: 00409205105" in translated
