"""Pages of an expansion: https://hl7.org/fhir/R4/valueset-operation-expand.html."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.terminology import expansion
from service.terminology.page import Page, Wanted, in_language, page
from tests.unit.terminology.shelf import SETS, SYSTEM, Shelf, concept, system, value_set

HEART = {**concept("hr"), "display": "Heart rate", "designation": [{"language": "de", "value": "Herzfrequenz"}, {"value": "Pulse"}]}
RESTING = {**concept("rhr"), "display": "Resting heart rate"}
OLD = {**concept("old", inactive="true"), "display": "Pulse rate, retired"}
NAMES = {
    **system({"code": "rhr", "designation": [{"language": "de-AT", "value": "Ruhepuls"}]}, url=f"{SYSTEM}-names"),
    "content": "supplement",
    "supplements": SYSTEM,
}
SHELF = Shelf([system(HEART, RESTING, OLD), NAMES, value_set("v", {"system": SYSTEM})])


def asked(**wanted: Any) -> Page:
    """A page of the value set of everything."""
    return page(SHELF, expansion.expanded(SHELF, f"{SETS}/v"), Wanted(**wanted))


def codes(found: Page) -> list[str]:
    """The codes that are shown."""
    return [row.member.code for row in found.rows]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, ["hr", "rhr", "old"]),
        ("", ["hr", "rhr", "old"]),
        ("HEART", ["hr", "rhr"]),
        ("rate heart", ["hr", "rhr"]),
        ("rest", ["rhr"]),
        ("pulse", ["hr", "old"]),
        ("ruhepuls", ["rhr"]),
        ("herz", ["hr"]),
        ("rhr", ["rhr"]),
        ("heart lung", []),
    ],
)
def test_a_text_is_found_in_codes_and_names(text: str | None, found: list[str]) -> None:
    shown = asked(text=text)
    assert codes(shown) == found
    assert shown.total == len(found)


def test_active_ones_only() -> None:
    assert codes(asked(active_only=True)) == ["hr", "rhr"]
    assert asked(active_only=True, text="pulse").total == 1


def test_pages() -> None:
    assert (codes(asked(count=2)), asked(count=2).total) == (["hr", "rhr"], 3)
    assert (codes(asked(count=2, offset=2)), asked(count=2, offset=2).total) == (["old"], 3)
    assert (codes(asked(count=0)), asked(count=0).total) == ([], 3)
    assert codes(asked(offset=9)) == []


@given(st.integers(1, 4), st.sampled_from([None, "rate", "pulse"]))
def test_pages_are_the_whole(count: int, text: str | None) -> None:
    whole = codes(asked(text=text))
    assert [code for offset in range(0, len(whole), count) for code in codes(asked(text=text, count=count, offset=offset))] == whole


def test_names_in_a_language_and_of_supplements() -> None:
    german = asked(language="de-CH")
    assert [row.display for row in german.rows] == ["Herzfrequenz", "Ruhepuls", "Pulse rate, retired"]
    assert [[name["value"] for name in row.designations] for row in german.rows] == [["Herzfrequenz", "Pulse"], ["Ruhepuls"], []]
    assert [row.display for row in asked(language="fr").rows] == ["Heart rate", "Resting heart rate", "Pulse rate, retired"]


def test_the_nearest_language() -> None:
    names = [{"language": "en-GB", "value": "c"}, {"language": "en", "value": "b"}, {"language": "en-US", "value": "a"}, {"value": "d"}]
    assert [in_language(names, language) for language in ("en-us", "en", "en-AU", "de")] == ["a", "b", "b", None]
    assert in_language(names[:1], "en-US") == "c"
