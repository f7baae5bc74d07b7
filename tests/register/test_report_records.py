"""Reports of what the record says beside the ledger: amendments, signatures, inventories, discrepancies, reviews. Recorded over the API."""

import copy
from datetime import datetime
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from tests.register import visit
from tests.register.visit import COUNT, DRAW, GIVEN, NURSE, PATIENT, RECEIPT, SAFE, VIAL, VISIT, WASTE, WITNESS, Chart

CLINIC = "https://clinic.example/fhir/CodeSystem/ketamine-clinic"
FHIR = "application/fhir+json"
CHECKLIST = "https://clinic.example/fhir/Questionnaire/pre-infusion-checklist|1.0"


def rows(client: FlaskClient, asked: str) -> list[dict[str, Any]]:
    """The rows of a report, by column; references as their text."""
    answer = client.get(f"/fhir/${asked}", headers={"Accept": FHIR})
    assert answer.status_code == 200, answer.text
    found = [one["part"] for one in answer.get_json()["parameter"] if one["name"] == "row"]
    return [{part["name"]: _value(part) for part in parts} for parts in found]


def _value(part: dict[str, Any]) -> Any:
    value = next((value for name, value in part.items() if name.startswith("value")), None)
    return value["reference"] if isinstance(value, dict) else value


def posted(client: FlaskClient, tree: visit.Tree) -> list[str]:
    """The visit, recorded as one transaction: where its entries are."""
    return visit.places(visit.process(client, tree))


def test_a_receipt_names_the_supplier_and_who_received_it(client: FlaskClient) -> None:
    places = posted(client, visit.lately())
    [row] = rows(client, "cs-receipts")
    assert {name: row[name] for name in ("supplier", "supplier-address", "supplier-dea", "invoice", "received-by", "second-receiver")} == {
        "supplier": "Example Pharmaceutical Wholesale",
        "supplier-address": "500 Depot Rd, Ontario, CA, 91761, US",
        "supplier-dea": "RE1234563",
        "invoice": "INV-77120",
        "received-by": "Morgan Chen RN",
        "second-receiver": "Sam Okafor RN",
    }
    assert row["record"] == places[RECEIPT]


def test_a_waste_has_its_reason_its_method_and_both_signatures(client: FlaskClient) -> None:
    tree = visit.lately()
    places = posted(client, tree)
    [row] = rows(client, "cs-waste")
    signed = [one["resource"]["signature"] for one in tree["entry"] if one["resource"]["resourceType"] == "Provenance"]
    [whens] = [[each["when"] for each in found] for found in signed if len(found) == 2]
    assert [_moment(row["signed"]), _moment(row["witness-signed"])] == [_moment(when) for when in whens]
    assert (row["reason"], row["method"]) == (
        "Remainder of prepared syringe after infusion",
        "Chemical sequestration container, non-retrievable",
    )
    assert (row["record"], row["draw"], row["visit"], row["amount"]) == (places[WASTE], places[DRAW], places[VISIT], 17.8)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_an_amendment_tells_old_and_new_who_and_why_and_which_lines(app: Flask, client: FlaskClient) -> None:
    chart = Chart.on(app)
    chart.begin(DRAW, RECEIPT)
    chart.done(RECEIPT)
    chart.done(DRAW)
    quantity = {**chart.resource(DRAW)["quantity"], "value": 52}
    assert chart.amend(DRAW, chart.why(DRAW), quantity=quantity).status_code == 200
    told = rows(client, "cs-amendments")
    [row] = [one for one in told if one["element"] == "quantity.value"]
    assert (row["old"], row["new"], row["version"], row["record"]) == ("50", "52", 2, chart.place(DRAW))
    assert (row["who"], row["why"], row["signed"]) == ("Morgan Chen RN", "Read from the wrong mark", True)
    numbers = {one.number: one for one in visit.lines(app)}
    gone, fresh = (int(text) for text in row["lines"].split(" -> "))
    assert (numbers[gone].amount_ug, numbers[fresh].amount_ug) == (50_000, 52_000)
    assert {one["record"] for one in told} == {chart.place(DRAW)}
    assert rows(client, "cs-amendments?end=2020-01-01&start=2019-01-01") == []
    vial = chart.place(VIAL)
    assert rows(client, f"cs-amendments?vial={vial}") == told
    assert rows(client, "cs-amendments?lot=another") == []
    assert rows(client, f"cs-amendments?performer={chart.place(NURSE)}") == told
    assert rows(client, f"cs-amendments?performer={chart.place(WITNESS)}") == []


def test_what_is_still_going_on_is_not_amended(app: Flask, client: FlaskClient) -> None:
    posted(client, visit.lately())
    assert rows(client, "cs-amendments") == []


def test_a_count_that_differs_stands_with_its_discrepancy_its_task_and_the_day(client: FlaskClient) -> None:
    places = posted(client, visit.altered(visit.lately(), COUNT, "valueQuantity.value", 440))
    [row] = rows(client, "cs-reconcile")
    assert (row["finding"], row["expected"], row["found"], row["difference"]) == ("count differs", 450, 440, -10)
    assert row["record"] == places[COUNT]
    issue = client.get(f"/fhir/{row['discrepancy']}").get_json()
    task = client.get(f"/fhir/{row['task']}").get_json()
    assert places[COUNT] in {one["reference"] for one in issue["implicated"]}
    assert task["focus"]["reference"] == row["discrepancy"]
    assert task["restriction"]["period"]["end"].startswith(row["due"])
    done = {**task, "status": "completed"}
    assert client.put(f"/fhir/{row['task']}", json=done, content_type=FHIR).status_code == 200
    assert "task" not in rows(client, "cs-reconcile")[0]


def test_a_discrepancy_is_told_long_after_its_period_until_it_is_explained(client: FlaskClient) -> None:
    posted(client, visit.altered(visit.lately(), COUNT, "valueQuantity.value", 440))
    later = "cs-reconcile?start=2990-01-01&end=2990-12-31"
    found = [one for one in rows(client, later) if one["finding"] == "open discrepancy"]
    assert len(found) == 1
    issue = client.get(f"/fhir/{found[0]['discrepancy']}").get_json()
    explained = {**issue, "mitigation": [{"action": {"text": "The scale was off"}}]}
    answer = client.put(f"/fhir/{found[0]['discrepancy']}", json=explained, content_type=FHIR)
    assert answer.status_code == 200, answer.text
    assert [one for one in rows(client, later) if one["finding"] == "open discrepancy"] == []


def test_a_draw_that_is_in_use_is_nothing_to_reconcile(app: Flask, client: FlaskClient) -> None:
    chart = Chart.on(app)
    chart.begin(DRAW, RECEIPT)
    chart.done(RECEIPT)
    chart.done(DRAW)
    assert rows(client, "cs-reconcile") == []
    [row] = rows(client, "cs-inventory?asOf=2990-01-01")
    assert (row["syringes"], row["in-syringes"], row["amount"]) == (1, 50, 500)


def test_an_inventory_has_its_counts_and_its_circumstances(client: FlaskClient) -> None:
    tree = visit.lately()
    places = posted(client, tree)
    taken = tree["entry"][COUNT]["resource"]["effectiveDateTime"]
    circumstances = [{"url": "moment", "valueCode": "inventory-close"}, {"url": "kind", "valueCode": "inventory-biennial"}]
    inventory = {
        "resourceType": "List",
        "meta": {"tag": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "CTLSUB"}]},
        "extension": [
            {"url": "https://clinic.example/fhir/StructureDefinition/inventory-circumstances", "extension": circumstances},
        ],
        "status": "current",
        "mode": "snapshot",
        "code": {"coding": [{"system": CLINIC, "code": "cs-inventory"}]},
        "subject": {"reference": places[SAFE]},
        "date": taken,
        "source": {"reference": places[NURSE]},
        "entry": [{"item": {"reference": places[COUNT]}}],
    }
    answer = client.post("/fhir/List", json=inventory, content_type=FHIR)
    assert answer.status_code == 201, answer.text
    [row] = rows(client, "cs-inventory")
    assert {name: row.get(name) for name in ("kind", "moment", "place", "taker", "amount", "container-volume", "containers", "record")} == {
        "kind": "biennial",
        "moment": "close of business",
        "place": "Controlled-substance safe 1",
        "taker": "Morgan Chen RN",
        "amount": 450,
        "container-volume": 10,
        "containers": 1,
        "record": places[COUNT],
    }
    assert rows(client, "cs-inventory?lot=another") == []
    empty = {**inventory, "entry": None, "emptyReason": {"text": "nothing on hand"}}
    answer = client.post("/fhir/List", json={name: value for name, value in empty.items() if value}, content_type=FHIR)
    assert answer.status_code == 201, answer.text
    assert [(one["substance"], one["amount"]) for one in rows(client, "cs-inventory")] == [("ketamine", 450), ("none on hand", 0)]


def test_a_review_of_prescriptions_stands_before_the_treatment_or_is_missing(client: FlaskClient) -> None:
    tree = visit.lately()
    places = posted(client, tree)
    [row] = rows(client, "cs-pdmp-evidence")
    [number] = [place for place, one in enumerate(tree["entry"]) if one["resource"].get("questionnaire") == CHECKLIST]
    assert (row["state"], row["unchecked"], row["days-before"], row["checklist"]) == ("reviewed", 0, 0, places[number])
    assert (row["patient"], row["prescriber"], row["checked-by"]) == ("Jordan Sample", "Alex Rivera MD", "Morgan Chen RN")


def test_a_checklist_that_says_no_is_no_review(client: FlaskClient) -> None:
    tree = copy.deepcopy(visit.lately())
    [checklist] = [one["resource"] for one in tree["entry"] if one["resource"].get("questionnaire") == CHECKLIST]
    [item] = [one for one in checklist["item"] if one["linkId"] == "cures"]
    item["answer"] = [{"valueBoolean": False}]
    places = posted(client, tree)
    [row] = rows(client, "cs-pdmp-evidence")
    assert (row["state"], row["unchecked"]) == ("review missing", 1)
    assert not row.get("last-check")
    assert rows(client, f"cs-pdmp-evidence?patient={places[PATIENT]}") == [row]
    assert rows(client, "cs-pdmp-evidence?patient=nobody") == []


def test_a_recall_finds_who_was_given_of_the_lot(client: FlaskClient) -> None:
    tree = visit.lately()
    patient = tree["entry"][PATIENT]["resource"]
    patient["telecom"] = [{"system": "phone", "value": "555-0100"}, {"system": "email", "value": "old@example.org", "use": "old"}]
    places = posted(client, tree)
    [row] = rows(client, "cs-lot-recall?lot=KET24A117")
    assert (row["patient"], row["contact"], row["address"]) == ("Jordan Sample", "555-0100", "12 Sample St, Los Angeles, CA, 90002, US")
    assert (row["draw"], row["visit"], row["reference"]) == (places[DRAW], places[VISIT], places[PATIENT])
    assert (row["given"], row["wasted"], row["remaining"]) == (32.2, 17.8, 450)
    assert places[GIVEN].startswith("MedicationAdministration/")
