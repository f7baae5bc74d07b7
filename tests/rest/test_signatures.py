"""Signatures in a Provenance: kept as they come, and verified where a registered client made them over a version here."""

import base64
import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.fhir.canonical import signed_bytes
from service.records.clients import Registration
from tests.access import EVERYTHING, admitted
from tests.rest.made import create, entry, issue, made, observation, patient, process
from tests.unit.security.signing import ES384, RS384, compact, jwk, key_set, private

KEYS = {"RS384": "rsa", "ES384": "ec"}


@pytest.fixture(scope="module")
def signer(api: FlaskClient) -> FlaskClient:
    """A client that is registered with two keys."""
    keys = key_set(*(jwk(private(name, "one"), kid=kid) for name, kid in KEYS.items()))
    return admitted(api.application, Registration("signer", EVERYTHING, jwks=keys))


def _jws(signed: bytes, algorithm: str = ES384, key: str = "one", detached: bool = True, **header: Any) -> str:
    text = compact({"alg": algorithm, "kid": KEYS[algorithm], **header}, signed, private(algorithm, key), algorithm)
    first, _, last = text.split(".")
    return f"{first}..{last}" if detached else text


def _signature(jws: str, **members: Any) -> dict[str, Any]:
    return {
        "type": [{"system": "urn:iso-astm:E1762-95:2013", "code": "1.2.840.10065.1.12.1.5"}],
        "when": "2026-03-14T10:00:00Z",
        "who": {"display": "Ada Byron"},
        "sigFormat": "application/jose",
        "data": base64.b64encode(jws.encode()).decode(),
        **members,
    }


def _provenance(jws: str, *targets: str, **members: Any) -> dict[str, Any]:
    tree = {
        "resourceType": "Provenance",
        "target": [{"reference": target} for target in targets],
        "recorded": "2026-03-14T10:00:00Z",
        "agent": [{"who": {"display": "Ada Byron"}}],
        "signature": [_signature(jws, **members)],
    }
    return {name: value for name, value in tree.items() if value}


def _header(jws: str) -> str:
    return json.dumps(_provenance(jws))


def _warnings(response: Any) -> list[str]:
    assert response.status_code == 201, response.text
    return [one["diagnostics"] for one in response.json["issue"] if one["severity"] == "warning" and "signature" in one["diagnostics"]]


def _posted(signer: FlaskClient, jws: str, *targets: str) -> Any:
    return create(signer, _provenance(jws, *targets), Prefer="return=OperationOutcome")


@pytest.fixture
def known(signer: FlaskClient) -> dict[str, Any]:
    """An Observation whose number and text are easily written otherwise."""
    one = made(signer, patient())
    return made(signer, observation(f"Patient/{one['id']}", "1.10", note=[{"text": 'a "b" \\ é 漢'}]))


def _text(signer: FlaskClient, known: dict[str, Any]) -> str:
    return signer.get(f"/fhir/Observation/{known['id']}/_history/1").text


@pytest.mark.parametrize("algorithm", [RS384, ES384])
@pytest.mark.parametrize("detached", [True, False], ids=["detached", "whole"])
def test_a_good_signature_is_verified_and_kept_as_it_came(
    signer: FlaskClient, known: dict[str, Any], algorithm: str, detached: bool
) -> None:
    jws = _jws(signed_bytes(_text(signer, known)), algorithm, detached=detached)
    response = _posted(signer, jws, f"Observation/{known['id']}/_history/1")
    assert _warnings(response) == []
    stored = signer.get(response.headers["Location"]).json
    assert stored["signature"] == [_signature(jws)]


def test_a_resource_is_signed_before_the_server_gave_it_an_id(signer: FlaskClient) -> None:
    body = patient()
    good, bad = (_jws(signed_bytes(json.dumps(one))) for one in (body, {**body, "active": False}))
    headers = {"Prefer": "return=OperationOutcome"}
    assert _warnings(create(signer, body, X_Provenance=_header(good), **headers)) == []
    refused = issue(create(signer, body, X_Provenance=_header(bad)), 422)
    assert refused["expression"] == ["Provenance.signature[0].data"]
    assert refused["diagnostics"].startswith("X-Provenance: ")


@pytest.mark.parametrize(
    "jws",
    [
        lambda text: _jws(signed_bytes(text.replace("1.10", "1.1"))),
        lambda text: _jws(text.encode()),
        lambda text: _jws(signed_bytes(text), key="two"),
        lambda text: _jws(signed_bytes(text), detached=False, alg="ES384").replace(".", ".AA", 1),
        lambda text: _jws(signed_bytes(text), alg="none"),
        lambda text: _jws(signed_bytes(text), alg="HS384"),
        lambda text: _jws(signed_bytes(text), kid=None),
        lambda text: _jws(signed_bytes(text), crit=["b64"], b64=False),
        lambda text: _jws(signed_bytes(text), jwk=jwk(private(ES384))),
        lambda text: _jws(signed_bytes(text))[:-4],
    ],
    ids=[
        "another number",
        "with id and meta",
        "another key",
        "another payload",
        "none",
        "HS384",
        "no kid",
        "crit",
        "jwk",
        "short",
    ],
)
def test_a_signature_that_does_not_hold_is_422(signer: FlaskClient, known: dict[str, Any], jws: Any) -> None:
    target = f"Observation/{known['id']}/_history/1"
    before = signer.get(f"/fhir/Provenance?target={target.partition('/_history')[0]}").json["total"]
    told = issue(_posted(signer, jws(_text(signer, known)), target), 422)
    assert (told["code"], told["expression"]) == ("security", ["Provenance.signature[0].data"])
    assert signer.get(f"/fhir/Provenance?target={target.partition('/_history')[0]}").json["total"] == before


def test_a_key_that_is_not_known_is_a_warning(api: FlaskClient, signer: FlaskClient, known: dict[str, Any]) -> None:
    jws, target = _jws(signed_bytes(_text(signer, known)), kid="another"), f"Observation/{known['id']}/_history/1"
    [warning] = _warnings(_posted(signer, jws, target))
    assert "'another'" in warning
    good = _jws(signed_bytes(_text(signer, known)))
    assert len(_warnings(_posted(api, good, target))) == 1  # another client, which is registered without keys


@pytest.mark.parametrize("text", ["no JWS", "..", "a" * 70_000], ids=["text", "dots", "long"])
def test_what_is_no_signature_is_kept_with_a_warning(signer: FlaskClient, known: dict[str, Any], text: str) -> None:
    [warning] = _warnings(_posted(signer, text, f"Observation/{known['id']}/_history/1"))
    assert "not verified: it is no JWS" in warning


@pytest.mark.parametrize("which", ["no version", "two targets", "a version that never was", "elsewhere"])
def test_what_is_not_one_version_here_is_a_warning(signer: FlaskClient, known: dict[str, Any], which: str) -> None:
    url = f"Observation/{known['id']}"
    targets = {
        "no version": [url],
        "two targets": [f"{url}/_history/1", url],
        "a version that never was": [f"{url}/_history/999999999999"],
        "elsewhere": ["https://other.example/fhir/Observation/1/_history/1"],
    }[which]
    [warning] = _warnings(_posted(signer, _jws(signed_bytes(_text(signer, known))), *targets))
    assert "not verified" in warning


def test_other_formats_are_not_looked_at(signer: FlaskClient, known: dict[str, Any]) -> None:
    tree = _provenance("anything", f"Observation/{known['id']}/_history/1", sigFormat="application/signature+xml")
    assert _warnings(create(signer, tree, Prefer="return=OperationOutcome")) == []


def test_who_cannot_see_the_target_learns_nothing_of_it(api: FlaskClient, known: dict[str, Any]) -> None:
    keys = key_set(jwk(private(ES384), kid="ec"))
    blind = admitted(api.application, Registration("blind", "system/Provenance.cruds system/Observation.c", jwks=keys))
    text = _text(api, known)
    answers = [_posted(blind, _jws(signed), f"Observation/{known['id']}/_history/1") for signed in (signed_bytes(text), b"a guess")]
    assert len({(one.status_code, str(one.json["issue"])) for one in answers}) == 1


def test_in_a_transaction_the_one_version_is_the_target(signer: FlaskClient) -> None:
    body = patient()
    entries = entry("POST", "Patient", body)
    assert process(signer, "transaction", entries, X_Provenance=_header(_jws(signed_bytes(json.dumps(body))))).status_code == 200
    assert process(signer, "transaction", entries, X_Provenance=_header(_jws(b"{}"))).status_code == 422


def test_the_bytes_that_are_signed_are_those_that_are_documented() -> None:
    text = (
        '{"resourceType":"Observation","id":"1","meta":{"versionId":"3"},"text":{"div":"x"},"status":"final",'
        '"valueQuantity":{"value":1.10,"unit":"\\u00b5g"},"note":[{"text":"a\\/b"}]}'
    )
    said = '{"note":[{"text":"a/b"}],"resourceType":"Observation","status":"final","valueQuantity":{"unit":"µg","value":1.10}}'
    assert signed_bytes(text) == said.encode()
