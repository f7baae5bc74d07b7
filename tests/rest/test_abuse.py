"""Hostile requests: each is refused with a 4xx that explains itself, and the service goes on.

https://hl7.org/fhir/R4/http.html#rejecting-updates, https://hl7.org/fhir/R4/operationoutcome.html
"""

import pytest
from flask.testing import FlaskClient

from tests.rest.made import FHIR, made, patient

BODIES = {
    "nothing": b"",
    "white space": b" \n\t ",
    "no object": b"[]",
    "a string": b'"Patient"',
    "null": b"null",
    "no type": b"{}",
    "type as list": b'{"resourceType":["Patient"]}',
    "type as number": b'{"resourceType":7}',
    "broken": b'{"resourceType":"Patient"',
    "trailing text": b'{"resourceType":"Patient"} {}',
    "deep arrays": b'{"resourceType":"Patient","x":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "deep objects": b'{"resourceType":"Patient","x":' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}",
    "nested extensions": b'{"resourceType":"Patient"' + b',"extension":[{"url":"http://e"' * 200 + b"}]" * 200 + b"}",
    "unclosed deep": b"[" * 100_000,
    "duplicate members": b'{"resourceType":"Patient","active":true,"active":false}',
    "not a number": b'{"resourceType":"Patient","multipleBirthInteger":NaN}',
    "infinity": b'{"resourceType":"Patient","multipleBirthInteger":-Infinity}',
    "long number": b'{"resourceType":"Patient","multipleBirthInteger":' + b"9" * 5000 + b"}",
    "huge exponent": b'{"resourceType":"Patient","multipleBirthInteger":1e999999999}',
    "long fraction": b'{"resourceType":"Patient","multipleBirthInteger":0.' + b"1" * 5000 + b"}",
    "lone surrogate": b'{"resourceType":"Patient","language":"\\ud800"}',
    "escaped NUL": b'{"resourceType":"Patient","name":[{"family":"\\u0000"}]}',
    "raw NUL": b'{"resourceType":"Patient","name":[{"family":"\x00"}]}',
    "not UTF-8": b'{"resourceType":"Patient","name":[{"family":"\xff"}]}',
    "UTF-16": '{"resourceType":"Patient"}'.encode("utf-16"),
    "id as object": b'{"resourceType":"Patient","id":{}}',
    "meta as list": b'{"resourceType":"Patient","meta":[]}',
    "meta as string": b'{"resourceType":"Patient","meta":"x"}',
    "reference as number": b'{"resourceType":"Patient","managingOrganization":{"reference":5}}',
    "contained as string": b'{"resourceType":"Patient","contained":"x"}',
    "contained nulls": b'{"resourceType":"Patient","contained":[null]}',
    "null members": b'{"resourceType":"Patient","name":null,"active":null}',
    "empty names": b'{"resourceType":"Patient","":1}',
}


def refused(answer: object, *, above: int = 399) -> None:
    status = answer.status_code  # type: ignore[attr-defined]
    assert above < status < 500, answer.text  # type: ignore[attr-defined]
    assert answer.json["issue"][0]["severity"] in ("error", "fatal")  # type: ignore[attr-defined]


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_hostile_bodies_are_refused_everywhere(api: FlaskClient, body: bytes) -> None:
    refused(api.post("/fhir/Patient", data=body, content_type=FHIR))
    refused(api.put("/fhir/Patient/x1", data=body, content_type=FHIR))
    refused(api.post("/fhir", data=body, content_type=FHIR))
    refused(api.patch("/fhir/Patient/x1", data=body, content_type=FHIR))
    refused(api.patch("/fhir/Patient/x1", data=body, content_type="application/json-patch+json"))
    wrapped = (
        b'{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"POST","url":"Patient"},"resource":' + body + b"}]}"
    )
    refused(api.post("/fhir", data=wrapped, content_type=FHIR))
    batch = api.post("/fhir", data=wrapped.replace(b"transaction", b"batch"), content_type=FHIR)
    assert batch.status_code < 500
    if batch.status_code == 200:
        assert batch.json["entry"][0]["response"]["status"][0] == "4"


@pytest.mark.parametrize(
    "path",
    [
        "Patient/%00",
        "Patient/a%00b",
        "%00",
        "Patient/..%2f..%2fetc%2fpasswd",
        "Patient/../metadata",
        "Patient//1",
        "//Patient",
        "Patient/1/_history/" + "9" * 5000,
        "Patient/" + "a" * 8000,
        "Patient/1/_history/-9223372036854775809",
        "Patient/%ff%fe",
        "Patient/%F0%9F%92%89",
        "Patient;a=b/1",
        "Patient/1/_history/1/2/3/4/5/6/7/8/9",
        "$everything",
        "Patient/$everything",
        "Patient/_search/1",
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "POST", "HEAD", "OPTIONS", "BREW"])
def test_hostile_paths_are_refused_whatever_the_verb(api: FlaskClient, path: str, method: str) -> None:
    answer = api.open(f"/fhir/{path}", method=method, data=b"{}" if method in ("PUT", "POST", "PATCH") else None, content_type=FHIR)
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Accept", "," * 10_000),
        ("Accept", "*/*;q=" + "9" * 5000),
        ("Accept", "application/fhir+json;q=nan"),
        ("Prefer", "return=" * 2000),
        ("If-None-Match", '"' * 3000),
        ("If-None-Match", 'W/"' + "9" * 5000 + '"'),
        ("If-Modified-Since", "Sat, 14 Mar 99999999999999 10:00:00 GMT"),
        ("If-Modified-Since", "9" * 5000),
        ("If-Match", "\x00"),
        ("X-Request-Id", "a b<script>"),
        ("X-Forwarded-Host", "evil.example"),
        ("Host", "evil.example"),
        ("Content-Encoding", "gzip"),
        ("Authorization", "Bearer " + "x" * 5000),
    ],
)
def test_hostile_headers_never_fail_the_service(api: FlaskClient, name: str, value: str) -> None:
    subject = made(api, patient())
    for answer in (
        api.get(f"/fhir/Patient/{subject['id']}", headers={name: value}),
        api.get("/fhir/Patient?active=true&_count=1", headers={name: value}),
        api.post("/fhir/Patient", json=patient(), headers={name: value}),
        api.put(f"/fhir/Patient/{subject['id']}", json=subject, headers={name: value}),
        api.delete(f"/fhir/Patient/{subject['id']}", headers={name: value}),
    ):
        assert answer.status_code < 500
        assert "evil.example" not in answer.text + str(answer.headers)


def test_the_service_is_well_afterwards(api: FlaskClient) -> None:
    assert api.get("/readyz").status_code == 200
    assert api.get("/fhir/Patient?_count=1").status_code == 200
