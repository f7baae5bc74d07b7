"""Literal references (https://hl7.org/fhir/R4/references.html#literal)."""

import pytest

from service.fhir.reference import Literal, conditional, is_placeholder, narratives, parse, references, relinked, replaceable


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("Patient/1", Literal("Patient", "1")),
        ("Patient/1/_history/2", Literal("Patient", "1", "2")),
        ("https://h.example/fhir/Patient/a-b.c", Literal("Patient", "a-b.c", None, "https://h.example/fhir/")),
        ("http://h.example/Patient/1/_history/2", Literal("Patient", "1", "2", "http://h.example/")),
        ("#p1", None),
        ("urn:uuid:0013b006-2ebe-5f83-b771-fcbc9da0158f", None),
        ("Patient?identifier=1", None),
        ("patient/1", None),
        ("Patient/" + "x" * 65, None),
        ("http://h.example/files/1.pdf?x=Patient/1", None),
        ("", None),
    ],
)
def test_a_literal_reference_is_taken_apart(text: str, literal: Literal | None) -> None:
    assert parse(text) == literal


def test_a_reference_is_local_when_it_is_relative_or_below_the_base() -> None:
    base = "http://127.0.0.1:8080/fhir"
    assert Literal("Patient", "1").is_local(base)
    assert Literal("Patient", "1", base=base + "/").is_local(base)
    assert not Literal("Patient", "1", base="http://127.0.0.1:8080/fhir2/").is_local(base)


def test_conditional_references_and_placeholders_are_told_apart() -> None:
    assert conditional("Patient?identifier=http://x|1") == ("Patient", "identifier=http://x|1")
    assert conditional("Patient/1") is None
    assert is_placeholder("urn:uuid:1")
    assert not is_placeholder("Patient/1")


def test_references_are_found_at_any_depth() -> None:
    tree = {
        "subject": {"reference": "Patient/1"},
        "component": [{"extension": [{"valueReference": {"reference": "Device/2"}}]}],
        "note": [{"text": "reference"}],
    }
    assert sorted(references(tree)) == [
        (("component", 0, "extension", 0, "valueReference", "reference"), "Device/2"),
        (("subject", "reference"), "Patient/1"),
    ]


def test_urls_may_be_replaced_but_identifiers_may_not() -> None:
    tree = {"content": [{"attachment": {"url": "urn:uuid:1"}}], "identifier": [{"system": "urn:ietf:rfc:3986", "value": "urn:uuid:1"}]}
    assert [path for path, text in replaceable(tree) if text == "urn:uuid:1"] == [("content", 0, "attachment", "url")]


def test_links_of_a_narrative_are_rewritten_and_its_words_are_not() -> None:
    div = '<div xmlns="http://www.w3.org/1999/xhtml"><a href="urn:uuid:1">urn:uuid:1</a></div>'
    tree = {"text": {"status": "generated", "div": div}}
    assert list(narratives(tree)) == [(("text", "div"), div)]
    assert relinked(div, {"urn:uuid:1": "Patient/9"}) == div.replace('"urn:uuid:1"', '"Patient/9"')
