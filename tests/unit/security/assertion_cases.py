"""The battery of client assertions: one deviation from a good one each, named after the rule of security.md that it is about.

A case changes members of the header and of the claims (None takes one away), or makes the whole text of its own.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from service.security.assertion import Convention
from tests.unit.security.signing import Private, base64url, compact, private

NOW = 1_795_337_665
TOKEN_URL = "https://clinic.example/oauth/token"
ISSUER = "https://clinic.example"
KEYS_URL = "https://ehr.example/jwks.json"

ACCEPTED = None
REFUSED = ("invalid_client", 401)
MALFORMED = ("invalid_client", 400)

Members = Mapping[str, Any]
Text = Callable[["Draft"], str]


@dataclass(frozen=True)
class Draft:
    """A good header and good claims for one algorithm, and the key that signs them."""

    algorithm: str
    header: dict[str, Any]
    claims: dict[str, Any]
    key: Private

    def signed(self, header: object = None, claims: object = None, key: Private | None = None) -> str:
        """The assertion, with another header, claims or key where given."""
        return compact(header or self.header, claims or self.claims, key or self.key, self.algorithm)


@dataclass(frozen=True)
class Case:
    """One assertion: what differs from a good one, who is registered, and how it must end."""

    name: str
    end: tuple[str, int] | None
    header: Members = field(default_factory=dict)
    claims: Members = field(default_factory=dict)
    text: Text | None = None
    by_url: bool = False
    conventions: frozenset[Convention] = frozenset(Convention)
    client_id: str | None = None

    def assertion(self, algorithm: str) -> str:
        """The text of the assertion for one algorithm."""
        header = _with({"alg": algorithm, "kid": f"key-{algorithm}", "typ": "JWT"}, self.header)
        draft = Draft(algorithm, header, _with(good_claims(), self.claims), private(algorithm))
        return self.text(draft) if self.text else draft.signed()


def good_claims() -> dict[str, Any]:
    """The claims of a good assertion."""
    return {"iss": "ehr", "sub": "ehr", "aud": TOKEN_URL, "exp": NOW + 300, "jti": "a1b2c3"}


def _with(members: dict[str, Any], changes: Members) -> dict[str, Any]:
    return {name: value for name, value in {**members, **changes}.items() if value is not None}


def _members(tree: Mapping[str, Any]) -> str:
    return json.dumps(tree)[1:-1]


def _as(algorithm_of: Mapping[str, str]) -> Text:
    """Says and uses another algorithm than the key is for."""

    def text(draft: Draft) -> str:
        algorithm = algorithm_of[draft.algorithm]
        return compact({**draft.header, "alg": algorithm}, draft.claims, draft.key, algorithm)

    return text


def _unsigned(draft: Draft) -> str:
    return ".".join([*draft.signed({**draft.header, "alg": "none"}).split(".")[:2], ""])


def _claims_swapped(draft: Draft) -> str:
    header, _, signature = draft.signed().split(".")
    return f"{header}.{base64url(json.dumps({**draft.claims, 'exp': NOW + 299}).encode())}.{signature}"


def _signature_changed(draft: Draft) -> str:
    text = draft.signed()
    place = text.rindex(".") + 9
    return text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]


def _signature_of(length: int) -> Text:
    return lambda draft: draft.signed().rpartition(".")[0] + "." + base64url(bytes(length))


def _loose_bits(draft: Draft) -> str:
    """The last character of a segment stands for the same bytes with other left-over bits."""
    header, claims, signature = draft.signed(claims=json.dumps(draft.claims) + " " * ((-len(json.dumps(draft.claims)) + 1) % 3)).split(".")
    return f"{header}.{claims[:-1]}{chr(ord(claims[-1]) + 1)}.{signature}"


def _duplicate(part: str, member: str) -> Text:
    def text(draft: Draft) -> str:
        tree = draft.header if part == "header" else draft.claims
        doubled = "{" + _members(tree) + "," + _members({member: tree[member]}) + "}"
        return draft.signed(**{part: doubled})

    return text


def _claims_text(change: Callable[[str], str]) -> Text:
    return lambda draft: draft.signed(claims=change(json.dumps(draft.claims)))


CASES = [
    Case("A2 as SMART wants it", ACCEPTED),
    Case("A2 with a header that means nothing", ACCEPTED, {"x-made-by": "test", "cty": "JWT"}),
    Case("A2 the key identifier has one letter", ACCEPTED, {"kid": "k"}),
    Case("A2 the key identifier is as long as it may be", ACCEPTED, {"kid": "k" * 255}),
    Case("A2 the algorithm is missing", REFUSED, {"alg": None}),
    Case("A2 the algorithm is none", REFUSED, text=_unsigned),
    Case("A2 the algorithm is none in capitals", REFUSED, {"alg": "NONE"}),
    Case("A2 the algorithm is HS384 with the public key as secret", REFUSED, text=_as({"RS384": "HS384", "ES384": "HS384"})),
    Case("A2 the algorithm is another one of the key's", REFUSED, text=_as({"RS384": "RS256", "ES384": "ES256"})),
    Case("A2 the algorithm is a stronger one of the key's", REFUSED, text=_as({"RS384": "PS384", "ES384": "ES512"})),
    Case("A2 the algorithm is in small letters", REFUSED, {"alg": "rs384"}),
    Case("A2 the algorithm is an array", REFUSED, {"alg": ["RS384", "ES384"]}),
    Case("A2 the key identifier is missing", REFUSED, {"kid": None}),
    Case("A2 the key identifier is empty", REFUSED, {"kid": ""}),
    Case("A2 the key identifier is a number", REFUSED, {"kid": 1}),
    Case("A2 the key identifier is too long", REFUSED, {"kid": "k" * 256}),
    Case("A2 the type is missing", REFUSED, {"typ": None}),
    Case("A2 the type is another one", REFUSED, {"typ": "at+jwt"}),
    Case("A2 the type is in small letters", REFUSED, {"typ": "jwt"}),
    Case("A2 the type is an array", REFUSED, {"typ": ["JWT"]}),
    Case("A3 the keys' URL is the registered one", ACCEPTED, {"jku": KEYS_URL}, by_url=True),
    Case("A3 the keys' URL is not told", ACCEPTED, by_url=True),
    Case("A3 the keys' URL is another one", REFUSED, {"jku": "https://evil.example/jwks.json"}, by_url=True),
    Case("A3 the keys' URL has a slash more", REFUSED, {"jku": KEYS_URL + "/"}, by_url=True),
    Case("A3 the keys' URL is an array", REFUSED, {"jku": [KEYS_URL]}, by_url=True),
    Case("A3 the keys' URL is told where none is registered", REFUSED, {"jku": KEYS_URL}),
    Case("A3 the keys' URL is null where none is registered", REFUSED, text=lambda draft: draft.signed({**draft.header, "jku": None})),
    Case("A4 the key is not registered", REFUSED, {"kid": "key-unknown"}),
    Case("A4 the key is one of another type", REFUSED, {"kid": "key-other-type"}),
    Case("A4 the key's identifier differs in case", REFUSED, {"kid": "KEY-RS384"}),
    Case("A4 signed with another key", REFUSED, text=lambda draft: draft.signed(key=private(draft.algorithm, "two"))),
    Case("A4 the signature is changed", REFUSED, text=_signature_changed),
    Case("A4 the signature is empty", REFUSED, text=_signature_of(0)),
    Case("A4 the signature is all zeros, of an EC key's length", REFUSED, text=_signature_of(96)),
    Case("A4 the signature is all zeros, of an RSA key's length", REFUSED, text=_signature_of(256)),
    Case("A4 the claims are others than the signed ones", REFUSED, text=_claims_swapped),
    Case("A5 with claims that mean nothing", ACCEPTED, claims={"name": "EHR", "deep": {"a": [1]}}),
    Case("A5 the form names the same client", ACCEPTED, client_id="ehr"),
    Case("A5 the form names another client", REFUSED, client_id="gateway"),
    Case("A5 the issuer is missing", REFUSED, claims={"iss": None}),
    Case("A5 the subject is missing", REFUSED, claims={"sub": None}),
    Case("A5 issuer and subject differ", REFUSED, claims={"iss": "gateway"}),
    Case("A5 the client is unknown", REFUSED, claims={"iss": "nobody", "sub": "nobody"}),
    Case("A5 the client is disabled", REFUSED, claims={"iss": "disabled", "sub": "disabled"}),
    Case("A5 the client is another one", REFUSED, claims={"iss": "gateway", "sub": "gateway"}),
    Case("A5 the client differs in case", REFUSED, claims={"iss": "EHR", "sub": "EHR"}),
    Case("A5 the client is an array", REFUSED, claims={"iss": ["ehr"], "sub": ["ehr"]}),
    Case("A6 RFC 10070: its type and the issuer", ACCEPTED, {"typ": "client-authentication+jwt"}, {"aud": ISSUER}),
    Case("A6 the audience is an array of one", ACCEPTED, claims={"aud": [TOKEN_URL]}),
    Case("A6 mixed: SMART's type and the issuer", REFUSED, claims={"aud": ISSUER}),
    Case("A6 mixed: RFC 10070's type and the token URL", REFUSED, {"typ": "client-authentication+jwt"}),
    Case("A6 an array of both audiences", REFUSED, claims={"aud": [TOKEN_URL, ISSUER]}),
    Case("A6 an array with a second server", REFUSED, claims={"aud": [TOKEN_URL, "https://other.example/token"]}),
    Case("A6 the audience is missing", REFUSED, claims={"aud": None}),
    Case("A6 the audience is an empty array", REFUSED, claims={"aud": []}),
    Case("A6 the audience is nested", REFUSED, claims={"aud": [[TOKEN_URL]]}),
    Case("A6 the audience is another server", REFUSED, claims={"aud": "https://other.example/oauth/token"}),
    Case("A6 the audience has a slash more", REFUSED, claims={"aud": TOKEN_URL + "/"}),
    Case("A6 the audience differs in case", REFUSED, claims={"aud": TOKEN_URL.upper()}),
    Case("A6 a client of RFC 10070 uses SMART's way", REFUSED, conventions=frozenset({Convention.RFC_10070})),
    Case(
        "A6 a client of SMART uses RFC 10070's way",
        REFUSED,
        {"typ": "client-authentication+jwt"},
        {"aud": ISSUER},
        conventions=frozenset({Convention.SMART}),
    ),
    Case("A7 expires in a second", ACCEPTED, claims={"exp": NOW + 1}),
    Case("A7 expires in five minutes, by a clock that is fast", ACCEPTED, claims={"exp": NOW + 330}),
    Case("A7 has expired, by a clock that is slow", ACCEPTED, claims={"exp": NOW - 29}),
    Case("A7 was made now", ACCEPTED, claims={"iat": NOW, "nbf": NOW}),
    Case("A7 was made in half a minute, by a clock that is fast", ACCEPTED, claims={"iat": NOW + 30, "nbf": NOW + 30}),
    Case("A7 expires too late by a second", REFUSED, claims={"exp": NOW + 331}),
    Case("A7 expires in an hour", REFUSED, claims={"exp": NOW + 3600}),
    Case("A7 expires in milliseconds of the epoch", REFUSED, claims={"exp": (NOW + 300) * 1000}),
    Case("A7 has expired", REFUSED, claims={"exp": NOW - 30}),
    Case("A7 never expires", REFUSED, claims={"exp": None}),
    Case("A7 the expiry is a text", REFUSED, claims={"exp": str(NOW + 300)}),
    Case("A7 the expiry is true", REFUSED, claims={"exp": True}),
    Case("A7 the expiry has a fraction", REFUSED, claims={"exp": NOW + 100.5}),
    Case("A7 the expiry has an exponent", REFUSED, text=_claims_text(lambda text: text.replace(str(NOW + 300), f"{NOW + 300}e0"))),
    Case("A7 the expiry is no number of JSON", MALFORMED, text=_claims_text(lambda text: text.replace(str(NOW + 300), "NaN"))),
    Case("A7 the expiry is beyond all numbers", MALFORMED, text=_claims_text(lambda text: text.replace(str(NOW + 300), "1e9999"))),
    Case("A7 the expiry has thousands of digits", MALFORMED, text=_claims_text(lambda text: text.replace(str(NOW + 300), "9" * 4000))),
    Case("A7 is not valid yet", REFUSED, claims={"nbf": NOW + 31}),
    Case("A7 was made in the future", REFUSED, claims={"iat": NOW + 31}),
    Case("A7 the time of making is a text", REFUSED, claims={"iat": str(NOW)}),
    Case("A8 the identifier has one letter", ACCEPTED, claims={"jti": "j"}),
    Case("A8 the identifier is as long as it may be", ACCEPTED, claims={"jti": "j" * 255}),
    Case("A8 the identifier is missing", REFUSED, claims={"jti": None}),
    Case("A8 the identifier is empty", REFUSED, claims={"jti": ""}),
    Case("A8 the identifier is a number", REFUSED, claims={"jti": 7}),
    Case("A8 the identifier is too long", REFUSED, claims={"jti": "j" * 256}),
    Case("A10 nearly 8 KiB", ACCEPTED, claims={"note": "n" * 5000}),
    Case("A10 more than 8 KiB", MALFORMED, claims={"note": "n" * 8192}),
    Case("A10 two segments", MALFORMED, text=lambda draft: draft.signed().rpartition(".")[0]),
    Case("A10 four segments", MALFORMED, text=lambda draft: draft.signed() + ".e30"),
    Case("A10 five segments", MALFORMED, text=lambda draft: draft.signed() + ".e30.e30"),
    Case("A10 no segment", MALFORMED, text=lambda _: ".."),
    Case("A10 not compact but JSON", MALFORMED, text=lambda _: json.dumps({"payload": "e30", "signatures": []})),
    *(
        Case(f"A10 the header {name}", REFUSED, {name: value})
        for name, value in [
            ("crit", ["exp"]),
            ("b64", False),
            ("jwk", {"kty": "RSA"}),
            ("x5u", "https://evil.example/"),
            ("x5c", ["MIIB"]),
            ("zip", "DEF"),
        ]
    ),
    Case("A10 a header twice", MALFORMED, text=_duplicate("header", "kid")),
    Case("A10 a claim twice", MALFORMED, text=_duplicate("claims", "sub")),
    Case("A10 nested too deep", MALFORMED, claims={"deep": [[[[1]]]]}),
    Case(
        "A10 nested a thousand levels deep", MALFORMED, text=_claims_text(lambda text: text[:-1] + ',"d":' + "[" * 1000 + "]" * 1000 + "}")
    ),
    Case("A10 padded", MALFORMED, text=lambda draft: draft.signed() + "="),
    Case("A10 with white space", MALFORMED, text=lambda draft: draft.signed() + "\n"),
    Case("A10 with letters of another base64", MALFORMED, text=lambda draft: draft.signed()[:-2] + "+/"),
    Case("A10 with letters that are no ASCII", MALFORMED, text=lambda draft: draft.signed()[:-1] + "\u017f"),
    Case("A10 with left-over bits", MALFORMED, text=_loose_bits),
    Case("A10 claims that are an array", MALFORMED, text=_claims_text(lambda text: f"[{text}]")),
    Case("A10 claims that are not UTF-8", MALFORMED, text=lambda draft: draft.signed(claims=b'{"iss":"\xff"}')),
    Case("A10 claims with a byte order mark", MALFORMED, text=_claims_text(lambda text: "\ufeff" + text)),
    Case("A10 claims with half a surrogate pair", MALFORMED, text=_claims_text(lambda text: text.replace("a1b2c3", "\\ud800"))),
    Case("A10 a header that is an array", MALFORMED, text=lambda draft: draft.signed(header=json.dumps([draft.header]))),
]
