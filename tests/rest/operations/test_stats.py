"""`Observation/$stats` against Python's statistics module, and what it converts and refuses."""

import statistics
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.fhir import definitions
from service.fhir.document import Limits, decode
from service.records.statistic import DISPLAYS
from service.validation.check import Gate
from tests.rest.made import FHIR, issue, made, patient

LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"
LOCAL = "https://clinic.example/fhir/CodeSystem/local"
PANEL, SYSTOLIC, DIASTOLIC, WEIGHT = "85354-9", "8480-6", "8462-4", "29463-7"
GATE = Gate(definitions.load())


def _quantity(value: Any, code: str | None) -> dict[str, Any]:
    return {"value": value, **({"unit": code, "system": UCUM, "code": code} if code else {})}


def _weight(subject: str, value: Any, when: str, code: str | None = "kg", **members: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": WEIGHT}]},
        "subject": {"reference": subject},
        "effectiveDateTime": when,
        "valueQuantity": _quantity(value, code),
        **members,
    }


def _pressure(subject: str, systolic: int, diastolic: int, when: str) -> dict[str, Any]:
    parts = ((SYSTOLIC, systolic), (DIASTOLIC, diastolic))
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": PANEL}]},
        "subject": {"reference": subject},
        "effectiveDateTime": when,
        "component": [
            {"code": {"coding": [{"system": LOINC, "code": code}]}, "valueQuantity": _quantity(value, "mm[Hg]")} for code, value in parts
        ],
    }


@pytest.fixture
def person(clinic: FlaskClient) -> str:
    return f"Patient/{made(clinic, patient())['id']}"


def _ask(clinic: FlaskClient, query: str) -> list[dict[str, Any]]:
    answer = clinic.get(f"/fhir/Observation/$stats?{query}")
    assert answer.status_code == 200, answer.text
    tree = decode(answer.data, Limits()).tree
    assert [one for one in GATE.check(tree, "Parameters") if one.severity == "error"] == []
    return [one["resource"] for one in tree["parameter"] if one["name"] == "statistics"]


def _values(observation: dict[str, Any]) -> dict[str, Any]:
    return {
        one["code"]["coding"][0]["code"] + (f" {one['code']['text'].split(',')[0]}" if "text" in one["code"] else ""): Decimal(
            one["valueQuantity"]["value"]
        )
        for one in observation["component"]
        if "valueQuantity" in one
    }


def test_every_statistic_of_r4(clinic: FlaskClient, person: str) -> None:
    weights = [Decimal(text) for text in ("70.5", "71", "69.25", "72", "68", "90")]
    for number, value in enumerate(weights):
        made(clinic, _weight(person, float(value), f"2026-03-01T1{number}:00:00Z"))
    made(clinic, _weight(person, 70, "2026-03-01T18:00:00Z", valueQuantity={"value": 70, "comparator": "<", "unit": "kg"}))
    (answer,) = _ask(clinic, f"subject={person}&code={WEIGHT}&system={LOINC}&statistic={','.join(DISPLAYS)}")
    found = _values(answer)
    mean, spread = statistics.fmean(weights), float(statistics.pstdev(weights))
    quintiles = statistics.quantiles(weights, n=5, method="inclusive")
    lower, middle, upper = statistics.quantiles(weights, n=4, method="inclusive")
    line = statistics.linear_regression(range(6), [float(one) for one in weights])
    wanted = {
        "average": mean,
        "maximum": 90,
        "minimum": 68,
        "count": 6,
        "total-count": 7,
        "median": middle,
        "std-dev": statistics.stdev(weights),
        "sum": sum(weights),
        "variance": statistics.variance(weights),
        "20-percent": quintiles[0],
        "80-percent": quintiles[3],
        "4-lower": lower,
        "4-upper": upper,
        "4-dev": (upper - lower) / 2,
        **{f"5-{number}": value for number, value in enumerate(quintiles, start=1)},
        "skew": sum((float(one) - mean) ** 3 for one in weights) / 6 / spread**3,
        "kurtosis": sum((float(one) - mean) ** 4 for one in weights) / 6 / spread**4,
        "regression gradient": line.slope,
        "regression intercept": line.intercept,
    }
    assert found.keys() == wanted.keys()
    assert {name: float(value) for name, value in found.items()} == pytest.approx({name: float(value) for name, value in wanted.items()})
    assert (answer["status"], answer["subject"]) == ("final", {"reference": person})


def test_results_are_exact_decimals(clinic: FlaskClient, person: str) -> None:
    for number, value in enumerate((0.1, 0.2, 0.3)):
        made(clinic, _weight(person, value, f"2026-03-01T1{number}:00:00Z"))
    made(clinic, _weight(person, 399.4, "2026-03-01T18:00:00Z"))
    (answer,) = _ask(clinic, f"subject={person}&code={LOINC}|{WEIGHT}&statistic=sum&statistic=average&statistic=count")
    assert [str(value) for value in _values(answer).values()] == ["400.0", "100.0", "4"]


def test_a_panel_is_measured_by_its_parts(clinic: FlaskClient, person: str) -> None:
    for number, pair in enumerate(((124, 78), (186, 112), (148, 90))):
        made(clinic, _pressure(person, *pair, f"2026-03-01T1{number}:00:00Z"))
    (systolic,) = _ask(clinic, f"subject={person}&code={SYSTOLIC}&system={LOINC}&statistic=maximum,median")
    assert _values(systolic) == {"maximum": 186, "median": 148}
    assert systolic["component"][0]["valueQuantity"]["code"] == "mm[Hg]"
    parts = _ask(clinic, f"subject={person}&code={PANEL}&system={LOINC}&statistic=minimum")
    assert [(one["code"]["coding"][0]["code"], _values(one)["minimum"]) for one in parts] == [(SYSTOLIC, 124), (DIASTOLIC, 78)]
    both = _ask(clinic, f"subject={person}&code={SYSTOLIC},{PANEL}&system={LOINC}&statistic=count")
    assert [_values(one)["count"] for one in both] == [3, 3]


def test_members_of_a_panel_are_measured(clinic: FlaskClient, person: str) -> None:
    members = [made(clinic, _weight(person, value, "2026-03-01T10:00:00Z"))["id"] for value in (70, 80)]
    wrong = made(clinic, _weight(person, 500, "2026-03-01T10:00:00Z", status="entered-in-error"))["id"]
    panel = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": LOCAL, "code": "test-panel"}]},
        "subject": {"reference": person},
        "effectiveDateTime": "2026-03-01T10:00:00Z",
        "hasMember": [{"reference": f"Observation/{id}"} for id in (*members, wrong)],
    }
    made(clinic, panel)
    (answer,) = _ask(clinic, f"subject={person}&code={LOCAL}|test-panel&statistic=average")
    assert (answer["code"]["coding"][0]["code"], _values(answer)) == (WEIGHT, {"average": 75})


def test_units_are_converted(clinic: FlaskClient, person: str) -> None:
    made(clinic, _weight(person, 70000, "2026-03-01T10:00:00Z", "g"))
    made(clinic, _weight(person, 72, "2026-03-02T10:00:00Z"))
    (answer,) = _ask(clinic, f"subject={person}&code={WEIGHT}&statistic=average,variance")
    assert [one["valueQuantity"]["code"] for one in answer["component"]] == ["kg", "(kg).(kg)"]
    assert _values(answer) == {"average": 71, "variance": 2}
    (grams,) = _ask(clinic, f"subject={person}&code={WEIGHT}&statistic=maximum&unit=g")
    assert (_values(grams), grams["component"][0]["valueQuantity"]["code"]) == ({"maximum": 72000}, "g")
    told = issue(clinic.get(f"/fhir/Observation/$stats?subject={person}&code={WEIGHT}&statistic=count&unit=mL"), 422)
    assert "Observation/" in told["diagnostics"]
    issue(clinic.get(f"/fhir/Observation/$stats?subject={person}&code={WEIGHT}&statistic=count&unit=nonsense"), 400)


def test_what_cannot_be_converted_is_refused_by_name(clinic: FlaskClient, person: str) -> None:
    foreign = made(clinic, _weight(person, 11, "2026-03-01T10:00:00Z", None))
    made(clinic, _weight(person, 72, "2026-03-02T10:00:00Z"))
    told = issue(clinic.get(f"/fhir/Observation/$stats?subject={person}&code={WEIGHT}&statistic=average"), 422)
    assert f"Observation/{foreign['id']}" in told["diagnostics"]


def test_errors_and_cancellations_do_not_count(clinic: FlaskClient, person: str) -> None:
    for status, value in (("final", 70), ("amended", 71), ("entered-in-error", 700), ("cancelled", 7)):
        made(clinic, _weight(person, value, "2026-03-01T10:00:00Z", status=status))
    (answer,) = _ask(clinic, f"subject={person}&code={WEIGHT}&statistic=maximum,minimum,total-count")
    assert _values(answer) == {"maximum": 71, "minimum": 70, "total-count": 2}


def test_the_period_and_the_duration(clinic: FlaskClient, person: str) -> None:
    for day in (1, 2, 3):
        made(clinic, _weight(person, 70 + day, f"2026-03-0{day}T10:00:00Z"))

    def count(query: str) -> Any:
        (answer,) = _ask(clinic, f"subject={person}&code={WEIGHT}&statistic=count&{query}")
        return _values(answer)["count"], answer.get("effectivePeriod")

    assert count("period=2026-03-02/2026-03-03") == (2, {"start": "2026-03-02", "end": "2026-03-03"})
    assert count("period=/2026-03-01T12:00:00Z")[0] == 1
    assert count("duration=1")[0] == 0
    assert count("")[1] == {"start": "2026-03-01T10:00:00.000Z", "end": "2026-03-03T10:00:00.000Z"}
    period = {"name": "period", "valuePeriod": {"start": "2026-03-03"}}
    coding = {"name": "coding", "valueCoding": {"system": LOINC, "code": WEIGHT}}
    others = [{"name": "subject", "valueUri": person}, {"name": "statistic", "valueCode": "sum"}]
    posted = clinic.post(
        "/fhir/Observation/$stats", json={"resourceType": "Parameters", "parameter": [period, coding, *others]}, content_type=FHIR
    )
    assert posted.json["parameter"][0]["resource"]["component"][0]["valueQuantity"]["value"] == 73


def test_sources_are_given_on_request(clinic: FlaskClient, person: str) -> None:
    ids = [made(clinic, _weight(person, 70, f"2026-03-0{day}T10:00:00Z"))["id"] for day in (1, 2, 3)]
    url = f"/fhir/Observation/$stats?subject={person}&code={WEIGHT}&statistic=count"

    def sources(query: str) -> list[str]:
        return [one["resource"]["id"] for one in clinic.get(url + query).json["parameter"] if one["name"] == "source"]

    assert sources("") == []
    assert sources("&include=true") == ids[::-1]
    assert sources("&include=true&limit=2") == ids[:0:-1]
    assert sources("&include=false&limit=2") == []


def test_too_few_measurements_have_no_deviation(clinic: FlaskClient, person: str) -> None:
    made(clinic, _weight(person, 70, "2026-03-01T10:00:00Z"))
    (answer,) = _ask(clinic, f"subject={person}&code={WEIGHT}&statistic=std-dev,skew,regression,average")
    assert _values(answer) == {"average": 70}
    assert len(answer["component"]) == 5
    (nothing,) = _ask(clinic, f"subject={person}&code=unheard-of&statistic=average,count")
    assert _values(nothing) == {"count": 0}


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("code=x&statistic=count", "subject"),
        ("subject=Patient/p&code=x", "statistic"),
        ("subject=Patient/p&statistic=count", "what is measured"),
        ("subject=Patient/p&code=x&statistic=mode", "average"),
        ("subject=p&code=x&statistic=count", "Patient/123"),
        ("subject=https://other.example/fhir/Patient/p&code=x&statistic=count", "resource here"),
        ("subject=Patient/p&code=x&statistic=count&duration=-1", "positive"),
        ("subject=Patient/p&code=x&statistic=count&duration=NaN", "positive"),
        ("subject=Patient/p&code=x&statistic=count&period=2026", "slash"),
        ("subject=Patient/p&code=x&statistic=count&period=2026-03-02/2026-03-01", "before"),
        ("subject=Patient/p&code=x&statistic=count&period=2026/2027&duration=1", "Leave out one"),
        ("subject=Patient/p&code=x&statistic=count&coding=x", "Parameters resource"),
        ("subject=Patient/p&code=x&statistic=count&include=yes", "true or false"),
        ("subject=Patient/p&code=x&statistic=count&mood=good", "mood"),
        ("subject=Patient/p&code=a|x&system=b&statistic=count", "system"),
    ],
)
def test_what_cannot_be_understood_is_refused(clinic: FlaskClient, query: str, named: str) -> None:
    assert named in issue(clinic.get(f"/fhir/Observation/$stats?{query}"), 400)["diagnostics"]
