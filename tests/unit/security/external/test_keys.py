"""The JWK Set of an issuer, and how long it is kept."""

import threading
from typing import Any

import pytest

from service.outbound.client import Outbound, Reply
from service.security.external import keys
from service.security.external.key_cache import LEAST_SECONDS, REFETCH_SECONDS, RETRY_SECONDS, STALE_SECONDS, KeyCache, Unavailable, through
from service.security.keys import UnfitKeys
from tests.unit.security.external.issuer import jwk, key_set, private

RSA, P256, P384, ED = private("RS256"), private("ES256"), private("ES384"), private("EdDSA")


def _usable(*jwks: Any) -> set[str]:
    return {f"{key.id} {key.algorithm}" for key in keys.parse(key_set(*jwks)).keys}


def test_a_key_is_good_for_what_its_type_and_curve_fit() -> None:
    found = _usable(jwk(RSA, kid="r"), jwk(P256, kid="p"), jwk(P384, kid="q"), jwk(ED, kid="e"))
    assert found == {"r RS256", "r RS384", "p ES256", "q ES384", "e EdDSA", "e Ed25519"}


def test_an_alg_narrows_it() -> None:
    assert _usable(jwk(RSA, kid="r", alg="RS384"), jwk(ED, kid="e", alg="EdDSA")) == {"r RS384", "e EdDSA"}


@pytest.mark.parametrize(
    "other",
    [
        jwk(RSA, kid="x", use="enc"),
        jwk(RSA, kid="x", alg="RSA-OAEP"),
        jwk(RSA, kid="x", alg="PS256"),
        jwk(RSA, kid="x", key_ops=["encrypt"]),
        jwk(RSA),
        jwk(RSA, kid=5),
        jwk(RSA, kid=""),
        jwk(RSA, kid="x", n="AQAB"),
        jwk(RSA, kid="x", e="Aw"),
        jwk(P256, kid="x", y="AAAA"),
        jwk(P256, kid="x", crv="P-521"),
        jwk(P256, kid="x", crv=["P-256"]),
        jwk(ED, kid="x", crv="X25519"),
        jwk(ED, kid="x", x="AAAA"),
        {"kid": "x", "kty": "unheard-of"},
        {},
        "text",
        None,
    ],
    ids=[
        *("encryption", "RSA-OAEP", "PS256", "operations", "no kid", "kid a number", "kid empty", "short modulus", "small exponent"),
        *("short coordinate", "P-521", "curve a list", "X25519", "short Ed25519", "unknown type", "empty", "text", "null"),
    ],
)
def test_a_key_of_another_purpose_or_malformed_is_passed_over(other: Any) -> None:
    assert _usable(other, jwk(RSA, kid="r", alg="RS256")) == {"r RS256"}
    with pytest.raises(UnfitKeys):
        keys.parse(key_set(other))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b'{"keys": {}}',
        b'{"keys": []}',
        b'{"keys": [1], "keys": [1]}',
        key_set({"kty": "oct", "kid": "o", "k": "AAAA"}, jwk(RSA, kid="r")),
        key_set(jwk(RSA, kid="r", d="AAAA")),
        key_set(*(jwk(RSA, kid=str(number)) for number in range(51))),
        b" " * (keys.LARGEST_SET + 1),
    ],
    ids=["empty", "no keys", "keys an object", "keys empty", "keys twice", "symmetric beside", "private", "many", "huge"],
)
def test_a_set_is_refused_as_a_whole(raw: bytes) -> None:
    with pytest.raises(UnfitKeys):
        keys.parse(raw)


def test_two_keys_with_one_kid_are_none() -> None:
    both = keys.parse(key_set(jwk(RSA, kid="r", alg="RS256"), jwk(private("RS256", "two"), kid="r", alg="RS256")))
    assert both.find("r", "RS256") is None


class Issuer:
    """An issuer's key server: what it answers can be changed, `asked` counts, and the clock only moves when told to."""

    def __init__(self, keep: int = LEAST_SECONDS) -> None:
        self.body: bytes | None = key_set(jwk(RSA, kid="old", alg="RS256"))
        self.keep, self.asked, self.time = keep, 0, 1000.0
        self.cache = KeyCache(self._fetch, lambda: self.time)

    def _fetch(self) -> tuple[bytes, int]:
        self.asked += 1
        if self.body is None:
            raise Unavailable("connection")
        return self.body, self.keep

    def has(self, id: str = "old") -> bool:
        """Whether the key is found."""
        return self.cache.find(id, "RS256") is not None

    def rotate(self) -> None:
        """Publish another key in the place of the old one."""
        self.body = key_set(jwk(private("RS256", "two"), kid="new", alg="RS256"))


def test_keys_are_kept_as_long_as_they_may_be() -> None:
    issuer = Issuer(keep=600)
    assert issuer.has()
    issuer.time += 599
    assert issuer.has()
    assert issuer.asked == 1
    issuer.time += 1
    assert issuer.has()
    assert issuer.asked == 2


def test_rotation_is_followed_at_once_and_the_old_key_goes() -> None:
    issuer = Issuer()
    assert issuer.has()
    issuer.rotate()
    assert issuer.has("new")
    assert not issuer.has("old")
    assert issuer.asked == 2


def test_made_up_key_ids_ask_once_in_a_minute() -> None:
    issuer = Issuer(keep=86_400)
    for number in range(50):
        assert not issuer.has(f"made-up-{number}")
    assert issuer.asked == 2
    issuer.time += REFETCH_SECONDS - 1
    assert not issuer.has("made-up")
    assert issuer.asked == 2
    issuer.time += 1
    assert not issuer.has("made-up")
    assert issuer.asked == 3


@pytest.mark.parametrize("body", [None, b"{}", key_set({"kty": "oct", "kid": "o", "k": "AAAA"})], ids=["away", "empty", "unfit"])
def test_old_keys_serve_for_an_hour_and_then_nothing_does(body: bytes | None) -> None:
    issuer = Issuer()
    assert issuer.has()
    issuer.body = body
    issuer.time += LEAST_SECONDS + STALE_SECONDS - 1
    assert issuer.has()
    issuer.time += 1
    with pytest.raises(Unavailable) as failure:
        issuer.has()
    assert failure.value.reason == ("connection" if body is None else "unfit")
    issuer.rotate()
    issuer.time += RETRY_SECONDS
    assert issuer.has("new")


def test_a_provider_that_is_away_is_asked_again_after_a_moment() -> None:
    issuer = Issuer()
    assert issuer.has()
    issuer.body = None
    issuer.time += LEAST_SECONDS
    for _ in range(10):
        assert issuer.has()
    assert issuer.asked == 2
    issuer.time += RETRY_SECONDS
    assert issuer.has()
    assert issuer.asked == 3


def test_without_any_keys_nothing_is_found() -> None:
    issuer = Issuer()
    issuer.body = None
    with pytest.raises(Unavailable, match="connection"):
        issuer.has()


def test_while_one_asks_the_others_go_on_with_what_is_kept() -> None:
    issuer = Issuer()
    assert issuer.has()
    issuer.time += LEAST_SECONDS
    asking, answered = threading.Event(), threading.Event()

    def slow() -> tuple[bytes, int]:
        asking.set()
        assert answered.wait(30)
        return issuer.body or b"", LEAST_SECONDS

    issuer.cache._fetch = slow
    first = threading.Thread(target=issuer.has)
    first.start()
    assert asking.wait(30)
    assert issuer.has()
    answered.set()
    first.join(30)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 300),
        ({"cache-control": "max-age=10"}, 300),
        ({"cache-control": "no-store"}, 300),
        ({"cache-control": "public, max-age=3600"}, 3600),
        ({"cache-control": "max-age=3600", "age": "600"}, 3000),
        ({"cache-control": "max-age=9999999"}, 86_400),
    ],
    ids=["no header", "short", "no-store", "an hour", "with an age", "long"],
)
def test_the_header_counts_within_five_minutes_and_a_day(headers: dict[str, str], seconds: int) -> None:
    class Answering(Outbound):
        def exchange(self, *_: Any) -> Reply:  # type: ignore[override]
            return Reply(200, headers, b"{}")

    assert through(Answering(), "https://id.example/keys", frozenset({"id.example"}))() == (b"{}", seconds)
