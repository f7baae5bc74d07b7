"""Bundles from stored text: https://hl7.org/fhir/R4/bundle.html."""

import json

from service.fhir import bundle
from service.fhir.bundle import Entry

STORED = '{"resourceType":"Observation","id":"a","valueQuantity":{"value":1.10}}'


def test_a_searchset_carries_the_stored_text_as_it_is() -> None:
    entries = [
        bundle.matched("http://h/Observation/a", STORED),
        bundle.matched("http://h/Patient/b", '{"resourceType":"Patient"}', "include"),
    ]
    text = bundle.bundle("searchset", entries, [("self", "http://h/Observation?code=a|b")], 1, "2026-03-14T10:00:00.0005Z")
    tree = json.loads(text)
    assert STORED in text
    assert list(tree) == ["resourceType", "meta", "type", "total", "link", "entry"]
    assert tree["link"] == [{"relation": "self", "url": "http://h/Observation?code=a|b"}]
    assert [entry["search"]["mode"] for entry in tree["entry"]] == ["match", "include"]


def test_empty_lists_are_left_out() -> None:
    assert json.loads(bundle.bundle("searchset", [], total=0)) == {"resourceType": "Bundle", "type": "searchset", "total": 0}


def test_text_in_urls_is_escaped() -> None:
    entry = Entry('http://h/"x"\n', response={"status": '2"00'})
    assert json.loads(entry.text()) == {"fullUrl": 'http://h/"x"\n', "response": {"status": '2"00'}}


def test_what_a_lenient_search_ignored_stands_in_an_outcome_entry() -> None:
    entry = bundle.advised({"resourceType": "OperationOutcome", "issue": []})
    assert json.loads(entry.text()) == {"resource": {"resourceType": "OperationOutcome", "issue": []}, "search": {"mode": "outcome"}}
