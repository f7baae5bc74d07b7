"""What came in is what is kept: every token, in its place (https://hl7.org/fhir/R4/json.html)."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import BadRequest
from service.fhir.document import Document, Limits, Number, decode, encode, stored
from service.fhir.rewrite import replaced, spliced, stamped

_AT = "2026-03-14T10:00:00.000Z"


def _decoded(text: str) -> Document:
    return decode(text.encode(), Limits())


@pytest.mark.parametrize(
    ("given_text", "kept"),
    [
        ('{ "a" : 1.10 }', '{"a":1.10}'),
        ('{"a":\n[ 1e2,\t-0.0 , 1E-22]}', '{"a":[1e2,-0.0,1E-22]}'),
        (r'{"a":"\u00e9\/ \n  \" x"}', r'{"a":"\u00e9\/ \n  \" x"}'),
        ('{"b":1,"a":{"d":[],"c":"  two  spaces "}}', '{"b":1,"a":{"d":[],"c":"  two  spaces "}}'),
        ('{"a":"\u00a0\u2028"}', '{"a":"\u00a0\u2028"}'),
    ],
)
def test_only_insignificant_white_space_goes(given_text: str, kept: str) -> None:
    assert _decoded(given_text).text == kept


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b'{"a":1,"a":2}', "json-duplicate"),
        (b'{"a":{"b":1,"c":2,"b":1}}', "json-duplicate"),
        (b"[NaN]", "json-number"),
        (b"[-Infinity]", "json-number"),
        (b"[" * 33 + b"]" * 33, "json-depth"),
        (b"[" * 200_000, "json-depth"),
        (b'{"a":' * 100_000, "json-depth"),
        (b"[" + b"9" * 5000 + b"]", "json-number"),
        (b"[0." + b"9" * 5000 + b"]", "json-number"),
        (b"[1e999999999999999999999]", "json-number"),
        (b"[1e5000]", "json-number"),
        (rb'["\ud800"]', "json-character"),
        (rb'{"\udfff":1}', "json-character"),
        (rb'["a\u0000b"]', "json-character"),
        (b'["a\x00b"]', "json-syntax"),
        (b'["\xff"]', "json-encoding"),
        (b"\xef\xbb\xbf{}", "json-syntax"),
        (b"", "json-syntax"),
        (b"{} {}", "json-syntax"),
        (b"{'a':1}", "json-syntax"),
        (b'{"a":1', "json-syntax"),
        (b'{"a":[1}', "json-syntax"),
        (b"[1]]", "json-syntax"),
        (b'{"a":01}', "json-syntax"),
        (b'{"a":"\n"}', "json-syntax"),
        (b'{"a":1,}', "json-syntax"),
    ],
)
def test_what_is_not_strict_json_is_refused(body: bytes, rule: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        decode(body, Limits())
    assert refusal.value.issues[0].rule == rule


def test_a_surrogate_pair_and_nesting_up_to_the_limit_are_accepted() -> None:
    assert _decoded(r'["\ud83d\ude00"]').tree == ["\U0001f600"]
    assert decode(b"[" * 32 + b"]" * 32, Limits()).text == "[" * 32 + "]" * 32


@pytest.mark.parametrize("text", ["-0", "0", "-0.0", "1.10", "1E2", "-7"])
def test_a_number_is_written_as_it_came(text: str) -> None:
    assert encode(_decoded(f"[{text}]").tree) == f"[{text}]"


def test_a_number_remembers_its_text_through_copies() -> None:
    number = _decoded("[1.10]").tree[0]
    assert isinstance(number, Number)
    assert copy.deepcopy([number])[0].text == "1.10"
    assert encode({"a": [number, True, None, "é"]}) == '{"a":[1.10,true,null,"é"]}'


@pytest.mark.parametrize(
    ("given_text", "kept"),
    [
        (
            '{"resourceType":"Patient","active":true}',
            '{"resourceType":"Patient","id":"a","meta":{"versionId":"2","lastUpdated":"T"},"active":true}',
        ),
        (
            '{"active":true,"resourceType":"Patient"}',
            '{"resourceType":"Patient","id":"a","meta":{"versionId":"2","lastUpdated":"T"},"active":true}',
        ),
        (
            '{"id":"b","resourceType":"Patient","x":1}',
            '{"resourceType":"Patient","id":"a","meta":{"versionId":"2","lastUpdated":"T"},"x":1}',
        ),
        (
            '{"resourceType":"Patient","x":1,"meta":{"tag":[{"code":"c"}],"versionId":"9"},"id":"b"}',
            '{"resourceType":"Patient","x":1,"meta":{"lastUpdated":"T","tag":[{"code":"c"}],"versionId":"2"},"id":"a"}',
        ),
    ],
)
def test_id_and_meta_are_set_and_the_rest_stays(given_text: str, kept: str) -> None:
    assert json.loads(stamped(_decoded(given_text), "a", 2, "T")) == json.loads(kept)
    if given_text.startswith('{"resourceType"'):
        assert stamped(_decoded(given_text), "a", 2, "T") == kept


def test_stamping_what_was_stamped_changes_nothing() -> None:
    once = stamped(_decoded('{"resourceType":"Patient","multipleBirthInteger":2}'), "a", 2, _AT)
    assert stamped(stored(once), "a", 2, _AT) == once


def test_names_that_are_written_with_escapes_keep_their_characters() -> None:
    document = _decoded(r'{"resourceType":"Basic","\u006deta":{"t\u0061g":[]},"a\/":{"\u0072eference":"x","n":1.10},"c":"\"}{,:"}')
    assert stamped(document, "1", 2, _AT) == (
        r'{"resourceType":"Basic","id":"1","\u006deta":{"versionId":"2","lastUpdated":"' + _AT + r'","t\u0061g":[]},'
        r'"a\/":{"\u0072eference":"x","n":1.10},"c":"\"}{,:"}'
    )
    assert replaced(document, {("a/", "reference"): "y"}).text == document.text.replace('"x"', '"y"')
    changed = {**document.tree, "a/": {**document.tree["a/"], "reference": "z"}}
    assert spliced(document, changed).text == document.text.replace('"x"', '"z"')


def test_references_are_replaced_and_every_other_token_stays() -> None:
    document = _decoded(r'{"a":[{"reference":"urn:uuid:1","display":"\u00e9"},{"reference":"x"}],"n":1.10}')
    changed = replaced(document, {("a", 0, "reference"): "Patient/1"})
    assert changed.text == r'{"a":[{"reference":"Patient/1","display":"\u00e9"},{"reference":"x"}],"n":1.10}'
    assert changed.tree["a"][0]["reference"] == "Patient/1"
    assert document.tree["a"][0]["reference"] == "urn:uuid:1"


def test_a_patched_tree_keeps_the_tokens_that_did_not_change() -> None:
    old = _decoded(r'{"a":[1.10,{"b":"\u00e9","c":2.0}],"d":[{"x":1.0},{"y":1.0}],"e":true}')
    tree = copy.deepcopy(old.tree)
    tree["a"][1]["b"] = "q"
    tree["d"].pop(0)
    tree["e"] = 1
    assert spliced(old, tree).text == '{"a":[1.10,{"b":"q","c":2.0}],"d":[{"y":1.0}],"e":1}'


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcxyz", max_size=3), inner, max_size=4),
    max_leaves=20,
)


@given(_JSON, _JSON)
def test_a_document_agrees_with_its_tree_whatever_is_spliced(one: object, other: object) -> None:
    document = Document.of({"value": one})
    changed = spliced(document, {"value": other})
    assert json.loads(changed.text) == {"value": other}
    assert decode(json.dumps({"value": one}, indent=1).encode(), Limits()).tree == {"value": one}
