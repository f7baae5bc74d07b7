"""Regular expressions that cannot explode, compared with those of Python."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.terminology.lookup import Unanswerable
from service.terminology.pattern import Pattern

ATOMS = st.sampled_from(["a", "b", "1", ".", r"\d", r"\w", r"\S", r"\.", "[ab]", "[^a]", "[a-c1]", r"[\d-]"])
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}|{two[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{0,1}", "{1,}", "{0}"])).map(lambda two: f"(?:{two[0]}){two[1]}"),
    ),
    max_leaves=8,
)


@given(EXPRESSIONS, st.text("abc1.-", max_size=8))
def test_it_matches_what_python_matches(expression: str, text: str) -> None:
    assert Pattern(expression).matches(text) == bool(re.fullmatch(expression, text, re.ASCII))


@pytest.mark.parametrize(
    ("expression", "text", "matches"),
    [
        ("^[0-9]{3,5}-[0-9]$", "8480-6", True),
        ("[0-9]{3,5}-[0-9]", "8480-66", False),
        ("ket.*", "ketamine", True),
        ("ket", "ketamine", False),
        ("a|b", "b", True),
        ("", "", True),
        ("(a*)*b", "aaab", True),
        ("a+?", "aa", True),
        ("a^b", "ab", False),
    ],
)
def test_the_whole_text_matches(expression: str, text: str, matches: bool) -> None:
    assert Pattern(expression).matches(text) is matches


def test_what_makes_others_explode_is_quick() -> None:
    assert not Pattern("(a+)+(a|a)*(a|aa)+$").matches("a" * 2000 + "b")


@pytest.mark.parametrize(
    "expression",
    ["(", ")", "[", "[]", "a**", "*", r"\b", r"(a)\1", "(?=a)", "(?i)a", "a{2", "a{2,1}", "a{x}", "[b-a]", "[a-", "\\", "a{1001}", "[[]"],
)
def test_what_it_does_not_know_is_refused(expression: str) -> None:
    with pytest.raises(Unanswerable) as error:
        Pattern(expression)
    assert error.value.code == "invalid"


@pytest.mark.parametrize("expression", ["a" * 501, "(((a{99}){99}){99})", "(" * 30 + ")" * 30])
def test_what_is_too_large_is_refused(expression: str) -> None:
    with pytest.raises(Unanswerable) as error:
        Pattern(expression)
    assert error.value.code == "too-costly"


def test_work_without_end_is_refused() -> None:
    pattern = Pattern("(a?){400}")
    with pytest.raises(Unanswerable, match="takes too long"):
        any(pattern.matches("a" * 400 + "b") for _ in range(100))
