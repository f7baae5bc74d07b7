"""The battery of bearer tokens of an OpenID provider: one deviation from a good token each, for every algorithm."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from service.security.external.jwt import LARGEST, Reader, TokenRefused
from tests.unit.security.external import issuer
from tests.unit.security.external.issuer import ALGORITHMS, BASE, CLIENT, ISSUER, NOW
from tests.unit.security.signing import base64url

READER = Reader(ISSUER, lambda id, algorithm: issuer.published().find(id, algorithm), lambda: NOW * 1_000_000)
NONCE = "n" * 43

Text = Callable[[str], str]


@dataclass(frozen=True)
class Case:
    """A token: what differs from a good one, and why it is refused (None: it is not)."""

    name: str
    reason: str | None
    header: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    text: Text | None = None

    def token(self, algorithm: str) -> str:
        """The token for one algorithm."""
        if self.text:
            return self.text(algorithm)
        return issuer.compact(issuer.header(algorithm, **self.header), issuer.access_claims(**self.claims), algorithm)


def _good(algorithm: str) -> tuple[str, str, str]:
    first, second, third = issuer.compact(issuer.header(algorithm), issuer.access_claims(), algorithm).split(".")
    return first, second, third


def _with_alg(said: str, used: str | None = None) -> Text:
    return lambda algorithm: issuer.compact(
        issuer.header(algorithm, alg=said), issuer.access_claims(), used or algorithm, issuer.private(algorithm)
    )


def _unsigned(algorithm: str) -> str:
    return f"{base64url(json.dumps(issuer.header(algorithm, alg='none')).encode())}.{_good(algorithm)[1]}."


def _by_public_key(algorithm: str) -> str:
    return issuer.compact(issuer.header(algorithm, alg="HS256"), issuer.access_claims(), "HS256", issuer.private(algorithm))


def _twice(name: str, value: object) -> Text:
    claims = json.dumps(issuer.access_claims())[:-1] + f', "{name}": {json.dumps(value)}}}'
    return lambda algorithm: issuer.compact(issuer.header(algorithm), claims, algorithm)


def _other_claims(algorithm: str) -> str:
    first, _, third = _good(algorithm)
    return f"{first}.{base64url(json.dumps(issuer.access_claims(scope='system/*.cruds')).encode())}.{third}"


def _number(name: str, spelling: str) -> Text:
    claims = json.dumps(issuer.access_claims(**{name: 77})).replace(f'"{name}": 77', f'"{name}": {spelling}')
    return lambda algorithm: issuer.compact(issuer.header(algorithm), claims, algorithm)


CASES = (
    Case("good", None),
    Case("typ JWT", None, {"typ": "JWT"}),
    Case("typ in full", None, {"typ": "application/at+jwt"}),
    Case("typ in capitals", None, {"typ": "AT+JWT"}),
    Case("several audiences with ours", None, claims={"aud": ["account", BASE]}),
    Case("thumbprint of a certificate", None, {"x5t": "abc"}),
    Case("without nbf and iat", None, claims={"nbf": None, "iat": None}),
    Case("clock behind by the skew", None, claims={"nbf": NOW + 30, "iat": NOW + 30}),
    Case("expired within the skew", None, claims={"exp": NOW - 29}),
    Case("at+jwt without scopes", None, claims={"scope": None}),
    Case("a nonce in at+jwt", None, claims={"nonce": "x"}),
    Case("alg none", "algorithm", text=_unsigned),
    Case("alg None", "algorithm", text=_with_alg("None")),
    Case("alg missing", "algorithm", {"alg": None}),
    Case("alg a number", "algorithm", {"alg": 256}),
    Case("alg a list", "algorithm", {"alg": ["RS256"]}),
    Case("HS256 with the public key", "algorithm", text=_by_public_key),
    Case("PS256", "algorithm", text=_with_alg("PS256")),
    Case("RS512", "algorithm", text=_with_alg("RS512")),
    Case("ES512", "algorithm", text=_with_alg("ES512")),
    Case("ES256K", "algorithm", text=_with_alg("ES256K")),
    Case("kid missing", "key-id", {"kid": None}),
    Case("kid empty", "key-id", {"kid": ""}),
    Case("kid a number", "key-id", {"kid": 1}),
    Case("kid long", "key-id", {"kid": "k" * 256}),
    Case("kid unknown", "key-unknown", {"kid": "another"}),
    Case(
        "kid of another algorithm's key",
        "key-unknown",
        text=lambda a: issuer.compact(issuer.header(a, kid=f"key-{'ES256' if a != 'ES256' else 'RS256'}"), issuer.access_claims(), a),
    ),
    Case(
        "another key's signature",
        "signature",
        text=lambda a: issuer.compact(issuer.header(a), issuer.access_claims(), a, issuer.private(a, "two")),
    ),
    Case("other claims than were signed", "signature", text=_other_claims),
    Case("no signature", "signature", text=lambda a: ".".join((*_good(a)[:2], ""))),
    Case("signature cut short", "signature", text=lambda a: ".".join((*_good(a)[:2], _good(a)[2][:40]))),
    Case("crit", "header", {"crit": ["exp"]}),
    Case("b64", "header", {"b64": False}),
    Case("jwk brings its key", "header", {"jwk": {"kty": "RSA"}}),
    Case("jku brings its key", "header", {"jku": f"{ISSUER}/keys"}),
    Case("x5u", "header", {"x5u": "https://evil.example/x"}),
    Case("x5c", "header", {"x5c": ["MIIB"]}),
    Case("zip", "header", {"zip": "DEF"}),
    Case("encrypted", "header", {"enc": "A128GCM"}),
    Case("nested", "header", {"cty": "JWT"}),
    Case("typ missing", "type", {"typ": None}),
    Case("typ of an assertion", "type", {"typ": "client-authentication+jwt"}),
    Case("typ of a logout token", "type", {"typ": "logout+jwt"}),
    Case("typ a list", "signature", {"typ": ["at+jwt"]}),
    Case("iss missing", "issuer", claims={"iss": None}),
    Case("iss another", "issuer", claims={"iss": "https://id.clinic.example/realms/other"}),
    Case("iss with a slash more", "issuer", claims={"iss": f"{ISSUER}/"}),
    Case("iss a list", "issuer", claims={"iss": [ISSUER]}),
    Case("aud missing", "audience", claims={"aud": None}),
    Case("aud another", "audience", claims={"aud": "https://other.example/fhir"}),
    Case("aud beginning with ours", "audience", claims={"aud": f"{BASE}/"}),
    Case("aud empty", "audience", claims={"aud": []}),
    Case("aud with a number in it", "audience", claims={"aud": [BASE, 1]}),
    Case("aud an object", "audience", claims={"aud": {BASE: True}}),
    Case("aud of too many", "audience", claims={"aud": [BASE, *map(str, range(20))]}),
    Case("exp missing", "time-type", claims={"exp": None}),
    Case("exp a text", "time-type", claims={"exp": str(NOW + 300)}),
    Case("exp true", "time-type", claims={"exp": True}),
    Case("exp a fraction", "time-type", text=_number("exp", f"{NOW + 300}.5")),
    Case("exp with an exponent", "time-type", text=_number("exp", "1e300")),
    Case("exp not finite", "encoding", text=_number("exp", "Infinity")),
    Case("exp of many digits", "encoding", text=_number("exp", "9" * 5000)),
    Case("exp past", "expired", claims={"exp": NOW - 30}),
    Case("exp beyond a day", "lifetime", claims={"exp": NOW + 86_400 + 31}),
    Case("nbf ahead", "not-yet", claims={"nbf": NOW + 31}),
    Case("iat ahead", "not-yet", claims={"iat": NOW + 31}),
    Case("nbf a text", "time-type", claims={"nbf": "0"}),
    Case("sub missing", "subject", claims={"sub": None}),
    Case("sub a number", "subject", claims={"sub": 7}),
    Case("exp twice", "encoding", text=_twice("exp", NOW + 300)),
    Case("scope twice", "encoding", text=_twice("scope", "system/*.cruds")),
    Case("ID token by its hash", "other-kind", claims={"at_hash": "x"}),
    Case("ID token by its claim", "other-kind", {"typ": "JWT"}, {"typ": "ID"}),
    Case("ID token by its nonce", "other-kind", {"typ": "JWT"}, {"nonce": "x"}),
    Case("ID token without scopes", "other-kind", {"typ": "JWT"}, {"scope": None}),
    Case("ID token of another maker", "other-kind", {"typ": "JWT"}, {"token_use": "id"}),
    Case("refresh token", "other-kind", {"typ": "JWT"}, {"typ": "Refresh"}),
    Case("logout token", "other-kind", claims={"events": {}}),
    Case("empty", "segments", text=lambda _: ""),
    Case("one segment", "segments", text=lambda _: "opaque"),
    Case("four segments", "segments", text=lambda a: ".".join((*_good(a), "x"))),
    Case("five segments", "segments", text=lambda a: ".".join((*_good(a), "x", "y"))),
    Case("many dots", "segments", text=lambda _: "." * 8000),
    Case("padding", "encoding", text=lambda a: ".".join((_good(a)[0] + "=", *_good(a)[1:]))),
    Case("white space", "encoding", text=lambda a: ".".join((_good(a)[0], " " + _good(a)[1], _good(a)[2]))),
    Case("no ASCII", "encoding", text=lambda a: ".".join((_good(a)[0], "é", _good(a)[2]))),
    Case("header no object", "encoding", text=lambda a: issuer.compact("[]", issuer.access_claims(), a)),
    Case("claims no JSON", "encoding", text=lambda a: issuer.compact(issuer.header(a), "{", a)),
    Case("claims no UTF-8", "encoding", text=lambda a: issuer.compact(issuer.header(a), b'{"a":"\xff"}', a)),
    Case("claims deep", "encoding", text=lambda a: issuer.compact(issuer.header(a), "[" * 1000 + "]" * 1000, a)),
    Case("huge", "size", claims={"note": "x" * LARGEST}),
)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_battery_of_access_tokens(case: Case, algorithm: str) -> None:
    if case.reason is None:
        assert READER.access(case.token(algorithm), BASE)["azp"] == CLIENT
        return
    with pytest.raises(TokenRefused) as refusal:
        READER.access(case.token(algorithm), BASE)
    assert refusal.value.reason == case.reason


def _id_token(typ: str | None = "JWT", **changes: Any) -> str:
    claims = issuer.access_claims(**{"aud": CLIENT, "nonce": NONCE, "scope": None, **changes})
    return issuer.compact(issuer.header("RS256", typ=typ), claims, "RS256")


@pytest.mark.parametrize(
    "changes",
    [{}, {"typ": None}, {"aud": [CLIENT]}, {"azp": None}],
    ids=["good", "without typ", "audience in a list", "without azp"],
)
def test_an_id_token_of_our_own_request_is_read(changes: dict[str, Any]) -> None:
    assert READER.identity(_id_token(**changes), CLIENT, NONCE)["sub"] == "f:1:ada"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"nonce": "m" * 43}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"nonce": 5}, "nonce"),
        ({"nonce": "\ud800"}, "encoding"),
        ({"aud": BASE}, "audience"),
        ({"aud": [CLIENT, "another"]}, "audience"),
        ({"azp": "another"}, "audience"),
        ({"typ": "at+jwt"}, "type"),
        ({"iss": f"{ISSUER}/"}, "issuer"),
        ({"exp": NOW - 60}, "expired"),
        ({"iat": None}, "time-missing"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(f"{name}:{json.dumps(each)[:12]}" for name, each in value.items()),
)
def test_an_id_token_that_is_not_ours_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(TokenRefused) as refusal:
        READER.identity(_id_token(**changes), CLIENT, NONCE)
    assert refusal.value.reason == reason


def test_an_access_token_is_no_id_token_nor_the_other_way_round() -> None:
    with pytest.raises(TokenRefused):
        READER.identity(issuer.token(), CLIENT, NONCE)
    with pytest.raises(TokenRefused):
        READER.access(_id_token(aud=BASE), BASE)
