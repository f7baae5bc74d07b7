"""Raw content: https://hl7.org/fhir/R4/binary.html#rest, https://hl7.org/fhir/R4/http.html#binary."""

import base64

from flask.testing import FlaskClient

from tests.rest.made import FHIR, fresh, issue, made, patient

PDF = b"%PDF-1.7\n\x00\xff rest"


def test_raw_content_comes_back_as_it_went_in(api: FlaskClient) -> None:
    posted = api.post("/fhir/Binary", data=PDF, content_type="application/pdf")
    assert (posted.status_code, posted.data) == (201, b"")
    url = posted.headers["Location"].removeprefix("http://127.0.0.1:8080").partition("/_history")[0]
    for accept in (None, "*/*", "application/pdf", "image/png;q=0.1, application/pdf"):
        got = api.get(url, headers={"Accept": accept} if accept else {})
        assert (got.status_code, got.data, got.headers["Content-Type"]) == (200, PDF, "application/pdf")
        assert got.headers["Content-Disposition"] == "attachment"
        assert got.headers["X-Content-Type-Options"] == "nosniff"
        assert got.headers["ETag"] == 'W/"1"'


def test_the_resource_is_given_to_who_asks_for_fhir(api: FlaskClient) -> None:
    posted = api.post("/fhir/Binary", data=PDF, content_type="application/pdf", headers={"Prefer": "return=representation"})
    assert posted.json["data"] == base64.b64encode(PDF).decode()
    url = f"/fhir/Binary/{posted.json['id']}"
    assert api.get(url, headers={"Accept": FHIR}).json["contentType"] == "application/pdf"
    assert api.get(f"{url}?_format=json").json["resourceType"] == "Binary"
    assert api.get(url, headers={"If-None-Match": 'W/"1"'}).status_code == 304


def test_who_names_fhir_json_gets_the_binary_that_wraps_the_content(api: FlaskClient) -> None:
    posted = api.post("/fhir/Binary", data=PDF, content_type="application/pdf", headers={"Accept": f"{FHIR}, */*;q=0.1"})
    assert (posted.status_code, posted.json["data"]) == (201, base64.b64encode(PDF).decode())
    assert api.post("/fhir/Binary", data=PDF, content_type="application/pdf", headers={"Accept": "*/*"}).data == b""
    wish = {"Accept": FHIR, "Prefer": "return=minimal"}
    assert api.post("/fhir/Binary", data=PDF, content_type="application/pdf", headers=wish).data == b""


def test_content_is_replaced_in_place(api: FlaskClient) -> None:
    id = fresh()
    assert api.put(f"/fhir/Binary/{id}", data=PDF, content_type="application/pdf").status_code == 201
    assert api.put(f"/fhir/Binary/{id}", data=b"a,b\n", content_type="text/csv; charset=utf-8").status_code == 200
    assert api.get(f"/fhir/Binary/{id}").data == b"a,b\n"


def test_a_binary_resource_is_a_resource(api: FlaskClient) -> None:
    stored = made(api, {"resourceType": "Binary", "contentType": "text/plain", "data": base64.b64encode(b"hello").decode()})
    assert api.get(f"/fhir/Binary/{stored['id']}").data == b"hello"
    raw = api.post("/fhir/Patient", data=PDF, content_type="application/pdf")
    issue(raw, 415)


def test_content_is_bound_to_the_patient_it_is_about(api: FlaskClient) -> None:
    subject = made(api, patient())
    headers = {"X-Security-Context": f"Patient/{subject['id']}", "Prefer": "return=representation"}
    posted = api.post("/fhir/Binary", data=PDF, content_type="application/pdf", headers=headers)
    assert posted.json["securityContext"] == {"reference": f"Patient/{subject['id']}"}


def test_types_that_a_browser_would_run_are_refused(api: FlaskClient) -> None:
    for media in ("text/html", "image/svg+xml", "application/javascript", "multipart/form-data; boundary=x", "", "nonsense"):
        assert "application/pdf" in issue(api.post("/fhir/Binary", data=b"<script>", content_type=media), 415)["diagnostics"]
    issue(api.post("/fhir/Binary", data=b"", content_type="application/pdf"), 400)
    issue(api.post("/fhir/Binary", data=b"x" * 250_000, content_type="application/pdf"), 413)
