"""What every answer of the FHIR API has in common: https://hl7.org/fhir/R4/http.html#general."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from service.app import create_app
from service.config import Settings
from tests.access import admitted
from tests.databases import Databases

SETTINGS = Settings(cursor_key="c" * 32, body_bytes=1000, bundle_bytes=2000)
PATIENT = {"resourceType": "Patient", "active": True}


@pytest.fixture(scope="module")
def api(databases: Databases) -> Iterator[FlaskClient]:
    with databases.fresh("sqlite") as url:
        app = create_app(replace(SETTINGS, database_url=url))
        yield admitted(app)
        app.extensions["infusion_records"].database.dispose()


def test_answers_are_fhir_json_and_are_not_cached_sniffed_or_framed(api: FlaskClient) -> None:
    for url in ("/fhir/metadata", "/fhir/Patient", "/fhir/Nonsense"):
        answer = api.get(url)
        assert answer.headers["Content-Type"] == "application/fhir+json; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Vary"].split(", ")[0] == "Accept"
    assert api.get("/fhir/metadata", headers={"Accept": "application/json"}).headers["Content-Type"].startswith("application/json")


def test_pretty_printing_changes_white_space_only(api: FlaskClient) -> None:
    plain, pretty = api.get("/fhir/metadata"), api.get("/fhir/metadata?_pretty=true")
    assert pretty.json == plain.json
    assert pretty.text.startswith('{\n  "resourceType"')


def test_a_browser_gets_a_page_for_answers_and_refusals(api: FlaskClient) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
    for url, status in (("/fhir/metadata", 200), ("/fhir/Patient", 200), ("/fhir/Patient/none", 404)):
        answer = api.get(url, headers=browser)
        assert (answer.status_code, answer.mimetype) == (status, "text/html")
        assert "script-src 'none'" in answer.headers["Content-Security-Policy"]
    assert api.get("/fhir/metadata?_format=json", headers=browser).mimetype == "application/fhir+json"


def test_formats_that_are_not_offered_are_not_acceptable(api: FlaskClient) -> None:
    answer = api.get("/fhir/metadata", headers={"Accept": "application/fhir+xml"})
    assert (answer.status_code, answer.mimetype) == (406, "application/fhir+json")
    assert "XML is not offered" in answer.text
    assert api.get("/fhir/metadata?_format=xml").status_code == 406


def test_links_come_from_the_settings_and_never_from_the_request(api: FlaskClient) -> None:
    answer = api.get("/fhir/Patient", headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
    assert answer.json["link"][0]["url"].startswith("http://127.0.0.1:8080/fhir/Patient")


def test_a_sane_request_id_is_echoed_and_another_replaced(api: FlaskClient) -> None:
    assert api.get("/fhir/metadata", headers={"X-Request-Id": "abc-123"}).headers["X-Request-Id"] == "abc-123"
    for hostile in ("a" * 65, "a b", "<script>", ""):
        assert re.fullmatch(r"[0-9a-f-]{36}", api.get("/fhir/metadata", headers={"X-Request-Id": hostile}).headers["X-Request-Id"])


def test_bodies_beyond_the_limit_are_refused_and_bundles_have_a_limit_of_their_own(api: FlaskClient) -> None:
    long = json.dumps({**PATIENT, "name": [{"text": "x" * 1200}]})
    assert api.post("/fhir/Patient", data=long, content_type="application/json").status_code == 413
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "GET", "url": "metadata?_summary=text"}}] * 15}
    assert api.post("/fhir", data=json.dumps(bundle), content_type="application/json").status_code == 200
    assert api.post("/fhir", data=json.dumps(bundle) + " " * 2000, content_type="application/json").status_code == 413


def test_a_body_without_a_length_is_held_to_the_limit_too(api: FlaskClient) -> None:
    chunked = {"wsgi.input": _Endless(), "wsgi.input_terminated": True}
    answer = api.post("/fhir/Patient", content_type="application/json", headers={"Transfer-Encoding": "chunked"}, environ_overrides=chunked)
    assert answer.status_code == 413


def test_compressed_bodies_are_refused(api: FlaskClient) -> None:
    answer = api.post("/fhir/Patient", data=b"\x1f\x8b", headers={"Content-Encoding": "gzip"}, content_type="application/json")
    assert answer.status_code == 415


def test_a_slash_at_the_end_means_nothing(api: FlaskClient) -> None:
    assert api.get("/fhir/").json["resourceType"] == api.get("/fhir").json["resourceType"]
    assert api.get("/fhir/Patient/").json["type"] == "searchset"


def test_unknown_verbs_are_told_what_is_allowed(api: FlaskClient) -> None:
    answer = api.open("/fhir/Patient", method="BREW")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "DELETE, GET, HEAD, PATCH, POST, PUT"
    assert api.open("/fhir/metadata", method="OPTIONS").headers["Allow"] == "GET, HEAD"


def test_what_is_outside_the_api_ends_in_an_outcome_too(api: FlaskClient) -> None:
    for url, status in (("/nonsense", 404), ("/fhirish/Patient", 404)):
        answer = api.get(url)
        assert (answer.status_code, answer.json["resourceType"]) == (status, "OperationOutcome")
    assert api.post("/livez").status_code == 405


class _Endless:
    """A body that never ends."""

    def read(self, size: int = -1) -> bytes:
        return b" " * (size if size > 0 else 1 << 16)

    def readinto(self, buffer: bytearray) -> int:
        buffer[:] = b" " * len(buffer)
        return len(buffer)
