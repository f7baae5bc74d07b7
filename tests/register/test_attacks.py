"""Ways around the register that were tried: each is refused, and the ledger stays what the record says."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.ledger.entry import Entry
from service.records.clients import Registration
from service.records.register import rebuild
from service.storage import ledger
from tests.access import EVERYTHING, admitted
from tests.register.stock import TAGGED, Body, Clinic, at, ketamine, local, number, nurse, quantity, rules

FHIR = "application/fhir+json"


@pytest.fixture
def clinic(client: FlaskClient) -> Clinic:
    """A clinic with one vial of 500 mg."""
    clinic = Clinic.opened(client)
    clinic.add("vial", clinic.vial())
    clinic.add("receipt", clinic.receipt("vial"))
    return clinic


def told(app: Flask) -> list[tuple[str, int]]:
    """(kind, amount) of all lines, in the order of events; the ledger is what the record says."""
    assert rebuild.check(app.extensions["infusion_records"])[1] == []
    with app.extensions["infusion_records"].database.read() as tx:
        return [(line.kind, line.amount_ug) for line in (Entry(*tuple(row)) for row in ledger.lines(tx, ledger.Asked()))]


def refused(answer: Any, *named: str, status: int = 422) -> None:
    assert answer.status_code == status, answer.text
    assert set(named) <= rules(answer), answer.text


def syringe(clinic: Clinic, *vials: str, **more: Any) -> Body:
    strength = {"numerator": quantity(1), "denominator": quantity(1, "mL")}
    return clinic.vial(ingredient=[{"itemReference": clinic.to(one), "strength": strength} for one in vials], **more)


def put(clinic: Clinic, name: str, **changes: Any) -> Any:
    place = clinic.places[name]
    return clinic.client.put(f"/fhir/{place}", json={**clinic.client.get(f"/fhir/{place}").json, **changes})


def test_the_tolerance_of_a_draw_is_used_once(app: Flask, clinic: Clinic) -> None:
    clinic.add("draw", clinic.draw("vial", 50))
    clinic.add("given", clinic.given("vial", ["draw"], 50))
    clinic.add("waste", clinic.entry("waste", "vial", 0.2, 90, **clinic.of_draw("draw")))
    refused(clinic.post(clinic.entry("waste", "vial", 0.1, 91, **clinic.of_draw("draw"))), "cs-01")
    assert told(app)[-2:] == [("unaccounted", 200), ("wasted", 200)]


def test_the_tolerance_is_not_used_again_by_amendments(app: Flask, clinic: Clinic) -> None:
    clinic.add("draw", clinic.draw("vial", 50))
    clinic.add("given", clinic.given("vial", ["draw"], 30))
    clinic.add("waste", clinic.entry("waste", "vial", 20, 90, **clinic.of_draw("draw")))
    finish(clinic)
    assert clinic.amend("waste", valueQuantity=quantity(19.9), status="amended").status_code == 200
    assert clinic.amend("waste", valueQuantity=quantity(19.8), status="amended").status_code == 200
    refused(clinic.amend("waste", valueQuantity=quantity(19.7), status="amended"), "cs-01")
    moves = [amount for kind, amount in told(app) if kind == "unaccounted"]
    assert moves == [100, 100, 200], "posted, moved back with the amendment, posted as it is now"


def finish(clinic: Clinic) -> None:
    clinic.add("escort", {"resourceType": "RelatedPerson", "patient": clinic.to("patient")})
    clinic.add("discharge", clinic.discharge("visit"))
    answer = put(clinic, "visit", **clinic.finished("escort"))
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("made", ["from-a-vial", "from-itself", "from-each-other"])
def test_nothing_is_drawn_or_received_as_if_a_syringe_were_a_vial(app: Flask, clinic: Clinic, made: str) -> None:
    clinic.places |= {"one": "Medication/one", "other": "Medication/other"}
    of = {"from-a-vial": ("vial", "vial"), "from-itself": ("one", "vial"), "from-each-other": ("other", "one")}[made]
    bodies = {name: {**syringe(clinic, source), "id": name} for name, source in zip(("one", "other"), of, strict=True)}
    entries = [{"resource": body, "request": {"method": "PUT", "url": f"Medication/{name}"}} for name, body in bodies.items()]
    assert clinic.client.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": entries}).status_code == 200
    refused(clinic.post(clinic.draw("one", 40_000)), "cs-02")
    refused(clinic.post(clinic.receipt("one", 40)), "cs-02")
    refused(clinic.post(clinic.entry("waste", "one", 4)), "cs-02")
    assert told(app) == [("received", 500_000)]


def test_a_record_stays_what_it_is(app: Flask, clinic: Clinic) -> None:
    clinic.add("spare", clinic.vial())
    clinic.add("draw", clinic.draw("vial", 50))
    clinic.add("given", clinic.given("vial", ["draw"], 20))
    clinic.add("rest", clinic.given("vial", ["draw"], 30, 75))
    refused(clinic.amend("vial", ingredient=syringe(clinic, "spare")["ingredient"]), "cs-30")
    refused(clinic.amend("given", partOf=[clinic.to("rest")]), "cs-30")
    assert clinic.amend("given", status="entered-in-error").status_code == 200
    assert told(app)[-1] == ("given", 30_000)
    assert [amount for kind, amount in told(app) if kind == "given"] == [20_000, 20_000, 30_000]


@pytest.mark.parametrize("named", [["given"], ["draw", "other"]])
def test_what_comes_from_a_syringe_is_not_taken_from_the_vial(app: Flask, clinic: Clinic, named: list[str]) -> None:
    clinic.add("draw", clinic.draw("vial", 50))
    clinic.add("other", clinic.draw("vial", 10, 61))
    clinic.add("given", clinic.given("vial", ["draw"], 30))
    more = {**clinic.of_draw("draw"), "partOf": [clinic.to(one) for one in named]}
    refused(clinic.post(clinic.entry("waste", "vial", 20, 90, **more)), "cs-01")
    assert [kind for kind, _ in told(app)] == ["received", "drawn", "drawn", "given"]


def test_a_draw_serves_one_patient_and_one_visit(app: Flask, clinic: Clinic) -> None:
    clinic.add("stranger", {"resourceType": "Patient", "name": [{"family": "Stranger"}]})
    clinic.add("elsewhere", clinic._visit())
    clinic.add("draw", clinic.draw("vial", 50, visit="elsewhere"))
    refused(clinic.post(clinic.given("vial", ["draw"], 30)), "cs-01")
    clinic.add("mine", clinic.draw("vial", 20))
    clinic.add("given", clinic.given("vial", ["mine"], 20))
    refused(clinic.amend("mine", context=clinic.to("elsewhere")), "cs-01")
    refused(clinic.amend("mine", subject=clinic.to("stranger")), "cs-01")
    assert [kind for kind, _ in told(app)] == ["received", "drawn", "drawn", "given"]


def test_a_draw_without_a_visit_is_open_at_the_visit_that_used_it(clinic: Clinic) -> None:
    draw = clinic.draw("vial", 50)
    del draw["context"]
    clinic.add("draw", draw)
    clinic.add("given", clinic.given("vial", ["draw"], 30))
    clinic.add("escort", {"resourceType": "RelatedPerson", "patient": clinic.to("patient")})
    clinic.add("discharge", clinic.discharge("visit"))
    answer = put(clinic, "visit", **clinic.finished("escort"))
    refused(answer, "cs-24")
    assert clinic.places["draw"] in answer.text


@pytest.mark.parametrize("status", ["finished", "cancelled", "entered-in-error"])
def test_a_visit_does_not_end_with_an_open_draw_however_it_ends(clinic: Clinic, status: str) -> None:
    clinic.add("draw", clinic.draw("vial", 50))
    refused(put(clinic, "visit", status=status), "cs-24")


def test_a_visit_that_ended_does_not_go_on(clinic: Clinic) -> None:
    clinic.add("draw", clinic.draw("vial", 50))
    clinic.add("given", clinic.given("vial", ["draw"], 50))
    finish(clinic)
    refused(put(clinic, "visit", status="in-progress"), "cs-25")
    patch = json.dumps([{"op": "replace", "path": "/status", "value": "onleave"}])
    refused(clinic.client.patch(f"/fhir/{clinic.places['visit']}", data=patch, content_type="application/json-patch+json"), "cs-25")
    refused(clinic.post(clinic.draw("vial", 10)), "cs-25")


def test_what_explains_the_register_is_not_deleted(clinic: Clinic) -> None:
    clinic.add("count", clinic.entry("count", "vial", 400, 5))
    clinic.add("waste", clinic.entry("waste", "vial", 10, 6))
    signature = {
        "type": [{"system": "urn:iso-astm:E1762-95:2013", "code": "1.2.840.10065.1.12.1.9"}],
        "when": at(20),
        "who": clinic.to("okafor"),
    }
    about = {"target": [clinic.to("waste")], "recorded": at(20), "agent": [{"who": clinic.to("chen")}], "signature": [signature]}
    clinic.add("signed", {"resourceType": "Provenance", **about})
    found = {type: clinic.client.get(f"/fhir/{type}").json["entry"] for type in ("DetectedIssue", "Task")}
    places = [clinic.places["signed"], *(f"{type}/{one['resource']['id']}" for type, several in found.items() for one in several)]
    assert len(places) == 3
    for place in places:
        refused(clinic.client.delete(f"/fhir/{place}"), "cs-31", status=405)


def test_a_discrepancy_that_somebody_else_recorded_is_in_nobodys_way(app: Flask, clinic: Clinic) -> None:
    clinic.add("spare", clinic.vial())
    clinic.add("draw", clinic.draw("spare", 50))
    issue = {"resourceType": "DetectedIssue", "status": "final", "code": local("cs-discrepancy"), "implicated": [clinic.to("spare")]}
    clinic.add("issue", issue)
    clinic.add("late", clinic.receipt("spare"))
    assert [kind for kind, _ in told(app)].count("opened") == 2


def test_what_becomes_a_record_of_the_register_later_is_judged_as_new(app: Flask, clinic: Clinic) -> None:
    note = {**clinic.entry("waste", "vial", 5, 60 * 40), "code": {"text": "note"}}
    note["performer"][1] |= clinic.to("chen")
    clinic.add("note", note)
    answer = clinic.amend("note", code=local("cs-waste"))
    refused(answer, "cs-10", "cs-20")
    clinic.add("saline", {"resourceType": "Medication", "code": {"text": "saline"}})
    other = {**clinic.given("saline", [], 5), "performer": [{"actor": clinic.to("patient")}]}
    clinic.add("other", {name: value for name, value in other.items() if name not in ("meta", "supportingInformation")})
    clinic.add("draw", clinic.draw("vial", 5))
    tagged = {"meta": TAGGED, "medicationReference": clinic.to("vial"), "supportingInformation": [clinic.to("draw")]}
    refused(clinic.amend("other", **tagged), "cs-12")
    assert [kind for kind, _ in told(app)] == ["received", "drawn"]


def test_a_dispense_that_is_tagged_later_is_posted(app: Flask, clinic: Clinic) -> None:
    clinic.add("powder", {"resourceType": "Medication", "code": {"text": "powder"}, **_strong()})
    plain = clinic.draw("powder", 5)
    del plain["meta"]
    clinic.add("draw", plain)
    clinic.amend("powder", meta=TAGGED, identifier=number("vial"))
    assert clinic.amend("draw", meta=TAGGED, note=[{"text": "controlled"}]).status_code in (200, 422)
    assert told(app)[0] == ("received", 500_000)


def _strong() -> Body:
    strength = {"numerator": quantity(50), "denominator": quantity(1, "mL")}
    return {
        "ingredient": [{"itemCodeableConcept": {"text": "powder"}, "strength": strength}],
        "amount": {"numerator": quantity(10, "mL"), "denominator": quantity(1, "1")},
    }


@pytest.mark.parametrize("make", ["given", "draw", "receipt"])
def test_a_contained_product_is_controlled_too(app: Flask, clinic: Clinic, make: str) -> None:
    product = {"resourceType": "Medication", "id": "m", "code": ketamine()}
    bodies: dict[str, Callable[[], Body]] = {
        "given": lambda: {**clinic.given("vial", ["vial"], 5), "supportingInformation": None, "medicationReference": {"reference": "#m"}},
        "draw": lambda: {**clinic.draw("vial", 5), "medicationReference": {"reference": "#m"}},
        "receipt": lambda: {**clinic.receipt("vial", 5), "suppliedItem": {"quantity": quantity(5), "itemReference": {"reference": "#m"}}},
    }
    body = {**bodies[make](), "contained": [product], "meta": None}
    refused(clinic.post({name: value for name, value in body.items() if value is not None}), "cs-tag")
    assert told(app) == [("received", 500_000)]


@pytest.mark.parametrize(
    "amount",
    [
        pytest.param(
            '{"value": 10.0000000000000000000000000000001, "code": "mg", "system": "http://unitsofmeasure.org"}',
            id="finer-than-decimals-are",
        ),
        pytest.param('{"value": 0.1, "unit": "mg", "code": "g", "system": "http://unitsofmeasure.org"}', id="unit-and-code-differ"),
        pytest.param(
            '{"value": 1, "unit": "mcg", "code": "mg", "system": "http://unitsofmeasure.org"}', id="micrograms-coded-as-milligrams"
        ),
        pytest.param('{"value": 1, "code": "mg", "system": "urn:mine"}', id="another-system-of-units"),
        pytest.param('{"value": 1e400, "code": "mg", "system": "http://unitsofmeasure.org"}', id="huge"),
        pytest.param('{"value": 1e-400, "code": "mg", "system": "http://unitsofmeasure.org"}', id="tiny"),
        pytest.param('{"value": -0.0, "code": "mg", "system": "http://unitsofmeasure.org"}', id="nothing"),
    ],
)
def test_an_amount_that_can_be_read_in_two_ways_is_refused(app: Flask, clinic: Clinic, amount: str) -> None:
    text = json.dumps({**clinic.draw("vial", 5), "quantity": "HERE"}).replace('"HERE"', amount)
    refused(clinic.client.post("/fhir/MedicationDispense", data=text, content_type=FHIR), "cs-02")
    assert told(app) == [("received", 500_000)]


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "1899-12-31T00:00:00Z", "9999-12-31T23:59:59-14:00"])
def test_a_time_beyond_reason_is_refused(app: Flask, clinic: Clinic, when: str) -> None:
    refused(clinic.post({**clinic.draw("vial", 5), "whenHandedOver": when}), "cs-20")
    spare = clinic.add("spare", clinic.vial()) and clinic.receipt("spare")
    clinic.add("nobody", {**nurse("Undated"), "qualification": [{"code": nurse("")["qualification"][0]["code"]}]})
    receivers = [clinic.to("nobody"), clinic.to("okafor")]
    refused(clinic.post({**spare, "receiver": receivers, "occurrenceDateTime": when}), "cs-20")
    assert told(app) == [("received", 500_000)]


def test_a_timing_is_no_time_of_an_entry(clinic: Clinic) -> None:
    waste = clinic.entry("waste", "vial", 5)
    del waste["effectiveDateTime"]
    refused(clinic.post({**waste, "effectiveTiming": {"event": [at(1)]}}), "cs-20")


def test_the_time_of_issue_is_the_time_of_an_entry_that_has_no_other(app: Flask, clinic: Clinic) -> None:
    waste = clinic.entry("waste", "vial", 5)
    del waste["effectiveDateTime"]
    clinic.add("waste", waste)
    assert clinic.amend("waste", issued=at(85)).status_code == 200
    assert [kind for kind, _ in told(app)] == ["received", "wasted", "wasted", "wasted"]


def test_what_was_taken_back_stands_again_only_as_an_amendment(app: Flask, clinic: Clinic) -> None:
    clinic.add("draw", clinic.draw("vial", 50))
    clinic.add("given", clinic.given("vial", ["draw"], 50))
    assert clinic.amend("given", status="entered-in-error").status_code == 200
    refused(put(clinic, "given", status="completed"), "cs-30")
    assert [kind for kind, _ in told(app)] == ["received", "drawn", "given", "given"]
    assert clinic.amend("given", status="completed").status_code == 200
    assert [kind for kind, _ in told(app)] == ["received", "drawn", "given", "given", "given"]


def signed_by(clinic: Clinic, witness: str, minute: float = 81) -> Body:
    signature = {
        "type": [{"system": "urn:iso-astm:E1762-95:2013", "code": "1.2.840.10065.1.12.1.9"}],
        "when": at(minute),
        "who": clinic.to(witness),
    }
    about = {"target": [clinic.to("waste")], "recorded": at(minute), "agent": [{"who": clinic.to("chen")}]}
    return {"resourceType": "Provenance", **about, "signature": [signature]}


@pytest.mark.parametrize(("user", "rule"), [("chen", "cs-13"), ("okafor", ""), ("", "")])
def test_nobody_signs_as_the_witness_for_another(app: Flask, clinic: Clinic, user: str, rule: str) -> None:
    """Who did it cannot sign for the witness; the witness can, and a system that may write for others answers for what it sends."""
    clinic.add("waste", clinic.entry("waste", "vial", 5))
    sender = admitted(app, Registration(f"app-{user}", EVERYTHING), user=f"Practitioner/{clinic.id(user)}") if user else clinic.client
    answer = sender.post("/fhir/Provenance", json=signed_by(clinic, "okafor"))
    if rule:
        refused(answer, rule)
    else:
        assert answer.status_code == 201, answer.text


def test_the_ledger_is_the_same_when_vials_need_receipts_from_now_on(app: Flask, clinic: Clinic) -> None:
    clinic.add("spare", clinic.vial())
    clinic.add("draw", clinic.draw("spare", 50))
    service = app.extensions["infusion_records"]
    stricter = replace(service, settings=service.settings.with_values(vial_opening="receipt"))
    assert rebuild.check(stricter) == (3, [])


def test_a_witness_who_is_only_named_is_a_finding(clinic: Clinic) -> None:
    clinic.add("waste", clinic.entry("waste", "vial", 5))

    def findings() -> list[str]:
        parameters = clinic.client.get("/fhir/$cs-reconcile").json["parameter"]
        rows = [{part["name"]: part for part in one["part"]} for one in parameters if one["name"] == "row"]
        return [row["finding"]["valueString"] for row in rows if row["record"]["valueReference"]["reference"] == clinic.places["waste"]]

    assert findings() == ["witness has not signed"]
    clinic.add("signed", signed_by(clinic, "okafor"))
    assert findings() == []


def test_nothing_comes_into_being_by_an_adjustment(app: Flask, clinic: Clinic) -> None:
    clinic.add("draw", clinic.draw("vial", 50))
    refused(clinic.post(clinic.entry("adjust", "vial", 500, 90, **clinic.of_draw("draw"))), "cs-01")
    over = clinic.entry("adjust", "vial", 5, 90)
    refused(clinic.post({**over, "performer": over["performer"][:1]}), "cs-02")
    clinic.add("over", over)
    assert told(app)[-1] == ("adjusted", 5_000)
