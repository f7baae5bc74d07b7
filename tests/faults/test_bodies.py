"""Bodies that are not what they should be: each is a 4xx with an OperationOutcome, nothing is stored, no worker is lost."""

import json

import pytest

from tests.faults.target import JSON, Target, require_refused, require_sane

# the database has little to do with it: PostgreSQL is asked nightly
pytestmark = pytest.mark.parametrize("_shared", ["sqlite", pytest.param("postgresql", marks=pytest.mark.nightly)], indirect=True)

PATIENT = {"resourceType": "Patient", "active": True}


def _patient(**members: object) -> str:
    return json.dumps({**PATIENT, **members})


def _nested(opening: str, closing: str, times: int) -> str:
    return opening * times + closing * times


NOT_JSON = {
    "nothing": b"",
    "white space": b" \n\t ",
    "half an object": b'{"resourceType":"Patient"',
    "two objects": b'{"resourceType":"Patient"}{"resourceType":"Patient"}',
    "trailing comma": b'{"resourceType":"Patient",}',
    "single quotes": b"{'resourceType':'Patient'}",
    "comment": b'{"resourceType":"Patient"/*x*/}',
    "NaN": b'{"resourceType":"Observation","valueQuantity":{"value":NaN}}',
    "Infinity": b'{"resourceType":"Observation","valueQuantity":{"value":-Infinity}}',
    "byte order mark": b'\xef\xbb\xbf{"resourceType":"Patient"}',
    "utf-16": '{"resourceType":"Patient"}'.encode("utf-16"),
    "latin-1": '{"resourceType":"Patient","name":[{"family":"Müller"}]}'.encode("latin-1"),
    "overlong utf-8": b'{"resourceType":"Patient","id":"\xc0\xaf"}',
    "surrogate in utf-8": b'{"resourceType":"Patient","name":[{"family":"\xed\xa0\x80"}]}',
    "lone surrogate": b'{"resourceType":"Patient","name":[{"family":"\\ud800"}]}',
    "reversed surrogates": b'{"resourceType":"Patient","name":[{"family":"\\udc00\\ud800"}]}',
    "raw NUL": b'{"resourceType":"Patient","name":[{"family":"\x00"}]}',
    "escaped NUL": b'{"resourceType":"Patient","name":[{"family":"a\\u0000b"}]}',
    "NUL in a name": b'{"resourceType":"Patient","a\\u0000":1}',
    "raw line break": b'{"resourceType":"Patient","name":[{"family":"a\nb"}]}',
    "duplicate member": b'{"resourceType":"Patient","active":true,"active":false}',
    "duplicate by escape": b'{"resourceType":"Patient","active":true,"\\u0061ctive":false}',
    "duplicate type": b'{"resourceType":"Patient","resourceType":"Observation"}',
    "duplicate deep inside": b'{"resourceType":"Patient","name":[{"family":"a","family":"a"}]}',
    "deep arrays": _nested("[", "]", 50_000).encode(),
    "deep objects": ('{"a":' * 20_000 + "1" + "}" * 20_000).encode(),
    "deep in a resource": f'{{"resourceType":"Patient","extension":{_nested("[", "]", 5_000)}}}'.encode(),
    "33 levels": ('{"resourceType":"Patient","a":' + _nested("[", "]", 40) + "}").encode(),
    "unclosed arrays": b"[" * 100_000,
    "unclosed objects": b'{"a":' * 40_000,
    "closing only": b"]" * 100_000,
    "5,000 digits": f'{{"resourceType":"Observation","valueInteger":{"9" * 5_000}}}'.encode(),
    "5,000 decimals": f'{{"resourceType":"Observation","valueQuantity":{{"value":0.{"1" * 5_000}}}}}'.encode(),
    "huge exponent": b'{"resourceType":"Observation","valueQuantity":{"value":1e999999999}}',
    "tiny exponent": b'{"resourceType":"Observation","valueQuantity":{"value":1e-999999999}}',
    "longer exponent": b'{"resourceType":"Observation","valueQuantity":{"value":1e99999999999999999999999}}',
    "leading zero": b'{"resourceType":"Observation","valueInteger":01}',
    "plus sign": b'{"resourceType":"Observation","valueInteger":+1}',
    "array": b"[]",
    "string": b'"Patient"',
    "number": b"1",
    "null": b"null",
    "binary": bytes(range(256)),
}

NOT_A_PATIENT = {
    "empty object": "{}",
    "no type": '{"active":true}',
    "type null": '{"resourceType":null}',
    "type a number": '{"resourceType":5}',
    "type a list": '{"resourceType":["Patient"]}',
    "type an object": '{"resourceType":{"a":1}}',
    "type empty": '{"resourceType":""}',
    "another type": '{"resourceType":"Observation"}',
    "unknown type": '{"resourceType":"Shoe"}',
    "type in lower case": '{"resourceType":"patient"}',
    "abstract type": '{"resourceType":"DomainResource"}',
    "datatype": '{"resourceType":"HumanName"}',
    "type with a path": '{"resourceType":"../../etc/passwd"}',
    "id a number": _patient(id=5),
    "id a list": _patient(id=["a"]),
    "id an object": _patient(id={"a": "b"}),
    "id null": _patient(id=None),
    "id empty": _patient(id=""),
    "id too long": _patient(id="x" * 65),
    "id of 100 kB": _patient(id="x" * 100_000),
    "id with a slash": _patient(id="a/b"),
    "id with SQL": _patient(id="'; DROP TABLE resource; --"),
    "meta a string": _patient(meta="x"),
    "meta a list": _patient(meta=[]),
    "meta empty": _patient(meta={}),
    "meta null": _patient(meta=None),
    "meta.versionId a number": _patient(meta={"versionId": 1}),
    "meta.lastUpdated nonsense": _patient(meta={"lastUpdated": "yesterday"}),
    "meta.tag a string": _patient(meta={"tag": "x"}),
    "empty array": _patient(name=[]),
    "empty string": _patient(gender=""),
    "array of null": _patient(name=[None]),
    "array in array": _patient(name=[[{"family": "x"}]]),
    "object for an array": _patient(name={"family": "x"}),
    "array for a value": _patient(gender=["male"]),
    "string for boolean": _patient(active="true"),
    "number for string": _patient(name=[{"family": 5}]),
    "unknown member": _patient(shoe=1),
    "prototype": _patient(__proto__={"a": 1}),
    "member without a name": _patient(**{"": 1}),
    "10,000 unknown members": _patient(**{f"x{number}": 1 for number in range(10_000)}),
    "two choices": _patient(deceasedBoolean=True, deceasedDateTime="2020"),
    "a date of the wrong kind": _patient(birthDate="2020-02-30"),
    "script": _patient(text={"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml"><script>1</script></div>'}),
    "entity bomb": _patient(
        text={"status": "generated", "div": '<!DOCTYPE a [<!ENTITY b "c">]><div xmlns="http://www.w3.org/1999/xhtml">&b;</div>'}
    ),
    "deep narrative": _patient(
        text={"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">' + "<b>" * 10_000 + "</b>" * 10_000 + "</div>"}
    ),
    "contained twice": _patient(contained=[{"resourceType": "Patient", "id": "a", "contained": [{"resourceType": "Patient", "id": "b"}]}]),
    "contained nothing": _patient(contained=[{}]),
    "contained a string": _patient(contained=["x"]),
    "contained of no type": _patient(contained=[{"resourceType": 7, "id": "a"}]),
    "reference a number": _patient(managingOrganization={"reference": 5}),
    "reference a list": _patient(managingOrganization={"reference": ["Organization/1"]}),
    "reference nowhere": _patient(managingOrganization={"reference": "Organization/nobody"}),
    "reference with SQL": _patient(managingOrganization={"reference": "Organization/'; DROP TABLE resource; --"}),
    "reference of 100 kB": _patient(managingOrganization={"reference": "Organization/" + "x" * 100_000}),
    "reference conditional": _patient(managingOrganization={"reference": "Organization?shoe=1"}),
    "reference conditional of no type": _patient(managingOrganization={"reference": "Shoe?identifier=1"}),
    "reference conditional and empty": _patient(managingOrganization={"reference": "Organization?"}),
    "id a list beside a placeholder": _patient(
        id=["a"], managingOrganization={"reference": "urn:uuid:00000000-0000-4000-8000-000000000001"}
    ),
    "meta a number beside a placeholder": _patient(
        meta=5, managingOrganization={"reference": "urn:uuid:00000000-0000-4000-8000-000000000001"}
    ),
}


@pytest.mark.parametrize("name", NOT_JSON)
def test_what_is_not_json_is_refused_everywhere(target: Target, name: str) -> None:
    for method, path in (("POST", "/Patient"), ("PUT", "/Patient/a"), ("PATCH", "/Patient/a"), ("POST", "/")):
        require_refused(target.send(method, path, NOT_JSON[name]), 400, 413, 422)
    require_refused(target.send("PATCH", "/Patient/a", NOT_JSON[name], Content_Type="application/json-patch+json"), 400, 404, 413, 422)


@pytest.mark.parametrize("name", NOT_A_PATIENT)
def test_what_is_not_a_patient_is_refused(target: Target, name: str) -> None:
    body = NOT_A_PATIENT[name]
    issues = require_refused(target.send("POST", "/Patient", body), 400, 412, 422)
    assert all(
        issue.get("expression") or issue["code"] in ("processing", "invalid", "structure", "not-found", "informational") for issue in issues
    )
    require_refused(target.send("PUT", "/Patient?identifier=none", body), 400, 412, 422)
    require_refused(target.send("PUT", "/Patient/not-there", body), 400, 412, 422)
    assert target.send("GET", "/Patient/not-there").status_code == 404
    entry = {"resource": json.loads(body), "request": {"method": "POST", "url": "Patient"}}
    issues = require_refused(target.send("POST", "/", {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}), 400, 412, 422)
    assert "[0]" in str(issues)


@pytest.mark.parametrize("path", ["/Patient", "/"])
def test_a_body_over_the_limit_is_refused_before_it_is_read(target: Target, path: str) -> None:
    body = json.dumps({**PATIENT, "language": "x" * 600_000})
    require_refused(target.send("POST", path, body), 413)
    head = (f"POST /fhir{path} HTTP/1.1", "Host: a", *target.fields, f"Content-Type: {JSON}", f"Content-Length: {10**12}", "", "")
    assert target.raw("\r\n".join(head).encode() + b"{").startswith(b"HTTP/1.1 413 ")


def test_a_body_within_the_limit_is_taken(target: Target) -> None:
    name = [{"family": "x" * 1000} for _ in range(200)]
    assert target.send("POST", "/Patient", {**PATIENT, "name": name}).status_code == 201


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "compress", "identity, gzip", "x" * 5000])
def test_a_compressed_body_is_refused(target: Target, encoding: str) -> None:
    require_refused(target.send("POST", "/Patient", PATIENT, Content_Encoding=encoding), 415)


@pytest.mark.parametrize(
    "media",
    [
        "application/fhir+xml",
        "text/xml",
        "text/plain",
        "",
        "x",
        "/",
        ";",
        "application/fhir+json; charset=utf-16",
        "application/fhir+json;fhirVersion=3.0",
        "a" * 8000,
    ],
)
def test_another_media_type_is_refused(target: Target, media: str) -> None:
    require_refused(target.send("POST", "/Patient", PATIENT, Content_Type=media), 415)
    require_refused(target.send("PATCH", "/Patient/a", PATIENT, Content_Type=media), 415)


PATCHES: dict[str, object] = {
    "empty": [],
    "object": {},
    "no op": [{"path": "/active"}],
    "op a list": [{"op": ["add"], "path": "/a", "value": 1}],
    "op null": [{"op": None, "path": "/a", "value": 1}],
    "path a number": [{"op": "add", "path": 5, "value": 1}],
    "path nonsense": [{"op": "add", "path": "active", "value": 1}],
    "bad escape": [{"op": "add", "path": "/~2", "value": 1}],
    "no value": [{"op": "add", "path": "/active"}],
    "from inside itself": [{"op": "move", "from": "/name", "path": "/name/0/given"}],
    "index of 30 digits": [{"op": "add", "path": "/name/999999999999999999999999999999", "value": {}}],
    "negative index": [{"op": "remove", "path": "/name/-1"}],
    "whole document": [{"op": "replace", "path": "", "value": 1}],
    "whole document null": [{"op": "replace", "path": "", "value": None}],
    "whole document removed": [{"op": "remove", "path": ""}],
    "another id": [{"op": "replace", "path": "/id", "value": "other"}],
    "id removed": [{"op": "remove", "path": "/id"}],
    "another type": [{"op": "replace", "path": "/resourceType", "value": "Observation"}],
    "meta a number": [{"op": "replace", "path": "/meta", "value": 5}],
    "meta.versionId": [{"op": "replace", "path": "/meta/versionId", "value": "77"}],
    "meta moved": [{"op": "move", "from": "/meta", "path": "/name"}],
    "id moved": [{"op": "move", "from": "/id", "path": "/language"}],
    "101 operations": [{"op": "test", "path": "/active", "value": True}] * 101,
    "doubling": [{"op": "copy", "from": "/name", "path": "/name/-"}] * 60,
    "a false test": [{"op": "test", "path": "/active", "value": False}],
    "a test of 1 for true": [{"op": "test", "path": "/active", "value": 1}, {"op": "replace", "path": "/active", "value": 1}],
    "an empty name": [{"op": "add", "path": "/", "value": 1}],
    "a number as text": [{"op": "add", "path": "/active", "value": "yes"}],
    "deep value": [{"op": "add", "path": "/name/0/extension", "value": [{"url": "http://a.example", "extension": [{"extension": [{}]}]}]}],
    "operation a string": ["add"],
    "operation null": [None],
}


@pytest.mark.parametrize("name", PATCHES)
def test_a_hostile_json_patch_changes_nothing(target: Target, name: str) -> None:
    made = target.send("POST", "/Patient", {**PATIENT, "name": [{"family": "x"}]}).json()
    where = f"/Patient/{made['id']}"
    require_refused(target.send("PATCH", where, json.dumps(PATCHES[name]), Content_Type="application/json-patch+json"), 400, 422)
    assert target.send("GET", where).json() == made


PARAMETERS: dict[str, object] = {
    "nothing": {"resourceType": "Parameters"},
    "another type": {"resourceType": "Patient"},
    "parameter a string": {"resourceType": "Parameters", "parameter": "x"},
    "parameter of null": {"resourceType": "Parameters", "parameter": [None]},
    "no parts": {"resourceType": "Parameters", "parameter": [{"name": "operation"}]},
    "parts of null": {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": [None]}]},
    "part a number": {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": 5}]},
    **{
        f"path {path[:30]}": {
            "resourceType": "Parameters",
            "parameter": [
                {
                    "name": "operation",
                    "part": [
                        {"name": "type", "valueCode": "replace"},
                        {"name": "path", "valueString": path},
                        {"name": "value", "valueString": "x"},
                    ],
                }
            ],
        }
        for path in (
            "",
            "Patient",
            "Patient.",
            "Patient..active",
            "Patient.id",
            "Patient.meta.versionId",
            "Patient.resourceType",
            "Patient.name[99999999999999999999]",
            "Patient.name[-1]",
            "Patient.name.where(",
            "Patient.name.where(family = ",
            "Patient.name.where(family.matches('(a+)+$'))",
            "Patient.name.repeat(children())",
            "Patient.name | Patient.name",
            "%resource",
            "Observation.status",
            "Patient" + ".name" * 2000,
            "Patient.name" + "[0]" * 2000,
            "(" * 5000,
            "'" * 5000,
            "Patient.name.where(" + "a.where(" * 500,
        )
    },
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_hostile_fhirpath_patch_changes_nothing(target: Target, name: str) -> None:
    made = target.send("POST", "/Patient", {**PATIENT, "name": [{"family": "x"}]}).json()
    where = f"/Patient/{made['id']}"
    require_refused(target.send("PATCH", where, json.dumps(PARAMETERS[name])), 400, 422)
    assert target.send("GET", where).json() == made


def test_many_small_values_are_no_bomb(target: Target) -> None:
    for body in (
        {**PATIENT, "name": [{"family": "x"}] * 5_000},
        {**PATIENT, "identifier": [{"system": f"http://a.example/{number}", "value": f"{number}"} for number in range(2_000)]},
        {**PATIENT, "extension": [{"url": "http://a.example", "valueString": "x"}] * 3_000},
    ):
        require_sane(target.send("POST", "/Patient", body))
