"""The rules on people, times and orders as a client meets them: refused with the element, told, set by a file of policies, judged then."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from service import clock
from service.app import create_app
from service.config import Settings
from service.records.clients import Registration
from service.security.scope import NAMES
from tests.access import EVERYTHING, admitted
from tests.databases import KINDS, Databases
from tests.register import visit
from tests.register.visit import CONSENT, COUNT, DRAW, GIVEN, NURSE, ORDER, RECEIPT, SYRINGE, VIAL, WASTE, WITNESS, Chart

_SETTINGS = Settings(time_zone="America/Los_Angeles", cursor_key="c" * 32, rate_limit=0)
SIGNED = 104
WITHOUT_DELEGATION = Registration("bedside", " ".join(word for word in EVERYTHING.split() if word not in NAMES))


@pytest.fixture(scope="module", params=KINDS)
def refusing(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Flask]:
    """A service on which nothing is taken: what is refused leaves nothing behind."""
    with databases.fresh(request.param) as url:
        app = create_app(_SETTINGS.with_values(database_url=url))
        yield app
        assert visit.lines(app) == []
        app.extensions["infusion_records"].database.dispose()


@pytest.fixture
def settings(database_url: str) -> Settings:
    return _SETTINGS.with_values(database_url=database_url)


def one(chart: Chart, resource: dict[str, Any]) -> TestResponse:
    """A resource alone in a transaction, whose answer tells warnings."""
    entry = {"resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}}
    return visit.process(chart.client, {"resourceType": "Bundle", "type": "transaction", "entry": [entry]})


def urn(tree: dict[str, Any], number: int) -> str:
    name: str = tree["entry"][number]["fullUrl"]
    return name


BREACHES = {
    "witness-is-performer": (WASTE, "performer.1.reference", NURSE, "cs-10", "performer[1]"),
    "signed-by-another": (SIGNED, "signature.1.who.reference", NURSE, "cs-11", "signature[1]"),
    "given-by-nobody": (GIVEN, "performer.0.actor", {"display": "M. Chen"}, "cs-12", "performer"),
    "drawn-by-a-device": (DRAW, "performer.0.actor.reference", 9, "cs-12", "performer[0]"),
    "drawn-ahead": (DRAW, "whenHandedOver", "2998-01-01T00:00:00Z", "cs-20", "whenHandedOver"),
    "syringe-used-up": (SYRINGE, "batch.expirationDate", "2020-01-01", "cs-22", "medication"),
    "vial-expired": (VIAL, "batch.expirationDate", "2020-01", "cs-22", "medication"),
    "without-order": (GIVEN, "request", {"display": "by phone"}, "cs-26", "request"),
    "without-consent": (CONSENT, "status", "rejected", "cs-26", "subject"),
    "above-the-limit": (ORDER, "dosageInstruction.0.maxDosePerAdministration.value", 32, "cs-26", "dosage.dose"),
}


@pytest.mark.parametrize("name", BREACHES)
def test_a_breach_is_refused_with_rule_and_element(refusing: Flask, name: str) -> None:
    number, path, value, rule, element = BREACHES[name]
    tree = visit.lately()
    if path.endswith(".reference"):
        value, tree = urn(tree, value), visit.altered(tree, number, path.replace(".reference", ".type"), None)
    answer = visit.process(admitted(refusing), visit.altered(tree, number, path, value))
    assert answer.status_code == 422, answer.text
    found = [one for one in answer.json["issue"] if one["details"]["coding"][0]["code"] == rule and one["severity"] == "error"]
    assert found, answer.text
    assert all(place.startswith("Bundle.entry[") for one in found for place in one["expression"])
    assert any(place.endswith(f".resource.{element}") for one in found for place in one["expression"])


def test_an_expired_licence_is_refused_for_each_act_of_its_holder(refusing: Flask) -> None:
    tree = visit.altered(visit.lately(), NURSE, "qualification.0.period.end", "2025-01-01")
    answer = visit.process(admitted(refusing), tree)
    assert answer.status_code == 422, answer.text
    places = {one["expression"][0] for one in answer.json["issue"] if one["details"]["coding"][0]["code"] == "cs-12"}
    assert {f"Bundle.entry[{number}].resource.performer[0]" for number in (DRAW, COUNT, GIVEN, WASTE)} <= places


def test_who_writes_for_another_needs_a_scope(refusing: Flask) -> None:
    answer = visit.process(admitted(refusing, WITHOUT_DELEGATION), visit.lately())
    assert answer.status_code == 422, answer.text
    assert visit.rules(answer) == {"cs-13"}


def test_a_person_writes_the_own_acts_without_one(app: Flask) -> None:
    chart = Chart.on(app)
    chart.begin(RECEIPT, DRAW, COUNT)
    chart.done(RECEIPT)
    chart.client = admitted(app, WITHOUT_DELEGATION, user=chart.place(WITNESS))
    answer = chart.write(DRAW)
    assert (answer.status_code, visit.rules(answer)) == (422, {"cs-13"})
    chart.client = admitted(app, WITHOUT_DELEGATION, user=chart.place(NURSE))
    chart.done(DRAW)
    assert [kind for kind, _ in visit.standing(app)] == ["received", "drawn"]


def test_a_vial_that_was_set_aside_afterwards_does_not_refuse_what_came_before(app: Flask) -> None:
    chart = Chart.on(app)
    chart.begin(RECEIPT, DRAW, GIVEN)
    chart.done(RECEIPT)
    chart.done(VIAL, status="inactive")
    draw = chart.resource(DRAW)
    answer = one(chart, draw)
    assert answer.status_code == 200, answer.text
    assert visit.rules(answer, "warning") == {"cs-23"}, visit.issues(answer)
    number = {**draw["identifier"][0], "value": "L-2026-999999"}
    now = {"identifier": [number], "whenPrepared": None, "whenHandedOver": clock.to_text(clock.now())}
    refused = one(chart, {name: value for name, value in {**draw, **now}.items() if value is not None})
    assert (refused.status_code, visit.rules(refused)) == (422, {"cs-23"}), refused.text


def test_a_consent_that_is_withdrawn_during_an_infusion_does_not_keep_it_from_ending(app: Flask) -> None:
    chart = Chart.on(app)
    chart.begin(RECEIPT, DRAW, GIVEN)
    for number in (CONSENT, RECEIPT, DRAW):
        chart.done(number)
    period = {"start": chart.resource(GIVEN)["effectivePeriod"]["start"]}
    chart.done(GIVEN, status="in-progress", effectivePeriod=period, dosage=None)
    chart.done(CONSENT, status="inactive")
    chart.done(GIVEN)
    assert ("given", 32_200) in visit.standing(app)


def test_a_file_of_policies_is_followed_by_substance_and_site(database_url: str, tmp_path: Path) -> None:
    own = {"substances": ["6130"], "sites": ["SITE-1"], "actions": {"cs-10": "warn"}}
    elsewhere = {"sites": ["SITE-2"], "actions": {"cs-26": "off"}}
    versions = [{"version": "clinic-2", "since": "2020-01-01", "overrides": [own, elsewhere]}]
    path = tmp_path / "policies.json"
    path.write_text(json.dumps({"versions": versions}), encoding="utf-8")
    app = create_app(_SETTINGS.with_values(database_url=database_url, register_policies=str(path)))
    tree = visit.lately()
    tree = visit.altered(tree, WASTE, "performer.1.reference", urn(tree, NURSE))
    tree = visit.altered(tree, SIGNED, "signature.1.who.reference", urn(tree, NURSE))
    refused = visit.process(admitted(app), visit.altered(tree, CONSENT, "status", "rejected"))
    assert (refused.status_code, visit.rules(refused)) == (422, {"cs-26"}), refused.text
    answer = visit.process(admitted(app), tree)
    assert answer.status_code == 200, answer.text
    assert [text for rule, _, text in visit.issues(answer) if rule == "cs-10" and text.endswith(" Policy clinic-2.")]
    assert {one.policy for one in visit.lines(app)} == {"clinic-2"}
    app.extensions["infusion_records"].database.dispose()


def test_a_signature_that_comes_later_is_judged_when_it_comes(app: Flask) -> None:
    chart = Chart.on(app)
    chart.begin(RECEIPT, DRAW, GIVEN, WASTE, SIGNED)
    for number in (CONSENT, RECEIPT, DRAW, GIVEN, WASTE):
        if chart.tree["entry"][number]["fullUrl"] not in chart.at:
            chart.done(number)
    signed = chart.resource(SIGNED)
    by_the_nurse = json.loads(json.dumps(signed))
    by_the_nurse["signature"][1]["who"]["reference"] = chart.place(NURSE)
    refused = one(chart, by_the_nurse)
    assert (refused.status_code, visit.rules(refused)) == (422, {"cs-11"}), refused.text
    assert refused.json["issue"][0]["expression"] == ["Bundle.entry[0].resource.signature[1]"]
    before = len(visit.lines(app))
    answer = one(chart, signed)
    assert (answer.status_code, visit.rules(answer, "warning")) == (200, set()), answer.text
    assert len(visit.lines(app)) == before
