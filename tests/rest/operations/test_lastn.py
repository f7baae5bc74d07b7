"""`Observation/$lastn` against the same question answered naively over everything that was stored."""

import random
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.rest.made import FHIR, entry, fresh, issue, made, patient, process

LOCAL = "https://clinic.example/fhir/CodeSystem/local"
PULSE, PRESSURE, WEIGHT = "test-pulse", "test-pressure", "test-weight"


def _coded(*codes: str, text: str | None = None) -> dict[str, Any]:
    return {**({"coding": [{"system": LOCAL, "code": code} for code in codes]} if codes else {}), **({"text": text} if text else {})}


def _seen(subject: str, code: dict[str, Any], when: str | None, **members: Any) -> dict[str, Any]:
    time = {"effectiveDateTime": when} if when else {}
    return {"resourceType": "Observation", "status": "final", "code": code, "subject": {"reference": subject}, **time, **members}


def _ask(clinic: FlaskClient, query: str) -> list[str]:
    answer = clinic.get(f"/fhir/Observation/$lastn?{query}")
    assert answer.status_code == 200, answer.text
    assert answer.json["type"] == "searchset"
    return [one["resource"]["id"] for one in answer.json.get("entry", []) if one["search"]["mode"] == "match"]


@pytest.fixture
def person(clinic: FlaskClient) -> str:
    return f"Patient/{made(clinic, patient())['id']}"


def _made(clinic: FlaskClient, *observations: dict[str, Any]) -> list[str]:
    return [made(clinic, one)["id"] for one in observations]


def test_the_latest_of_each_code(clinic: FlaskClient, person: str) -> None:
    old, pulse, weight, _ = _made(
        clinic,
        _seen(person, _coded(PULSE), "2026-03-01T10:00:00Z"),
        _seen(person, _coded(PULSE), "2026-03-02T10:00:00Z"),
        _seen(person, _coded(WEIGHT), "2026-02-01"),
        _seen(f"Patient/{made(clinic, patient())['id']}", _coded(PULSE), "2026-03-05"),
    )
    assert _ask(clinic, f"patient={person}") == [pulse, weight]
    assert _ask(clinic, f"subject={person}&code={LOCAL}|{PULSE}&max=5") == [pulse, old]
    assert _ask(clinic, f"subject={person}&code={PULSE}&date=lt2026-03-02") == [old]
    assert _ask(clinic, f"subject={person}&code=other") == []


def test_codes_with_a_coding_in_common_are_one_code(clinic: FlaskClient, person: str) -> None:
    """R4's table: a | b | a,b is one group; texts are compared exactly."""
    _, newest, *_ = _made(
        clinic,
        _seen(person, _coded("a"), "2026-03-01"),
        _seen(person, _coded("b"), "2026-03-03"),
        _seen(person, _coded("a", "b"), "2026-03-02"),
    )
    texts = _made(clinic, *[_seen(person, _coded(text=text), "2026-01-01") for text in ("text", "Text", "t e x t")])
    assert _ask(clinic, f"patient={person}") == [newest, *reversed(texts)]
    foreign = _made(clinic, _seen(person, {"coding": [{"system": "urn:other", "code": "a"}]}, "2026-03-04"))
    assert _ask(clinic, f"patient={person}")[:2] == [*foreign, newest]


def test_ties_are_shown_and_what_has_no_time_comes_last(clinic: FlaskClient, person: str) -> None:
    undated, first, second = _made(
        clinic,
        _seen(person, _coded(PULSE), None),
        _seen(person, _coded(PULSE), "2026-03-01T10:00:00Z"),
        _seen(person, _coded(PULSE), "2026-03-01T10:00:00Z"),
    )
    assert _ask(clinic, f"patient={person}") == [second, first]
    assert _ask(clinic, f"patient={person}&max=3") == [second, first, undated]


def test_per_visit(clinic: FlaskClient, person: str) -> None:
    visits = [made(clinic, {"resourceType": "Encounter", "status": "finished", "class": {"code": "AMB"}})["id"] for _ in range(2)]
    during = [
        made(clinic, _seen(person, _coded(PULSE), f"2026-03-0{day}", encounter={"reference": f"Encounter/{visit}"}))["id"]
        for visit, day in ((visits[0], 1), (visits[0], 2), (visits[1], 3))
    ]
    assert _ask(clinic, f"encounter=Encounter/{visits[0]}") == [during[1]]
    assert _ask(clinic, f"encounter={','.join(visits)}") == [during[1], during[2]]
    assert _ask(clinic, f"patient={person}&encounter={','.join(visits)}") == [during[2]]


def test_patients_may_be_named_by_what_they_are(clinic: FlaskClient) -> None:
    name = fresh()
    people = [made(clinic, patient(name, active=active)) for active in (True, False)]
    newest = []
    for one in people:
        _, second = _made(clinic, *[_seen(f"Patient/{one['id']}", _coded(PULSE), f"2026-03-0{day}") for day in (1, 2)])
        newest.append(second)
    assert _ask(clinic, f"patient.identifier={name}") == newest
    assert _ask(clinic, f"subject:Patient.identifier={name}&patient.active=true") == newest[:1]


def test_what_was_entered_in_error_is_told(clinic: FlaskClient, person: str) -> None:
    right, wrong = _made(
        clinic,
        _seen(person, _coded(PULSE), "2026-03-01"),
        _seen(person, _coded(PULSE), "2026-03-02", status="entered-in-error"),
    )
    answer = clinic.get(f"/fhir/Observation/$lastn?patient={person}")
    assert [one["search"]["mode"] for one in answer.json["entry"]] == ["match", "outcome"]
    assert answer.json["entry"][0]["resource"]["id"] == wrong
    assert answer.json["total"] == 1
    assert _ask(clinic, f"patient={person}&status:not=entered-in-error") == [right]


def test_the_self_link_and_parts(clinic: FlaskClient, person: str) -> None:
    _made(clinic, _seen(person, _coded(PULSE), "2026-03-01", note=[{"text": "calm"}]))
    answer = clinic.get(f"/fhir/Observation/$lastn?patient={person}&category:missing=true&_elements=status")
    (link,) = answer.json["link"]
    assert link["relation"] == "self"
    assert clinic.get(link["url"].removeprefix("http://127.0.0.1:8080")).json == answer.json
    assert "max=1" in link["url"]
    assert "note" not in answer.json["entry"][0]["resource"]


def test_post_and_batch_say_the_same(clinic: FlaskClient, person: str) -> None:
    _made(clinic, *[_seen(person, _coded(PULSE), f"2026-03-0{day}") for day in (1, 2, 3)])
    got = clinic.get(f"/fhir/Observation/$lastn?patient={person}&max=2").json
    parameters = [{"name": "patient", "valueString": person}, {"name": "max", "valuePositiveInt": 2}]
    posted = clinic.post("/fhir/Observation/$lastn", json={"resourceType": "Parameters", "parameter": parameters}, content_type=FHIR)
    assert posted.json == got
    for kind in ("batch", "transaction"):
        (answer,) = process(clinic, kind, entry("GET", f"Observation/$lastn?patient={person}&max=2")).json["entry"]
        assert (answer["response"]["status"], answer["resource"]) == ("200 OK", got)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("", "patient, subject or encounter"),
        ("category=vital-signs", "patient, subject or encounter"),
        ("patient:missing=false", "patient, subject or encounter"),
        ("patient=p&max=0", "from 1 to 100"),
        ("patient=p&max=many", "from 1 to 100"),
        ("patient=p&max=1&max=2", "stands twice"),
        ("patient=p&_sort=date", "_sort"),
        ("patient=p&_count=5", "_count"),
        ("patient=p&_include=Observation:subject", "_include"),
        ("patient=p&colour=red", "colour"),
    ],
)
def test_what_cannot_be_answered_whole_is_refused(clinic: FlaskClient, query: str, named: str) -> None:
    assert named in issue(clinic.get(f"/fhir/Observation/$lastn?{query}"), 400)["diagnostics"]


def _naive(stored: list[dict[str, Any]], most: int) -> set[str]:
    """Connected codes by trying until nothing changes, and the newest of each by sorting everything."""
    labels = [{(one["system"], one["code"]) for one in tree["code"]["coding"]} for tree in stored]
    changed = True
    while changed:
        changed = False
        for one in labels:
            for other in labels:
                if one & other and one != other:
                    one |= other
                    other |= one
                    changed = True
    found = set()
    for group in {frozenset(label) for label in labels}:
        members = [tree for tree, label in zip(stored, labels, strict=True) if label == group]
        times = sorted((tree["effectiveDateTime"] for tree in members), reverse=True)
        found |= {tree["id"] for tree in members if tree["effectiveDateTime"] >= times[min(most, len(times)) - 1]}
    return found


@pytest.mark.parametrize("seed", range(6))
def test_generated_records_agree_with_the_naive_answer(clinic: FlaskClient, seed: int) -> None:
    chance = random.Random(seed)
    person = f"Patient/{made(clinic, patient(fresh()))['id']}"
    codes = [chr(ord("a") + number) for number in range(6)]
    trees = [
        _seen(person, _coded(*chance.sample(codes, chance.choice((1, 1, 1, 2)))), f"2026-03-{chance.randint(1, 12):02d}T10:00:00Z")
        for _ in range(20)
    ]
    answer = process(clinic, "batch", *[entry("POST", "Observation", tree) for tree in trees], prefer="return=representation")
    stored = [one["resource"] for one in answer.json["entry"]]
    for most in (1, 2, 5):
        assert set(_ask(clinic, f"patient={person}&max={most}")) == _naive(stored, most)
