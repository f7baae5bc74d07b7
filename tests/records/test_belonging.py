"""Whose a resource is; and that a text is passed over unread only where reading it would find nobody new."""

import json
from collections.abc import Sequence

import pytest

from service.audit.trail import Trail
from service.records import trail
from service.records.context import Context
from service.search import belonging
from tests.access import TESTS


def _observation(*patients: str, **members: object) -> str:
    return json.dumps({"resourceType": "Observation", "subject": {"reference": patients[0]}, **members})


TEXTS: Sequence[tuple[str, str]] = (
    ("Observation", _observation("Patient/a")),
    ("Observation", _observation("Patient/a", performer=[{"reference": "Patient/b"}])),
    ("Observation", _observation("Patient/a", focus=[{"reference": "Patient/c"}])),
    ("Observation", _observation("http://127.0.0.1:8080/fhir/Patient/d")),
    ("Observation", _observation("Patient/e").replace("Patient/e", "Patient\\/e")),
    ("Observation", _observation("Patient/f").replace("Patient/f", "\\u0050atient/f")),
    ("Patient", json.dumps({"resourceType": "Patient", "id": "g"})),
    ("Practitioner", json.dumps({"resourceType": "Practitioner", "id": "h"})),
    ("Observation", _observation("Patient/a-longer")),
)


@pytest.mark.parametrize("first", range(len(TEXTS)))
def test_what_is_passed_over_adds_nobody(ctx: Context, first: int) -> None:
    """In whatever order the texts were shown, everybody is found whom reading each of them finds."""
    shown = [*TEXTS[first:], *TEXTS[:first], *TEXTS]
    asked = Context(ctx.service, TESTS, trail=Trail())
    for type, text in shown:
        asked.trail.saw(type, text)
    every = dict.fromkeys(id for type, text in shown for id in sorted(belonging.patients(ctx.service.registry, type, text)))
    assert trail.seen(asked) == tuple(every)
    assert set(every) == {"a", "b", "d", "e", "f", "g", "a-longer"}


def test_a_text_that_names_another_is_read() -> None:
    same, other = _observation("Patient/a"), _observation("Patient/a", performer=[{"reference": "Patient/b"}])
    assert belonging.adds_none("Observation", same, {"a"})
    assert not belonging.adds_none("Observation", same, set())
    assert not belonging.adds_none("Observation", other, {"a"})
    assert not belonging.adds_none("Patient", '{"resourceType":"Patient","id":"z"}', {"a"})
