"""The example visit as one transaction: 50.0 mg drawn are 32.2 mg given and 17.8 mg wasted, and no number of it can be another alone."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.app import create_app
from service.config import Settings
from service.fhir import temporal
from service.ledger import business_days
from tests.access import admitted
from tests.databases import KINDS, Databases
from tests.register import visit
from tests.register.visit import COUNT, DRAW, FIRST, GIVEN, RECEIPT, SECOND, SYRINGE, WASTE

_SETTINGS = Settings(time_zone="America/Los_Angeles", cursor_key="c" * 32, rate_limit=0)
_AMOUNT, _DOSE, _RATE = "valueQuantity.value", "dosage.dose.value", "dosage.rateQuantity.value"


@pytest.fixture(scope="module", params=KINDS)
def refusing(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Flask]:
    """A service on which nothing of this module is taken: what is refused leaves nothing behind."""
    with databases.fresh(request.param) as url:
        app = create_app(_SETTINGS.with_values(database_url=url))
        yield app
        assert visit.lines(app) == []
        app.extensions["infusion_records"].database.dispose()


@pytest.fixture
def settings(database_url: str) -> Settings:
    return _SETTINGS.with_values(database_url=database_url, holidays="2026-11-26")


def found(client: FlaskClient, asked: str) -> list[dict[str, Any]]:
    return [one["resource"] for one in client.get(f"/fhir/{asked}").json.get("entry", ())]


def test_posts_at_once_and_balances(app: Flask, client: FlaskClient) -> None:
    answer = visit.process(client, visit.lately())
    assert len(visit.places(answer)) == 106
    assert visit.standing(app) == [("received", 500_000), ("drawn", 50_000), ("counted", 450_000), ("given", 32_200), ("wasted", 17_800)]
    assert visit.remaining(app) == 450_000
    assert [one.flags for one in visit.lines(app)] == [""] * 5
    assert visit.rules(answer, "error") == set()
    assert visit.rules(answer, "warning") == set(), visit.issues(answer)
    assert found(client, "Task") == []
    assert found(client, "DetectedIssue?code=cs-discrepancy") == []


@pytest.mark.parametrize(
    ("number", "path", "value", "rules"),
    [
        pytest.param(DRAW, "quantity.value", 60, {"cs-24"}, id="drawn-more"),
        pytest.param(DRAW, "quantity.value", 40, {"cs-01"}, id="drawn-less"),
        pytest.param(DRAW, "quantity.value", 600, {"cs-05", "cs-24"}, id="drawn-more-than-there-is"),
        pytest.param(GIVEN, _DOSE, 33.2, {"cs-01", "cs-03"}, id="given-more"),
        pytest.param(GIVEN, _DOSE, 31.2, {"cs-03", "cs-24"}, id="given-less"),
        pytest.param(GIVEN, _DOSE, 32.1999, {"cs-02", "cs-03", "cs-24"}, id="given-finer-than-a-microgram"),
        pytest.param(FIRST, _DOSE, 22.7, {"cs-03"}, id="first-part"),
        pytest.param(SECOND, _DOSE, 10.4, {"cs-03"}, id="second-part-by-as-little-as-the-tolerance"),
        pytest.param(FIRST, _RATE, 43, {"cs-03"}, id="first-rate"),
        pytest.param(SECOND, _RATE, 29, {"cs-03"}, id="second-rate"),
        pytest.param(WASTE, _AMOUNT, 16.8, {"cs-04", "cs-24"}, id="wasted-less"),
        pytest.param(WASTE, _AMOUNT, 18.8, {"cs-01", "cs-04"}, id="wasted-more"),
        pytest.param(WASTE, "component.0.valueQuantity.value", 16.8, {"cs-04"}, id="wasted-volume"),
        pytest.param(SYRINGE, "ingredient.0.strength.numerator.value", 60, {"cs-03", "cs-04"}, id="strength-of-the-syringe"),
        pytest.param(RECEIPT, "suppliedItem.quantity.value", 40, {"cs-05"}, id="received-less"),
        pytest.param(RECEIPT, "suppliedItem.quantity.value", 600, {"cs-02"}, id="received-more-than-the-label"),
    ],
)
def test_no_amount_is_another_alone(refusing: Flask, number: int, path: str, value: Any, rules: set[str]) -> None:
    answer = visit.process(admitted(refusing), visit.altered(visit.lately(), number, path, value))
    assert answer.status_code == 422, answer.text
    assert visit.rules(answer) == rules, visit.issues(answer)
    assert all(text for *_, text in visit.issues(answer))


@pytest.mark.parametrize(
    ("number", "path", "value", "unaccounted", "left_ug"),
    [
        pytest.param(DRAW, "quantity.value", 50.1, 100, 449_900, id="drawn"),
        pytest.param(WASTE, _AMOUNT, 17.75, 50, 450_000, id="wasted-less"),
        pytest.param(WASTE, _AMOUNT, 17.85, 50, 450_000, id="wasted-more"),
        pytest.param(FIRST, _RATE, 42.2, 0, 450_000, id="rate"),
    ],
)
def test_what_lies_within_the_tolerance_is_unaccounted_for_and_told(
    app: Flask, client: FlaskClient, number: int, path: str, value: float, unaccounted: int, left_ug: int
) -> None:
    answer = visit.process(client, visit.altered(visit.lately(), number, path, value))
    assert visit.places(answer)
    assert [amount for kind, amount in visit.standing(app) if kind == "unaccounted"] == [unaccounted] * (unaccounted > 0)
    assert visit.remaining(app) == left_ug
    told = [text for rule, severity, text in visit.issues(answer) if (rule, severity) == ("cs-01", "warning")]
    assert ["posted as unaccounted" in text for text in told] == [True] * (unaccounted > 0)


@pytest.mark.parametrize(("counted", "words"), [(449, "1 mg short"), (451.5, "1.5 mg over")], ids=["short", "over"])
def test_a_count_that_differs_is_taken_and_looked_into_within_one_business_day(
    app: Flask, client: FlaskClient, counted: float, words: str
) -> None:
    answer = visit.process(client, visit.altered(visit.lately(), COUNT, _AMOUNT, counted))
    count = visit.places(answer)[COUNT]
    assert visit.remaining(app) == 450_000
    assert [words in text for rule, _, text in visit.issues(answer) if rule == "cs-35"] == [True]
    (issue,) = found(client, "DetectedIssue?code=cs-discrepancy")
    assert {"reference": count} in issue["implicated"]
    assert words in issue["detail"]
    (task,) = found(client, "Task")
    assert task["focus"]["reference"] == f"DetectedIssue/{issue['id']}"
    zone = _SETTINGS.zone
    opened, due = (temporal.interval(text, zone).lo for text in (task["authoredOn"], task["restriction"]["period"]["end"]))
    assert due == business_days.due(opened, zone, business_days.calendar("2026-11-26"))


def test_what_is_written_down_days_later_is_marked_and_its_reason_asked_for(app: Flask, client: FlaskClient) -> None:
    answer = visit.process(client, visit.bundle())
    assert len(visit.places(answer)) == 106
    assert {one.flags for one in visit.lines(app)} == {"late"}
    assert "cs-21" in visit.rules(answer, "warning")
    (task,) = found(client, "Task")
    late = {visit.places(answer)[number] for number in (RECEIPT, DRAW, COUNT, GIVEN, WASTE)}
    assert all(place in task["description"] for place in late)


def test_what_is_written_down_days_later_with_its_reason_leaves_no_work(app: Flask, client: FlaskClient) -> None:
    tree = visit.bundle()
    for number in (RECEIPT, DRAW, COUNT, GIVEN, FIRST, SECOND, WASTE):
        tree = visit.altered(tree, number, "extension", [{"url": visit.LATE_REASON, "valueString": "The network was down"}])
    answer = visit.process(client, tree)
    assert visit.places(answer)
    assert {one.flags for one in visit.lines(app)} == {"late"}
    assert found(client, "Task") == []


def test_the_same_visit_posted_twice_is_refused_and_posts_nothing_twice(app: Flask, client: FlaskClient) -> None:
    tree = visit.lately()
    assert visit.places(visit.process(client, tree))
    again = visit.process(client, tree)
    assert again.status_code == 422
    assert "cs-33" in visit.rules(again)
    assert len(visit.lines(app)) == 5
