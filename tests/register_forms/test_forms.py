"""Each form of the register does what it says: resources of the profiles, one line in the ledger, and the page of it with the balance."""

import json
from dataclasses import replace
from typing import Any

import pytest

from service.errors import Unprocessable
from service.records import sessions
from service.records.commit import commit
from service.records.context import Context, Service
from service.records.entering import movement
from service.records.entering.elements import Occasion, Signers
from service.records.entering.movement import Movement
from service.records.read import read
from service.storage import people as accounts
from tests.access import TESTS
from tests.people.clinic import Browser, events
from tests.register_forms.world import DELIVERED, SIGNED, WASTED, WHEN, drawn, fill, lines, made, received, told


def _tree(service: Service, reference: str) -> dict[str, Any]:
    type, _, id = reference.partition("/")
    tree: dict[str, Any] = json.loads(read(Context(service, TESTS), type, id).text or "{}")
    return tree


def _provenances(service: Service) -> list[dict[str, Any]]:
    """Every Provenance that was written, the oldest first."""
    named = [
        entity["what"]["reference"]
        for event in events(service)
        for entity in event.get("entity", ())
        if event["action"] == "C" and entity.get("what", {}).get("reference", "").startswith("Provenance/")
    ]
    return [_tree(service, name.partition("/_history/")[0]) for name in named]


def test_vials_are_received_by_two(clinic: Service, amy: Browser) -> None:
    answer = fill(amy, "receive", **{**DELIVERED, "serials": "V-1\nV-2, V-3"})
    receipts = made(answer)
    assert len(receipts) == 3
    assert lines(clinic) == [("received", 500_000, "Practitioner/amy", "Practitioner/ben")] * 3
    tree = _tree(clinic, receipts[0])
    vial = _tree(clinic, tree["suppliedItem"]["itemReference"]["reference"])
    assert tree["meta"]["profile"] == ["https://clinic.example/fhir/StructureDefinition/controlled-substance-receipt"]
    assert tree["occurrenceDateTime"] == "2026-03-14T07:00:00-07:00"
    assert [one["reference"] for one in tree["receiver"]] == ["Practitioner/amy", "Practitioner/ben"]
    assert (tree["suppliedItem"]["quantity"]["value"], vial["batch"]["expirationDate"]) == (500, "2027-08-31")
    numbers = {_tree(clinic, one)["identifier"][0]["value"] for one in receipts}
    assert len(numbers) == 3
    page = amy.open(answer.headers["Location"]).text
    assert page.count("500 mg") == 6
    assert {"V-1", "V-2", "V-3"} == {serial for serial in ("V-1", "V-2", "V-3") if f">{serial}</a>" in page}
    [signed] = _provenances(clinic)
    assert len(signed["target"]) == 6


def test_a_draw_is_recorded_with_volume_and_syringe(clinic: Service, amy: Browser) -> None:
    [vial] = received(amy)
    assert "V-1" in amy.open("/register/draw?visit=visit").text
    tree = _tree(clinic, f"MedicationDispense/{drawn(amy, vial)}")
    assert (tree["quantity"]["value"], tree["extension"][0]["valueQuantity"]["value"]) == (50, 1)
    assert tree["performer"] == [{"actor": {"reference": "Practitioner/amy", "display": "Amy Sample"}}]
    assert (tree["subject"]["reference"], tree["context"]["reference"]) == ("Patient/pat", "Encounter/visit")
    assert (tree["location"]["reference"], tree["authorizingPrescription"][0]["reference"]) == (
        "Location/safe-1",
        "MedicationRequest/order",
    )
    assert tree["whenHandedOver"] == "2026-03-14T07:30:00-07:00"
    assert lines(clinic)[1:] == [("drawn", 50_000, "Practitioner/amy", "")]


@pytest.mark.parametrize(
    ("amount", "told"), [("50", "50 mg are 1 mL of 50 mg/mL."), ("36.401", "36.401 mg are about 0.728 mL of 50 mg/mL.")]
)
def test_the_volume_is_worked_out_before_anything_is_drawn(clinic: Service, amy: Browser, amount: str, told: str) -> None:
    [vial] = received(amy)
    page = fill(amy, "draw", "visit=visit", vial=vial, amount=amount, step="volume")
    assert (page.status_code, told in page.text) == (200, True)
    assert f'value="{amount}"' in page.text
    wrong = fill(amy, "draw", "visit=visit", vial=vial, amount="a lot", step="volume")
    assert (wrong.status_code, "State a number of mg" in wrong.text) == (400, True)
    assert len(lines(clinic)) == 1


def test_waste_is_signed_by_both_in_one_commit(clinic: Service, amy: Browser) -> None:
    [vial] = received(amy)
    draw = drawn(amy, vial)
    assert "50 mg left" in amy.open("/register/waste").text
    answer = fill(amy, "waste", f"draw={draw}", **WASTED)
    [waste] = made(answer)
    assert lines(clinic)[-1] == ("wasted", 17_800, "Practitioner/amy", "Practitioner/ben")
    tree = _tree(clinic, waste)
    assert [one["reference"] for one in tree["performer"]] == ["Practitioner/amy", "Practitioner/ben"]
    assert (tree["partOf"], tree["effectiveDateTime"]) == ([{"reference": f"MedicationDispense/{draw}"}], "2026-03-14T07:40:00-07:00")
    signed = _provenances(clinic)[-1]
    assert signed["target"] == [{"reference": f"{waste}/_history/1"}]
    assert [(one["type"]["coding"][0]["code"], one["who"]["reference"]) for one in signed["agent"]] == [
        ("author", "Practitioner/amy"),
        ("WIT", "Practitioner/ben"),
    ]
    assert [(one["type"][0]["code"][-1], one["who"]["reference"], one["when"]) for one in signed["signature"]] == [
        ("1", "Practitioner/amy", signed["recorded"]),
        ("9", "Practitioner/ben", signed["recorded"]),
    ]
    page = amy.open(answer.headers["Location"]).text
    assert "17.8 mg" in page
    assert "450 mg" in page


def test_waste_from_a_vial(clinic: Service, amy: Browser) -> None:
    [vial] = received(amy)
    fields = {name: value for name, value in WASTED.items() if name != "volume"} | {"reason": "expired-open-vial", "amount": "25"}
    [waste] = made(fill(amy, "waste", f"vial={vial}", **fields))
    tree = _tree(clinic, waste)
    assert ("partOf" in tree, tree["subject"]["reference"]) == (False, "Location/safe-1")
    assert tree["component"][0]["valueQuantity"]["value"] == 0.5
    assert lines(clinic)[-1] == ("wasted", 25_000, "Practitioner/amy", "Practitioner/ben")


@pytest.mark.parametrize("witness", ["", "Practitioner/ben"], ids=["alone", "together"])
def test_a_return_goes_back_into_the_vial(clinic: Service, amy: Browser, witness: str) -> None:
    [vial] = received(amy)
    draw = drawn(amy, vial)
    made(fill(amy, "return", f"draw={draw}", amount="50", when=WHEN, **(SIGNED if witness else {})))
    assert lines(clinic)[-1] == ("returned", 50_000, "Practitioner/amy", witness)
    assert "50 mg left" not in amy.open("/register/return").text
    assert "500 mg" in amy.open(f"/register/transfer?vial={vial}").text


@pytest.mark.parametrize(("amount", "differs"), [("500", False), ("499.5", True), ("0", True)])
def test_a_count_is_blind_and_told_against_the_book_afterwards(clinic: Service, amy: Browser, amount: str, differs: bool) -> None:
    [vial] = received(amy)
    for path in ("/register/count", f"/register/count?vial={vial}"):
        assert "500 mg" not in amy.open(path).text
    answer = fill(amy, "count", f"vial={vial}", amount=amount, method="count-exact", when=WHEN, **SIGNED)
    [count] = made(answer)
    assert _tree(clinic, count)["component"][-1]["valueCodeableConcept"]["coding"][0]["code"] == "count-exact"
    page = amy.open(answer.headers["Location"]).text
    assert ('<span class="tag">differs</span>' in page, "A discrepancy is open" in page) == (differs, differs)
    assert "500 mg" in page


def test_a_refused_count_tells_nothing_of_the_book(amy: Browser) -> None:
    [vial] = received(amy)
    answer = fill(amy, "count", f"vial={vial}", amount="x", method="count-exact", when=WHEN, **SIGNED)
    assert (answer.status_code, "500 mg" in answer.text) == (400, False)
    assert "500 mg" not in fill(amy, "count", f"vial={vial}", amount="100", step="volume").text


def test_a_vial_moves_whole_to_another_safe(clinic: Service, amy: Browser) -> None:
    [vial] = received(amy)
    page = amy.open(f"/register/transfer?vial={vial}").text
    assert "Location/safe-2" in page
    assert "Location/safe-south" not in page
    assert '<option value="Location/safe-1"' not in page
    [move] = made(fill(amy, "transfer", f"vial={vial}", safe="Location/safe-2", when=WHEN))
    assert lines(clinic)[-1] == ("transferred", 500_000, "Practitioner/amy", "")
    assert "From" in amy.open(f"/register/transfer?vial={vial}").text
    assert '<option value="Location/safe-2"' not in amy.open(f"/register/transfer?vial={vial}").text
    assert _tree(clinic, move)["subject"]["reference"] == "Location/safe-1"


def test_a_late_record_says_why(clinic: Service, amy: Browser) -> None:
    early = {**DELIVERED, "when": "2026-03-12T07:00:00"}
    answer = fill(amy, "receive", **early)
    assert (answer.status_code, "State why it is written down late" in told(answer)) == (400, True)
    [receipt] = made(fill(amy, "receive", **early, late="The delivery was found on Saturday."))
    assert _tree(clinic, receipt)["extension"][0]["valueString"] == "The delivery was found on Saturday."
    assert "late" in amy.open(f"/register/recorded?of={receipt}").text


def test_a_warning_is_told_with_what_was_recorded(amy: Browser) -> None:
    [vial] = received(amy)
    answer = fill(amy, "waste", f"vial={vial}", **{**WASTED, "volume": "", "name": "una"})
    where = answer.headers["Location"]
    page = amy.open(where).text
    assert ("The licence of Practitioner/una has no period" in page, "(extensible-binding)" in page) == (True, False)
    assert "has no period" not in amy.open(where.replace("form=waste", "form=count")).text
    assert "has no period" not in amy.open(f"/register/recorded?of={made(answer)[0]}").text


def test_the_whole_visit_is_in_the_trail(clinic: Service, amy: Browser) -> None:
    [vial] = received(amy)
    draw = drawn(amy, vial)
    fill(amy, "waste", f"draw={draw}", **WASTED)
    created = [
        entity["what"]["reference"].partition("/")[0]
        for event in events(clinic)
        for entity in event.get("entity", ())
        if event["action"] == "C"
        and "Practitioner/amy" in json.dumps(event["agent"])
        and "/_history/1" in entity.get("what", {}).get("reference", "")
    ]
    assert created == ["Medication", "SupplyDelivery", "Provenance", "MedicationDispense", "Medication", "Observation", "Provenance"]
    looked = [event for event in events(clinic) if "Patient/pat" in json.dumps(event.get("entity", ()))]
    assert len(looked) >= 3


@pytest.mark.parametrize(("name", "is_refused"), [("amy", False), ("ben", True)])
def test_through_the_api_too_a_person_writes_in_the_own_name(clinic: Service, amy: Browser, name: str, is_refused: bool) -> None:
    [vial] = received(amy)
    with clinic.database.glance() as tx:
        person = accounts.find(tx, "amy")
    assert person is not None
    caller = sessions.beside(clinic, person)
    occasion = Occasion(
        "L-API", "2026-03-14T07:40:00-07:00", clinic.clock(), "", Signers(replace(caller, user=f"Practitioner/{name}"), None)
    )
    changes = movement.changes(Movement(movement.RETURN, f"Medication/{vial}", "Location/safe-1", 1_000), occasion)
    with pytest.raises(Unprocessable) as refused:
        commit(Context(clinic, caller), changes)
    assert ("cs-13" in {issue.rule for issue in refused.value.issues}) == is_refused
