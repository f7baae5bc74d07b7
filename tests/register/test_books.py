"""Vials and their books, through the API: what posts, what balances, what is refused, what is moved back."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.ledger.book import chained
from service.ledger.entry import Entry
from service.records.register import rebuild
from service.storage import ledger
from tests.register.stock import Clinic, quantity, rules


@pytest.fixture
def clinic(client: FlaskClient) -> Clinic:
    return Clinic.opened(client)


def lines(app: Flask) -> list[Entry]:
    """All lines, by number."""
    with app.extensions["infusion_records"].database.read() as tx:
        return sorted((Entry(*tuple(row)) for row in ledger.lines(tx, ledger.Asked())), key=lambda line: (line.vial, line.number))


def told(app: Flask) -> list[tuple[str, int, int]]:
    """(kind, amount, number of what it moves back) of each line."""
    return [(line.kind, line.amount_ug, line.reverses) for line in lines(app)]


def held(app: Flask) -> list[int]:
    with app.extensions["infusion_records"].database.read() as tx:
        return [one.remaining_ug for one in ledger.known(tx)]


def same(app: Flask) -> None:
    """The ledger is what the record says, and its chains hold."""
    by_vial: dict[str, list[Entry]] = {}
    for line in lines(app):
        by_vial.setdefault(line.vial, []).append(line)
    assert by_vial
    assert all(chained(one) for one in by_vial.values())
    count, found = rebuild.check(app.extensions["infusion_records"])
    assert found == []
    assert count == len(lines(app))


def stocked(clinic: Clinic) -> None:
    clinic.add("vial", clinic.vial())
    clinic.add("receipt", clinic.receipt("vial"))


def discrepancies(clinic: Clinic) -> list[Any]:
    found = clinic.client.get("/fhir/DetectedIssue?code=cs-discrepancy&_sort=_id").json
    return [entry["resource"] for entry in found.get("entry", ())]


def test_a_draw_is_given_wasted_and_returned(app: Flask, clinic: Clinic) -> None:
    stocked(clinic)
    clinic.add("draw", clinic.draw("vial", 50))
    clinic.add("given", clinic.given("vial", ["draw"], 32.2))
    clinic.add("waste", clinic.entry("waste", "vial", 7.8, **clinic.of_draw("draw")))
    clinic.add("return", clinic.entry("return", "vial", 10, 81, **clinic.of_draw("draw")))
    assert [kind for kind, *_ in told(app)] == ["received", "drawn", "given", "wasted", "returned"]
    assert held(app) == [460_000]
    same(app)


def test_no_more_comes_out_than_is_in(app: Flask, clinic: Clinic) -> None:
    stocked(clinic)
    assert rules(clinic.post(clinic.draw("vial", 500.001))) == {"cs-05"}
    clinic.add("draw", clinic.draw("vial", 500))
    assert rules(clinic.post(clinic.draw("vial", 0.001))) == {"cs-05"}
    assert "cs-01" in rules(clinic.post(clinic.given("vial", ["draw"], 503)))
    assert held(app) == [0]
    same(app)


def test_an_amount_that_nobody_can_account_for_is_refused(clinic: Clinic) -> None:
    stocked(clinic)
    for amount in (0.0001, 0, -1, 10**40):
        assert rules(clinic.post(clinic.draw("vial", amount))) & {"cs-02"}, amount


def test_a_late_entry_may_not_empty_an_earlier_instant(app: Flask, clinic: Clinic) -> None:
    """By commits there is enough, by events there was not."""
    clinic.add("vial", clinic.vial())
    clinic.add("receipt", clinic.receipt("vial", 500, 60))
    assert rules(clinic.post(clinic.draw("vial", 50, 59))) == {"cs-05"}
    clinic.add("draw", clinic.draw("vial", 50, 61))
    assert held(app) == [450_000]


def test_a_vial_without_a_receipt_is_opened_at_its_label_until_the_receipt_comes(app: Flask, clinic: Clinic) -> None:
    clinic.add("vial", clinic.vial())
    answer = clinic.add("draw", clinic.draw("vial", 50))
    assert answer.status_code == 201
    assert told(app) == [("opened", 500_000, 0), ("drawn", 50_000, 0)]
    assert lines(app)[0].flags == "unreceived"
    assert [one["implicated"][0]["reference"] for one in discrepancies(clinic)] == [clinic.places["vial"]]
    clinic.add("receipt", clinic.receipt("vial", 500, 10))
    assert told(app)[2:] == [("received", 500_000, 0), ("opened", 500_000, 1)]
    assert held(app) == [450_000]
    assert [bool(one.get("mitigation")) for one in discrepancies(clinic)] == [True]
    assert rules(clinic.post(clinic.receipt("vial"))) == {"cs-02"}
    same(app)


def test_a_count_that_differs_is_taken_and_found_out(app: Flask, clinic: Clinic) -> None:
    stocked(clinic)
    clinic.add("count", clinic.entry("count", "vial", 450, 90))
    (issue,) = discrepancies(clinic)
    assert issue["implicated"][0]["reference"] == clinic.places["count"]
    (task,) = [one["resource"] for one in clinic.client.get("/fhir/Task").json["entry"]]
    assert task["focus"]["reference"] == f"DetectedIssue/{issue['id']}"
    assert task["restriction"]["period"]["end"] > task["authoredOn"]
    clinic.add("draw", clinic.draw("vial", 50, 80))
    (explained,) = discrepancies(clinic)
    assert explained["mitigation"][0]["action"]["text"].startswith(clinic.places["count"])
    assert clinic.client.get(f"/fhir/Task/{task['id']}").json["status"] == "completed"
    same(app)


def test_a_count_is_judged_again_when_an_earlier_entry_comes_late(clinic: Clinic) -> None:
    stocked(clinic)
    clinic.add("count", clinic.entry("count", "vial", 500, 90))
    assert discrepancies(clinic) == []
    clinic.add("draw", clinic.draw("vial", 50, 80))
    assert [one["implicated"][0]["reference"] for one in discrepancies(clinic)] == [clinic.places["count"]]


def test_who_explains_a_difference_may_settle_the_discrepancy_in_the_same_commit(clinic: Clinic) -> None:
    stocked(clinic)
    clinic.add("count", clinic.entry("count", "vial", 450, 90))
    (issue,) = discrepancies(clinic)
    settled = {**issue, "status": "amended", "mitigation": [{"action": {"text": "The draw was found"}}]}
    place = f"DetectedIssue/{issue['id']}"
    entries = [
        {"resource": clinic.draw("vial", 50, 80), "request": {"method": "POST", "url": "MedicationDispense"}},
        {"resource": settled, "request": {"method": "PUT", "url": place}},
    ]
    answer = clinic.client.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert answer.status_code == 200, answer.json
    assert clinic.client.get(f"/fhir/{place}").json["mitigation"] == settled["mitigation"]


def test_one_discrepancy_about_two_counts_is_explained_once(clinic: Clinic) -> None:
    for vial in ("one", "two"):
        clinic.add(vial, clinic.vial())
        clinic.add(f"{vial}-receipt", clinic.receipt(vial))
        clinic.add(f"{vial}-count", clinic.entry("count", vial, 450, 90))
    about = [clinic.to("one-count"), clinic.to("two-count")]
    first = discrepancies(clinic)[0]
    both = {"resourceType": "DetectedIssue", "status": "final", "code": first["code"], "implicated": about}
    clinic.add("both", both)
    answer = clinic.transaction(a=clinic.draw("one", 50, 80), b=clinic.draw("two", 50, 80))
    assert answer.status_code == 200, answer.json
    assert all(one.get("mitigation") for one in discrepancies(clinic))


def test_a_correction_moves_back_and_posts_anew(app: Flask, clinic: Clinic) -> None:
    stocked(clinic)
    clinic.add("draw", clinic.draw("vial", 50))
    answer = clinic.amend("draw", quantity=quantity(60))
    assert answer.status_code == 200, answer.json
    assert told(app) == [("received", 500_000, 0), ("drawn", 50_000, 0), ("drawn", 50_000, 2), ("drawn", 60_000, 0)]
    assert [line.flags for line in lines(app)] == ["", "", "", "amended"]
    assert held(app) == [440_000]
    assert clinic.amend("draw", status="entered-in-error").status_code == 200
    assert held(app) == [500_000]
    same(app)


def test_a_draw_cannot_be_taken_back_from_under_its_dose(clinic: Clinic) -> None:
    stocked(clinic)
    clinic.add("draw", clinic.draw("vial", 50))
    clinic.add("given", clinic.given("vial", ["draw"], 50))
    assert "cs-01" in rules(clinic.amend("draw", quantity=quantity(40)))


def test_what_is_deleted_elsewhere_is_kept_here(clinic: Clinic) -> None:
    stocked(clinic)
    clinic.add("draw", clinic.draw("vial", 50))
    for name in ("draw", "receipt", "vial"):
        answer = clinic.client.delete(f"/fhir/{clinic.places[name]}")
        assert (answer.status_code, rules(answer)) == (405, {"cs-31"}), name


def test_a_vial_moves_whole(app: Flask, clinic: Clinic) -> None:
    stocked(clinic)
    assert rules(clinic.post(clinic.entry("transfer", "vial", 100, **clinic.to_safe("other-safe")))) == {"cs-02"}
    clinic.add("transfer", clinic.entry("transfer", "vial", 500, **clinic.to_safe("other-safe")))
    assert rules(clinic.post(clinic.draw("vial", 50, 90))) == {"cs-05"}
    clinic.add("draw", clinic.draw("vial", 50, 90, safe="other-safe"))
    assert held(app) == [450_000]
    same(app)


def test_the_rest_of_what_can_become_of_a_vial(app: Flask, clinic: Clinic) -> None:
    stocked(clinic)
    note = {"note": [{"text": "What happened"}]}
    clinic.add("over", clinic.entry("adjust", "vial", 5, 70, **note))
    clinic.add("under", clinic.entry("adjust", "vial", -1, 71, **note))
    clinic.add("broken", clinic.entry("broken", "vial", 4, 72, **note))
    clinic.add("loss", clinic.entry("loss", "vial", 100, 73, **note))
    clinic.add("waste", clinic.entry("waste", "vial", 1, 74))
    clinic.add("destroyed", clinic.entry("destroyed", "vial", 399, 75))
    assert held(app) == [0]
    same(app)


def test_one_dose_out_of_two_draws(app: Flask, clinic: Clinic) -> None:
    """What is given is taken from the draws in their order, to the microgram."""
    for vial in ("one", "two"):
        clinic.add(vial, clinic.vial())
        clinic.add(f"{vial}-receipt", clinic.receipt(vial))
        clinic.add(f"{vial}-draw", clinic.draw(vial, 50))
    fifty = {"numerator": quantity(50), "denominator": quantity(25, "mL")}
    parts = [{"itemReference": clinic.to(vial), "strength": fifty} for vial in ("one", "two")]
    whole = {"numerator": quantity(50, "mL"), "denominator": quantity(1, "1")}
    clinic.add("syringe", clinic.vial(amount=whole, ingredient=parts))
    clinic.add("given", clinic.given("syringe", ["one-draw", "two-draw"], 70.5))
    assert sorted(line.amount_ug for line in lines(app) if line.kind == "given") == [20_500, 50_000]
    same(app)


def test_a_number_is_given_once(clinic: Clinic) -> None:
    stocked(clinic)
    draw = clinic.draw("vial", 1)
    clinic.add("draw", draw)
    again = clinic.post(draw)
    assert (again.status_code, rules(again)) == (422, {"cs-33"})
    assert clinic.places["draw"] in again.json["issue"][0]["diagnostics"]
    second = clinic.vial(identifier=clinic.client.get(f"/fhir/{clinic.places['vial']}").json["identifier"])
    assert rules(clinic.post(second)) == {"cs-33"}


def test_a_controlled_record_is_marked(clinic: Clinic) -> None:
    stocked(clinic)
    untagged = {name: value for name, value in clinic.draw("vial", 1).items() if name != "meta"}
    assert rules(clinic.post(untagged)) == {"cs-tag"}


def test_a_whole_visit_posts_at_once(app: Flask, clinic: Clinic) -> None:
    """Both sides of a transaction are judged together: vial, receipt, draw, dose and waste are one commit."""
    refer = {name: f"urn:uuid:{name}" for name in ("vial", "draw")}
    clinic.places |= refer
    answer = clinic.transaction(
        vial=clinic.vial(),
        receipt=clinic.receipt("vial"),
        draw=clinic.draw("vial", 50),
        given=clinic.given("vial", ["draw"], 45),
        waste=clinic.entry("waste", "vial", 5, **clinic.of_draw("draw")),
    )
    assert answer.status_code == 200, answer.json
    assert [kind for kind, *_ in told(app)] == ["received", "drawn", "given", "wasted"]
    same(app)


def test_a_visit_at_which_nothing_was_given_ends_without_more(clinic: Clinic) -> None:
    """An administration that was not done asks for no escort; one draw does, and more."""
    stocked(clinic)
    refused = {name: value for name, value in clinic.given("vial", [], 10, status="not-done").items() if name != "supportingInformation"}
    clinic.add("refused", refused)
    place = clinic.places["visit"]
    ended = {**clinic.client.get(f"/fhir/{place}").json, "status": "finished"}
    assert clinic.client.put(f"/fhir/{place}", json=ended).status_code == 200


def test_a_visit_with_a_draw_does_not_end_open(clinic: Clinic) -> None:
    stocked(clinic)
    clinic.add("draw", clinic.draw("vial", 50))
    place = clinic.places["visit"]
    refused = clinic.client.put(f"/fhir/{place}", json={**clinic.client.get(f"/fhir/{place}").json, "status": "finished"})
    assert (refused.status_code, rules(refused)) == (422, {"cs-24"})
