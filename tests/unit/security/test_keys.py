"""REG-R2 and REG-R5 of the security tests: what a JWK Set must satisfy."""

import json
from typing import Any

import pytest

from service.security.keys import KeySet, UnfitKeys, parse
from tests.unit.security.signing import ES384, RS384, base64url, jwk, key_set, private

RSA = jwk(private(RS384), kid="r")
EC = jwk(private(ES384), kid="e")


def ids(keys: KeySet) -> list[tuple[str, str]]:
    """Identifier and algorithm of each key."""
    return [(key.id, key.algorithm) for key in keys.keys]


def without(jwk: dict[str, Any], *names: str) -> dict[str, Any]:
    """The JWK less some members."""
    return {name: value for name, value in jwk.items() if name not in names}


def why(raw: bytes) -> str:
    """The sentence with which a set is refused."""
    with pytest.raises(UnfitKeys) as refused:
        parse(raw)
    return str(refused.value)


def test_reg_r2_the_algorithm_need_not_be_told() -> None:
    assert "alg" not in RSA
    assert "alg" not in EC
    assert ids(parse(key_set(RSA, EC))) == [("r", "RS384"), ("e", "ES384")]


def test_reg_r2_the_algorithm_may_be_told() -> None:
    told = key_set({**RSA, "alg": "RS384", "use": "sig", "key_ops": ["verify"]}, {**EC, "alg": "ES384"})
    assert ids(parse(told)) == [("r", "RS384"), ("e", "ES384")]


@pytest.mark.parametrize("members", [{"x-own": {"a": 1}}, {"x5t": "abc"}, {"exp": 1.5}])
def test_reg_r2_other_members_do_not_matter(members: dict[str, Any]) -> None:
    assert ids(parse(key_set({**RSA, **members}))) == [("r", "RS384")]


@pytest.mark.parametrize("jwk", [RSA, EC], ids=["RSA", "EC"])
@pytest.mark.parametrize("name", ["kty", "kid"])
def test_reg_r2_every_key_has_kty_and_kid(jwk: dict[str, Any], name: str) -> None:
    assert "needs `kty`, and a `kid`" in why(key_set(EC | {"kid": "other"}, without(jwk, name)))


@pytest.mark.parametrize("kid", ["k", "k" * 255, "\u00e9 k"])
def test_reg_r2_identifiers_have_1_to_255_characters(kid: str) -> None:
    assert ids(parse(key_set({**RSA, "kid": kid}))) == [(kid, "RS384")]


@pytest.mark.parametrize("kid", ["", "k" * 256, 1, None, ["r"]])
def test_reg_r2_the_identifier_is_a_text(kid: object) -> None:
    assert "`kid` of 1 to 255" in why(key_set({**RSA, "kid": kid}))


@pytest.mark.parametrize(("jwk", "name"), [(RSA, "n"), (RSA, "e"), (EC, "x"), (EC, "y")], ids=["n", "e", "x", "y"])
@pytest.mark.parametrize("value", [None, "", 5, "a b", "AAA=", "++++", ["AQAB"]], ids=str)
def test_reg_r2_every_key_has_its_numbers(jwk: dict[str, Any], name: str, value: object) -> None:
    assert why(key_set({**jwk, name: value})).startswith("Key 1 is refused: ")
    assert why(key_set(without(jwk, name))).startswith("Key 1 is refused: ")


def test_reg_r2_an_ec_key_has_a_curve() -> None:
    assert "no key for RS384 or ES384" in why(key_set(without(EC, "crv")))


def test_reg_r5_rsa_keys_have_2048_to_4096_bits() -> None:
    for bits, fit in ((1024, False), (2040, False), (2048, True), (4096, True), (4104, False)):
        raw = key_set({**RSA, "n": base64url((1 << (bits - 1) | 1).to_bytes(bits // 8))})
        if fit:
            assert ids(parse(raw)) == [("r", "RS384")]
        else:
            assert "2048 to 4096 bits" in why(raw)


@pytest.mark.parametrize("exponent", ["AQ", "Aw", "AQAA", "AAEAAQ", base64url(b"\x01" * 5), base64url(b"\x01" * 300)])
def test_reg_r5_weak_and_odd_exponents_are_refused(exponent: str) -> None:
    assert why(key_set({**RSA, "e": exponent})).startswith("Key 1 is refused: ")


def test_reg_r5_exponents_of_four_bytes_are_read() -> None:
    assert ids(parse(key_set({**RSA, "e": base64url(b"\x01\x00\x00\x01")}))) == [("r", "RS384")]


def test_reg_r5_a_modulus_has_no_leading_zeros() -> None:
    assert "zero byte" in why(key_set({**RSA, "n": base64url(bytes(1)) + RSA["n"]}))


@pytest.mark.parametrize("name", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
@pytest.mark.parametrize("jwk", [RSA, EC, {"kty": "OKP", "kid": "o", "crv": "Ed25519", "x": "AA"}], ids=["RSA", "EC", "OKP"])
def test_reg_r5_private_members_are_refused(jwk: dict[str, Any], name: str) -> None:
    text = why(key_set({**RSA, "kid": "good"}, {**jwk, name: "c2VjcmV0"}))
    assert text.startswith(f"Key 2 has the private member {name}.")
    assert "c2VjcmV0" not in text


def test_reg_r5_symmetric_keys_are_refused() -> None:
    assert why(key_set(RSA, {"kty": "oct", "kid": "s"})).startswith("Key 2 is symmetric.")
    assert why(key_set(RSA, {"kty": "oct", "kid": "s", "k": "c2VjcmV0", "alg": "HS384"})).startswith("Key 2 is symmetric.")


def test_reg_r5_an_identifier_stands_once() -> None:
    assert why(key_set(RSA, {**EC, "kid": "r"})).startswith("Key 2 has the `kid` of an earlier key.")
    assert why(key_set(RSA, {**EC, "kid": "r", "use": "enc"})).startswith("Key 2 has the `kid`")


def test_reg_r5_es384_takes_p384() -> None:
    p256 = {"kty": "EC", "kid": "p", "crv": "P-256", "x": base64url(bytes(32)), "y": base64url(bytes(32))}
    assert "curve P-384" in why(key_set({**p256, "alg": "ES384"}))
    assert parse(key_set(EC, p256)).passed_over == ("Key 2 is not used: its curve is not P-384.",)


def test_reg_r5_a_point_lies_on_the_curve() -> None:
    assert why(key_set({**EC, "x": EC["y"], "y": EC["x"]})).startswith("Key 1 is refused: ")
    assert why(key_set({**EC, "x": base64url(bytes(48)), "y": base64url(bytes(48))})).startswith("Key 1 is refused: ")
    assert "48 bytes" in why(key_set({**EC, "x": base64url(bytes(49))}))


@pytest.mark.parametrize(
    "other",
    [
        {**RSA, "use": "enc"},
        {**RSA, "key_ops": ["encrypt"]},
        {**RSA, "key_ops": "verify"},
        {**RSA, "alg": "RS256"},
        {**RSA, "alg": "PS384"},
        {**EC, "alg": "ES256"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AA"},
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"},
    ],
    ids=lambda jwk: "-".join(str(jwk.get(name)) for name in ("kty", "use", "key_ops", "alg")),
)
def test_reg_r5_keys_for_something_else_are_passed_over(other: dict[str, Any]) -> None:
    both = parse(key_set({**EC, "kid": "good"}, {**other, "kid": "other"}))
    assert ids(both) == [("good", "ES384")]
    assert len(both.passed_over) == 1
    assert "no key for RS384 or ES384" in why(key_set({**other, "kid": "other"}))


def test_reg_r5_a_set_has_20_keys_at_most() -> None:
    assert len(parse(key_set(*({**EC, "kid": f"e{place}"} for place in range(20)))).keys) == 20
    assert "1 to 20 keys" in why(key_set(*({**EC, "kid": f"e{place}"} for place in range(21))))
    assert "1 to 20 keys" in why(key_set())


def test_reg_r5_a_set_has_64_kib_at_most() -> None:
    raw = key_set({**EC, "note": "n" * 65536})
    assert "65536 bytes" in why(raw)
    fitting = raw.replace(b"n" * (len(raw) - 65536), b"", 1)
    assert len(fitting) == 65536
    assert ids(parse(fitting)) == [("e", "ES384")]


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"null", b"[]", b"{}", b'{"keys":{}}', b'{"keys":null}', b'{"keys":[1]}', b'{"keys":[[]]}', b"\xff", b"{", b"\xef\xbb\xbf{}",
        b'{"keys":[],"keys":[]}', json.dumps(RSA).encode(), key_set(RSA).replace(b'"kid"', b'"kid": "a", "kid"'),
        key_set({**RSA, "deep": [[[[[1]]]]]}), b'{"keys":' + b"[" * 5000 + b"]" * 5000 + b"}", key_set({**RSA, "exp": float("nan")}),
    ],
    ids=[
        "nothing", "null", "array", "empty", "object", "null-keys", "number", "nested-array", "no-utf8", "unclosed", "byte-order-mark",
        "twice-keys", "one-key", "twice-kid", "deep", "bombs", "nan",
    ],
)  # fmt: skip
def test_reg_r5_only_strict_json_is_read(raw: bytes) -> None:
    assert why(raw)


def test_reg_r5_a_set_does_not_print_its_keys() -> None:
    text = repr(parse(key_set(RSA, EC)))
    assert RSA["n"] not in text
    assert "RSAKey" not in text
