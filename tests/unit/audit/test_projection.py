"""One entry as the AuditEvent of one patient, and questions without their values."""

import json
import re
from base64 import b64decode, b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.audit import projection
from service.search.audit import names

KNOWN = frozenset({"Patient", "Observation", "name", "patient", "code", "exact", "_has", "_count", "$everything"})
VALUES = st.text(alphabet=st.characters(blacklist_categories=["Cs"], blacklist_characters="*"), max_size=30)


def _entry(*patients: str, resource: str | None = None, query: str | None = None) -> dict[str, Any]:
    entities: list[dict[str, Any]] = [{"what": {"reference": f"Patient/{id}"}, "role": {"code": "1"}} for id in patients]
    if resource:
        entities.insert(0, {"what": {"reference": resource}, "role": {"code": "4"}})
    if query is not None:
        entities.insert(0, {"role": {"code": "24"}, "description": "GET", "query": b64encode(query.encode()).decode()})
    return {"resourceType": "AuditEvent", "recorded": "2026-01-01T00:00:00.000Z", "entity": entities}


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("Observation?patient=A&code=http%3A%2F%2Floinc.org%7C1", "Observation?patient=***&code=***"),
        ("Patient/John Smith", "Patient/***"),
        ("GET Patient/x", "***/***"),
        ("Patient/x/Observation?name:exact=a&name:exact=b", "Patient/***/Observation?name:exact=***&name:exact=***"),
        ("Patient?_has:Observation:patient:code=x", "Patient?_has:Observation:patient:code=***"),
        ("Patient?Smith=1&name.Smith=2&name", "Patient?***=***&***=***&name"),
        ("Patient/x/_history/3", "Patient/***/_history/***"),
        ("Smith?name=x", "***?name=***"),
        ("Patient/$everything?name=a=b", "Patient/$everything?name=***"),
        ("Patient/$smith", "Patient/***"),
        ("Patient?", "Patient?"),
        ("", ""),
        ("Patient?na%6De=x", "Patient?na%6De=***"),
        ("/audit/disclosures?patient=A", "/audit/disclosures?patient=***"),
    ],
)
def test_RULE18_the_kind_of_a_question(asked: str, shown: str) -> None:
    assert projection.kind(asked, KNOWN) == shown


@given(VALUES, VALUES, VALUES)
def test_RULE18_no_value_is_in_the_kind(id: str, name: str, value: str) -> None:
    """Whatever stands for an id, a name that is none, or a value: what is left of it are known words and marks."""
    shown = projection.kind(f"Patient/{id}/Observation?{name}={value}&code={value}", KNOWN)
    words = [word for word in re.split(r"[/?&=:.]", shown) if word and word != projection.HIDDEN]
    fixed = {"_history", "_search", "metadata", "audit", "disclosures"}
    assert [word for word in words if word not in KNOWN | fixed and "%" not in word] == []


def test_RULE18_masks_the_question_and_the_condition_and_leaves_the_rest() -> None:
    tree = _entry("A", resource="Observation/o1", query="Patient?name=Smith")
    tree["entity"][1]["detail"] = [{"type": "condition", "valueString": "name=Smith"}, {"type": "result", "valueString": "existing"}]
    before = json.dumps(tree)
    shown = projection.masked(tree, KNOWN)
    assert json.dumps(tree) == before
    assert "Smith" not in json.dumps(shown)
    assert b64decode(shown["entity"][0]["query"]).decode() == "Patient?name=***"
    assert [one["valueString"] for one in shown["entity"][1]["detail"]] == ["name=***", "existing"]
    assert shown["entity"][2] == tree["entity"][2]


def test_leak_35_the_event_of_a_patient_has_that_patient_alone() -> None:
    entry = _entry("A", "B", "C", resource="List/l1")
    for patient in "ABC":
        tree = projection.projected(entry, "x", patient)
        assert [one["what"]["reference"] for one in tree["entity"]] == ["List/l1", f"Patient/{patient}"]
    for other in ("Patient/B", "Patient/B/_history/2", "http://clinic.example/fhir/Patient/B"):
        tree = projection.projected(_entry("A", "B", resource=other), "x", "A")
        assert [one["what"]["reference"] for one in tree["entity"]] == ["Patient/A"]


def test_an_entry_without_patients_is_whole() -> None:
    entry = _entry(resource="Patient/B")
    assert projection.projected(entry, "x", None)["entity"] == entry["entity"]
    assert "entity" not in projection.projected({**entry, "entity": []}, "x", None)


@given(st.uuids().map(str), st.integers(1, 10_000), st.integers(1, 10_000))
def test_the_id_of_an_event_leads_back_to_its_entry(entry: str, place: int, places: int) -> None:
    assert names.parsed(names.written(entry, place, places)) == (entry, place if places > 1 else None)
