"""Coloured JSON keeps every token, links what is ours, and lets nothing run."""

import html
import json
import re
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.web.pages.highlight import highlight
from service.web.pages.site import Site
from service.web.pages.tokens import tokens

SITE = Site("http://127.0.0.1:8080/fhir", ZoneInfo("America/Los_Angeles"))
VISIT = Path(__file__).parents[2] / "data/example-visit.json"

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def _plain(markup: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", markup))


def _texts(text: str) -> list[str]:
    return [token.text for token in tokens(text)]


@given(tree=st.dictionaries(st.text(), VALUES, max_size=5))
def test_every_token_stays_as_it_is(tree: dict[str, Any]) -> None:
    text = json.dumps(tree, ensure_ascii=False, separators=(",", ":"))
    assert "".join(_texts(text)) == text
    assert _texts(_plain(highlight(text, SITE))) == _texts(text)


def test_the_visit_stays_as_it_is() -> None:
    text = VISIT.read_text()
    assert _texts(_plain(highlight(text, SITE))) == _texts(text)


def test_numbers_and_escapes_keep_their_characters() -> None:
    text = r'{"a":1.10,"b":1E+2,"c":"\u00e9\/","d":[],"e":{},"f":[null,true]}'
    assert _texts(_plain(highlight(text, SITE))) == _texts(text)


def test_lines_are_indented() -> None:
    assert _plain(highlight('{"a":[1,{"b":{}}],"c":[]}', SITE)) == (
        '{\n  "a": [\n    1,\n    {\n      "b": {}\n    }\n  ],\n  "c": []\n}'
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ('{"subject":{"reference":"Patient/p1"}}', "/fhir/Patient/p1"),
        ('{"subject":{"reference":"Patient/p1/_history/2"}}', "/fhir/Patient/p1/_history/2"),
        ('{"subject":{"reference":"http://127.0.0.1:8080/fhir/Patient/p1"}}', "/fhir/Patient/p1"),
        ('{"instantiatesCanonical":["http://127.0.0.1:8080/fhir/PlanDefinition/a|1.0"]}', "/fhir/PlanDefinition/a"),
        ('{"link":[{"url":"http://127.0.0.1:8080/fhir/Patient?name=a&_count=2"}]}', "/fhir/Patient?name=a&amp;_count=2"),
        ('{"url":"Binary/b1"}', "/fhir/Binary/b1"),
    ],
)
def test_what_is_ours_is_a_link(text: str, link: str) -> None:
    assert f'href="{link}"' in highlight(text, SITE)


@pytest.mark.parametrize(
    "text",
    [
        '{"reference":"#contained"}',
        '{"reference":"urn:uuid:0b1f6a52-6d0b-4f4c-8d4e-0d7a4b8f2a10"}',
        '{"reference":"https://elsewhere.example/fhir/Patient/p1"}',
        '{"reference":"http://127.0.0.1:8080/fhirs/Patient/p1"}',
        '{"reference":"http://127.0.0.1:80801/Patient/p1"}',
        '{"reference":"http://127.0.0.1:8080/fhir//elsewhere.example"}',
        '{"reference":"javascript:alert(1)"}',
        '{"reference":"Patient/p1\\" onclick=\\"alert(1)"}',
        '{"display":"Patient/p1"}',
        '{"url":"http://hl7.org/fhir/StructureDefinition/bp"}',
    ],
)
def test_what_is_not_ours_is_no_link(text: str) -> None:
    assert "href" not in highlight(text, SITE)


def test_a_base_without_a_path_never_links_to_another_origin() -> None:
    bare = Site("http://127.0.0.1:8080", ZoneInfo("UTC"))
    assert bare.own("http://127.0.0.1:8080//elsewhere.example") is None
    assert bare.own("http://127.0.0.1:8080/Patient/1") == "/Patient/1"


def test_stored_strings_cannot_become_markup() -> None:
    shown = highlight('{"<img src=x>":"</span><script>alert(1)</script>&amp;"}', SITE)
    assert "<script" not in shown
    assert "<img" not in shown
    assert "&lt;script&gt;" in shown
    assert "&amp;amp;" in shown
