"""T1 to T5 of the security tests: tokens, and the answer that hands one out."""

import hashlib
import json
import re

import pytest

from service.security.refusal import InvalidScope
from service.security.token import digest, is_live, issue, response

NOW = 1_795_337_665_000_000


def test_t1_the_answer_has_its_four_members() -> None:
    token = issue(NOW)
    body = json.loads(json.dumps(response(token, "system/Patient.rs").body))
    assert body == {"access_token": token.text, "token_type": "bearer", "expires_in": 300, "scope": "system/Patient.rs"}
    assert response(token, "system/Patient.rs").status == 200


def test_t1_a_token_lives_for_300_seconds_at_most() -> None:
    assert issue(NOW).expires == NOW + 300_000_000
    assert response(issue(NOW, 300), "s").body["expires_in"] == 300
    with pytest.raises(ValueError, match="300 seconds"):
        response(issue(NOW, 301), "s")
    with pytest.raises(ValueError, match="second at least"):
        issue(NOW, 0)


def test_t2_nothing_granted_is_an_invalid_scope() -> None:
    with pytest.raises(InvalidScope) as refused:
        response(issue(NOW), "")
    assert (refused.value.status, refused.value.body["error"]) == (400, "invalid_scope")


def test_t3_there_is_no_refresh_token() -> None:
    assert not [name for name in response(issue(NOW), "s").body if "refresh" in name]


def test_t4_answers_are_not_stored() -> None:
    assert response(issue(NOW), "s").headers == {"Cache-Control": "no-store", "Pragma": "no-cache"}
    assert InvalidScope("x").headers == response(issue(NOW), "s").headers


def test_t5_a_token_has_256_random_bits() -> None:
    texts = {issue(NOW).text for _ in range(1000)}
    assert len(texts) == 1000
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", text) for text in texts)


def test_t5_only_the_digest_is_for_the_database() -> None:
    token = issue(NOW)
    assert token.digest == digest(token.text) == hashlib.sha256(token.text.encode()).digest()
    assert len(token.digest) == 32


def test_t5_tokens_are_not_printed() -> None:
    token = issue(NOW)
    assert token.text not in repr(token)
    assert token.text not in repr(response(token, "s"))


@pytest.mark.parametrize("text", ["", " ", "x" * 100_000, "caf\xe9", "\x00", "\ud800", "Bearer x"])
def test_t5_any_text_has_a_digest(text: str) -> None:
    assert len(digest(text)) == 32


def test_rs1_expiry_is_checked_to_the_microsecond() -> None:
    token = issue(NOW, 1)
    assert is_live(token.expires, token.expires - 1)
    assert not is_live(token.expires, token.expires)
