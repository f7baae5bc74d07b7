"""A2 to A10 of the security tests, and S-28: the battery of client assertions, by RS384 and by ES384."""

import hashlib
import json

import pytest

from service.clock import fixed
from service.security.assertion import Client, Convention, Verified, Verifier
from service.security.key_source import KeySource, KeysUnavailable, Published
from service.security.keys import KeySet, parse
from service.security.refusal import InvalidClient, MalformedAssertion, OAuthError
from service.security.token_request import Credentials
from tests.unit.security.assertion_cases import CASES, ISSUER, KEYS_URL, MALFORMED, NOW, REFUSED, TOKEN_URL, Case
from tests.unit.security.signing import ES384, RS384, jwk, key_set, private

ALGORITHMS = [RS384, ES384]
GOOD = CASES[0]


def registered(algorithm: str) -> bytes:
    """The set of the client `ehr`: a key of each type, and the keys that the cases ask for."""
    other = RS384 if algorithm == ES384 else ES384
    return key_set(
        jwk(private(algorithm), kid=f"key-{algorithm}"),
        jwk(private(other), kid=f"key-{other}"),
        jwk(private(other, "other type"), kid="key-other-type"),
        jwk(private(algorithm), kid="k"),
        jwk(private(algorithm), kid="k" * 255),
    )


def fetch_from(algorithm: str) -> KeySource:
    """A source in which the registered URL, and no other, has the client's keys."""

    def fetch(url: str) -> Published:
        if url != KEYS_URL:
            raise KeysUnavailable("elsewhere")
        return Published(registered(algorithm))

    return KeySource(fetch)


def verified(case: Case, algorithm: str) -> Verified:
    """What becomes of the case's assertion."""
    keys = None if case.by_url else parse(registered(algorithm))
    clients = {
        "ehr": Client("ehr", keys, KEYS_URL if case.by_url else None, case.conventions),
        "gateway": Client("gateway", parse(key_set(jwk(private(algorithm, "gateway"), kid=f"key-{algorithm}")))),
    }
    verifier = Verifier(TOKEN_URL, ISSUER, clients.get, fetch_from(algorithm), fixed(NOW * 1_000_000))
    return verifier.verify(Credentials(case.assertion(algorithm), case.client_id))


def refusal(case: Case, algorithm: str) -> OAuthError:
    """The error in which the case ends."""
    with pytest.raises(OAuthError) as found:
        verified(case, algorithm)
    return found.value


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_s28_battery(case: Case, algorithm: str) -> None:
    if case.end is None:
        assert verified(case, algorithm).client_id == "ehr"
        return
    error = refusal(case, algorithm)
    assert (error.code, error.status) == case.end
    assert error.body["error"] == case.end[0]


def test_s28_the_battery_is_large() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names) >= 60
    assert {name.split()[0] for name in names} == {"A2", "A3", "A4", "A5", "A6", "A7", "A8", "A10"}
    assert len([case for case in CASES if case.end is None]) >= 10


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_s28_the_cases_fail_for_what_they_are_about(algorithm: str) -> None:
    """A refused case that is only about claims or headers would pass if its rule were gone: its signature is good."""
    reasons = {case.name: refusal(case, algorithm).reason for case in CASES if case.end}
    assert {name for name, reason in reasons.items() if reason == "signature"} == {
        "A4 signed with another key",
        "A4 the signature is changed",
        "A4 the signature is empty",
        "A4 the signature is all zeros, of an EC key's length",
        "A4 the signature is all zeros, of an RSA key's length",
        "A4 the claims are others than the signed ones",
        "A5 the client is another one",
    }
    expected = {"A2": {"algorithm", "key-id", "type"}, "A3": {"keys-url"}, "A4": {"signature", "key-unknown"}, "A6": {"audience"}}
    expected |= {"A5": {"issuer", "client-unknown", "signature"}, "A7": {"expiry", "not-yet", "time-type", "encoding"}}
    expected |= {"A8": {"identifier"}, "A10": {"header", "encoding", "size", "segments"}}
    assert {rule: {reason for name, reason in reasons.items() if name.split()[0] == rule} for rule in expected} == expected


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a4_two_keys_that_fit_are_as_bad_as_none(algorithm: str) -> None:
    keys = parse(registered(algorithm)).keys
    twice = KeySet((*keys, keys[0]))
    assert keys[0].algorithm == algorithm
    assert KeySet(keys).find(keys[0].id, algorithm) is keys[0]
    assert twice.find(keys[0].id, algorithm) is None


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a5_a_store_that_does_not_tell_cases_apart_is_not_trusted(algorithm: str) -> None:
    client = Client("EHR", parse(registered(algorithm)))
    verifier = Verifier(TOKEN_URL, ISSUER, lambda _: client, fetch_from(algorithm), fixed(NOW * 1_000_000))
    with pytest.raises(InvalidClient) as refused:
        verifier.verify(Credentials(GOOD.assertion(algorithm)))
    assert refused.value.reason == "client-unknown"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a6_the_convention_is_told(algorithm: str) -> None:
    told = {case.name: verified(case, algorithm).convention for case in CASES if case.end is None and case.name.startswith("A6")}
    assert told == {
        "A6 RFC 10070: its type and the issuer": Convention.RFC_10070,
        "A6 the audience is an array of one": Convention.SMART,
    }


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a8_an_assertion_is_spent_once(algorithm: str) -> None:
    kept: set[tuple[str, bytes]] = set()
    given: list[tuple[str, bytes, int]] = []

    def insert(client_id: str, identifier: bytes, expires: int) -> bool:
        given.append((client_id, identifier, expires))
        is_new = (client_id, identifier) not in kept
        kept.add((client_id, identifier))
        return is_new

    found = verified(GOOD, algorithm)
    found.spend(insert)
    with pytest.raises(InvalidClient) as refused:
        verified(GOOD, algorithm).spend(insert)
    assert (refused.value.reason, refused.value.status) == ("replayed", 401)
    assert given == [("ehr", hashlib.sha256(b"a1b2c3").digest(), NOW + 330)] * 2


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a8_what_is_spent_is_kept_for_as_long_as_it_could_be_used(algorithm: str) -> None:
    expires = verified(GOOD, algorithm).expires
    client = Client("ehr", parse(registered(algorithm)))
    for second, ok in ((expires - 1, True), (expires, False)):
        verifier = Verifier(TOKEN_URL, ISSUER, {"ehr": client}.get, fetch_from(algorithm), fixed(second * 1_000_000))
        credentials = Credentials(GOOD.assertion(algorithm))
        if ok:
            assert verifier.verify(credentials).expires == expires
        else:
            with pytest.raises(InvalidClient):
                verifier.verify(credentials)


def test_a9_all_refusals_read_alike() -> None:
    errors = [refusal(case, algorithm) for algorithm in ALGORITHMS for case in CASES if case.end]
    replayed = InvalidClient("replayed")
    texts = {status: {json.dumps(error.body) for error in (*errors, replayed) if error.status == status} for status in (400, 401)}
    assert {status: len(found) for status, found in texts.items()} == {400: 1, 401: 1}
    assert {tuple(error.headers.items()) for error in errors} == {(("Cache-Control", "no-store"), ("Pragma", "no-cache"))}
    assert {case.end for case in CASES} == {None, REFUSED, MALFORMED}


def test_a9_reasons_are_not_shown() -> None:
    for error in (refusal(case, RS384) for case in CASES if case.end):
        assert error.body == {"error": "invalid_client", "error_description": type(error).sentence}
        assert isinstance(error, MalformedAssertion) is (error.status == 400)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a9_keys_that_cannot_be_had_are_no_different(algorithm: str) -> None:
    def fetch(_url: str) -> Published:
        raise KeysUnavailable("too-slow")

    client = Client("ehr", keys_url=KEYS_URL)
    verifier = Verifier(TOKEN_URL, ISSUER, {"ehr": client}.get, KeySource(fetch), fixed(NOW * 1_000_000))
    with pytest.raises(InvalidClient) as refused:
        verifier.verify(Credentials(GOOD.assertion(algorithm)))
    assert refused.value.reason == "keys-too-slow"
    assert refused.value.body == InvalidClient("other").body


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a9_a_client_without_keys_cannot_authenticate(algorithm: str) -> None:
    verifier = Verifier(TOKEN_URL, ISSUER, {"ehr": Client("ehr")}.get, fetch_from(algorithm), fixed(NOW * 1_000_000))
    with pytest.raises(InvalidClient) as refused:
        verifier.verify(Credentials(GOOD.assertion(algorithm)))
    assert refused.value.reason == "key-unknown"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a10_the_size_is_measured_to_the_byte(algorithm: str) -> None:
    def padded(letters: int) -> Case:
        return Case("A10", None, claims={"note": "n" * letters})

    near = 5000 + (8192 - len(padded(5000).assertion(algorithm))) * 3 // 4
    cases = {len(case.assertion(algorithm)): case for case in map(padded, range(near - 3, near + 4))}
    assert min(cases) <= 8192 < max(cases)
    assert max(cases) - min(cases) < 16
    for size, case in cases.items():
        if size <= 8192:
            assert verified(case, algorithm).client_id == "ehr"
        else:
            assert refusal(case, algorithm).reason == "size"
