"""What a form refuses: beside the field, with everything that was typed but passwords, and nothing is written."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import text

from service.records.context import Service
from service.security import lockout
from tests.people.clinic import PASSWORD, Browser, Hand, with_codes
from tests.people.clinic import told as told_of
from tests.register_forms.world import DELIVERED, SIGNED, WASTED, WHEN, drawn, fill, lines, made, received, told, wrong

BAD_AMOUNTS = ("NaN", "1e400", "-1", "ten", "", "0", "17,8", "0.0001", "Infinity", "9" * 30)
BAD_RECEIPTS = (
    *(("supplier", "Organization/north"), ("supplier", ""), ("invoice", ""), ("invoice", "x" * 65), ("safe", "Location/safe-south")),
    *(("substance", "9999"), ("volume", ""), ("volume", "-1"), ("ndc", "67457-001-10"), ("lot", ""), ("lot", "<b>"), ("expires", "soon")),
    *(("expires", "2026-03-01"), ("serials", ""), ("serials", "V-1 V-1"), ("serials", "<script>"), ("serials", "V " * 26)),
    *(("when", ""), ("when", "2026-02-30T07:00"), ("when", "yesterday"), ("late", "x" * 301)),
)


def test_bad_amounts_are_refused_beside_the_field(clinic: Service, amy: Browser) -> None:
    [vial] = received(amy)
    draw = drawn(amy, vial)
    before = lines(clinic)
    drawing = {"vial": vial, "order": "MedicationRequest/order", "when": WHEN}
    forms: dict[str, tuple[str, dict[str, str], str]] = {
        "draw": ("visit=visit", drawing, "amount"),
        "waste": (f"draw={draw}", WASTED, "amount"),
        "return": (f"draw={draw}", {"when": WHEN}, "amount"),
        "receive": ("", {**DELIVERED, "serials": "V-9"}, "strength"),
    }
    for form, (about, typed, field) in forms.items():
        fields = amy.fields(f"/register/{form}?{about}")
        for amount in BAD_AMOUNTS:
            answer = amy.send(f"/register/{form}", {**fields, **typed, field: amount})
            assert (answer.status_code, list(wrong(answer))) == (400, [field]), (form, amount)
    assert lines(clinic) == before


def test_a_receipt_is_refused_beside_the_field(clinic: Service, amy: Browser) -> None:
    fields = {**amy.fields("/register/receive"), **DELIVERED}
    for field, value in BAD_RECEIPTS:
        answer = amy.send("/register/receive", {**fields, field: value})
        assert (answer.status_code, list(wrong(answer))) == (400, [field]), (field, value)
        assert "<script" not in answer.text
        assert "INV-1" in answer.text or field == "invoice"
    assert lines(clinic) == []


def test_everything_wrong_is_told_at_once_and_kept(amy: Browser) -> None:
    answer = fill(amy, "receive", **{**DELIVERED, "strength": "much", "lot": "", "serials": "V-1 V-1"})
    assert wrong(answer).keys() == {"strength", "lot", "serials"}
    assert 'value="much"' in answer.text
    assert 'aria-invalid="true" aria-describedby="wrong-strength-1 "' in answer.text
    assert '<option value="Location/safe-1" selected>' in answer.text
    assert PASSWORD not in answer.text


def test_more_than_the_vial_holds_is_refused_by_its_rule(clinic: Service, amy: Browser) -> None:
    [vial] = received(amy)
    answer = fill(amy, "draw", "visit=visit", vial=vial, order="MedicationRequest/order", amount="500.001", when=WHEN)
    assert (answer.status_code, "(cs-05)" in wrong(answer)["amount"]) == (422, True)
    assert 'value="500.001"' in answer.text
    assert len(lines(clinic)) == 1


def test_more_than_the_syringe_holds_is_refused_by_its_rule(clinic: Service, amy: Browser) -> None:
    [vial] = received(amy)
    draw = drawn(amy, vial)
    answer = fill(amy, "waste", f"draw={draw}", **{**WASTED, "amount": "51", "volume": ""})
    assert (answer.status_code, "cs-0" in told(answer)) == (422, True)
    assert len(lines(clinic)) == 2


def test_what_contradicts_itself_is_refused_beside_the_volume(amy: Browser) -> None:
    [vial] = received(amy)
    draw = drawn(amy, vial)
    answer = fill(amy, "waste", f"draw={draw}", **{**WASTED, "volume": "3"})
    assert (answer.status_code, "(cs-04)" in wrong(answer)["volume"]) == (422, True)


def test_the_future_is_refused_beside_the_time(amy: Browser) -> None:
    answer = fill(amy, "receive", **{**DELIVERED, "when": "2026-03-14T09:00:00"})
    assert (answer.status_code, "(cs-20)" in wrong(answer)["when"]) == (422, True)


def test_a_witness_without_a_licence_is_refused_beside_the_name(clinic: Service, amy: Browser) -> None:
    [vial] = received(amy)
    answer = fill(amy, "waste", f"draw={drawn(amy, vial)}", **{**WASTED, "name": "leo"})
    assert (answer.status_code, "(cs-10)" in wrong(answer)["name"]) == (422, True)
    assert len(lines(clinic)) == 2


@pytest.mark.parametrize("name", ["amy", " AMY "])
def test_nobody_witnesses_alone(clinic: Service, amy: Browser, name: str) -> None:
    [vial] = received(amy)
    answer = fill(amy, "waste", f"draw={drawn(amy, vial)}", **{**WASTED, "name": name})
    assert (answer.status_code, "must be another one" in wrong(answer)["name"]) == (403, True)
    assert len(lines(clinic)) == 2


@pytest.mark.parametrize("typed", [{"password": "wrong password"}, {"name": "nobody"}, {"name": ""}, {"password": ""}], ids=str)
def test_who_is_not_believed_witnesses_nothing(clinic: Service, amy: Browser, typed: dict[str, str]) -> None:
    [vial] = received(amy)
    answer = fill(amy, "waste", f"draw={drawn(amy, vial)}", **{**WASTED, **typed})
    assert (answer.status_code, "Name, password or code is wrong" in wrong(answer)["name"]) == (403, True)
    assert 'value="17.8"' in answer.text
    assert "wrong password" not in answer.text
    assert len(lines(clinic)) == 2


def test_a_witness_of_another_clinic_may_not_see_it(clinic: Service, amy: Browser) -> None:
    [vial] = received(amy)
    answer = fill(amy, "waste", f"draw={drawn(amy, vial)}", **{**WASTED, "name": "sue"})
    assert (answer.status_code, "may not see this" in told(answer)) == (403, True)
    assert len(lines(clinic)) == 2


def test_wrong_passwords_of_a_witness_count_and_lock(site: Flask, clinic: Service, amy: Browser) -> None:
    [vial] = received(amy)
    draw = drawn(amy, vial)
    for _ in range(lockout.FREE_FAILURES + 1):
        fill(amy, "waste", f"draw={draw}", **{**WASTED, "password": "wrong password"})
    assert fill(amy, "waste", f"draw={draw}", **WASTED).status_code == 403
    assert Browser(site).sign_in("ben").status_code == 401
    assert len(lines(clinic)) == 2
    told = [what for outcome, who, what in told_of(clinic, "110122") if who == "Practitioner/ben" and outcome != "0"]
    assert told[0].startswith("witness of waste L-")


def test_the_witness_needs_the_code_and_sends_a_form_twice_with_one(site: Flask, clinic: Service, amy: Browser, hand: Hand) -> None:
    [vial] = received(amy)
    draw = drawn(amy, vial)
    codes = with_codes(Browser(site).signed_in("ben"), hand)
    hand.move(1)
    code = codes.at(hand.now // 1_000_000)
    assert fill(amy, "waste", f"draw={draw}", **WASTED).status_code == 403
    fields = {**amy.fields(f"/register/waste?draw={draw}"), **WASTED, "code": code}
    first, second = amy.send("/register/waste", fields), amy.send("/register/waste", fields)
    assert made(first) == made(second)
    assert len(lines(clinic)) == 3


@pytest.mark.parametrize("form", ["receive", "draw", "waste", "return", "count", "transfer"])
def test_a_form_that_is_sent_twice_counts_once(clinic: Service, amy: Browser, form: str) -> None:
    [vial] = received(amy)
    draw = drawn(amy, vial)
    about, typed = {
        "receive": ("", {**DELIVERED, "serials": "V-2"}),
        "draw": ("visit=visit", {"vial": vial, "order": "MedicationRequest/order", "amount": "10", "when": WHEN}),
        "waste": (f"draw={draw}", WASTED),
        "return": (f"draw={draw}", {"amount": "50", "when": WHEN}),
        "count": (f"vial={vial}", {"amount": "450", "method": "count-estimate", "when": WHEN, **SIGNED}),
        "transfer": (f"vial={vial}", {"safe": "Location/safe-2", "when": WHEN}),
    }[form]
    fields = {**amy.fields(f"/register/{form}?{about}"), **typed}
    first, second = amy.send(f"/register/{form}", fields), amy.send(f"/register/{form}", fields)
    assert made(first) == made(second)
    assert len(lines(clinic)) == 3
    changed = amy.send(f"/register/{form}", {**fields, "when": "2026-03-14T07:41:00"})
    assert (changed.status_code, "This form was recorded before" in told(changed)) == (422, True)
    assert len(lines(clinic)) == 3


def test_a_number_is_given_once_even_when_the_answer_is_forgotten(clinic: Service, amy: Browser) -> None:
    fields = {**amy.fields("/register/receive"), **DELIVERED}
    made(amy.send("/register/receive", fields))
    with clinic.database.write() as tx:
        tx.connection.execute(text("DELETE FROM receipt"))
    answer = amy.send("/register/receive", {**fields, "serials": "V-7"})
    assert (answer.status_code, "cs-33" in told(answer)) == (422, True)
    assert len(lines(clinic)) == 1


def test_a_serial_is_received_once(clinic: Service, amy: Browser) -> None:
    received(amy, "V-1")
    answer = fill(amy, "receive", **{**DELIVERED, "serials": "V-5 V-1"})
    assert (answer.status_code, wrong(answer)["serials"]) == (
        400,
        "There is a vial V-1 already: a vial is received once. Look at the label.",
    )
    assert len(lines(clinic)) == 1


def test_a_form_without_a_session_leads_to_the_sign_in(site: Flask, clinic: Service, amy: Browser) -> None:
    fields = {**amy.fields("/register/receive"), **DELIVERED}
    amy.client.delete_cookie("session")
    answer = amy.send("/register/receive", fields)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in?next=%2Fregister%2Freceive")
    assert lines(clinic) == []


@pytest.mark.parametrize("form", ["receive", "draw", "waste", "return", "count", "transfer"])
def test_a_form_that_is_not_ours_is_refused(clinic: Service, amy: Browser, form: str) -> None:
    [vial] = received(amy)
    about = {"vial": vial, "draw": drawn(amy, vial), "visit": "visit", "number": f"L-{'0' * 26}"}
    token = amy.fields("/register/receive")["form_token"]
    fields = {**(DELIVERED if form == "receive" else WASTED), **about}
    for typed in ({}, {"form_token": "0" * 64}):
        assert amy.send(f"/register/{form}", {**fields, **typed}).status_code == 403
    elsewhere = amy.send(f"/register/{form}", {**fields, "form_token": token}, Origin="https://evil.example")
    assert elsewhere.status_code == 403
    assert len(lines(clinic)) == 2


@pytest.mark.parametrize("name", ["ben", "aud"])
@pytest.mark.parametrize("form", ["receive", "draw", "waste", "return", "count", "transfer"])
def test_other_roles_have_no_forms(site: Flask, clinic: Service, name: str, form: str) -> None:
    browser = Browser(site).signed_in(name)
    assert browser.open(f"/register/{form}").status_code == 403
    fields = {**browser.fields("/account"), **DELIVERED, "number": f"L-{'0' * 26}"}
    assert browser.send(f"/register/{form}", fields).status_code == 403
    assert lines(clinic) == []


def test_the_stock_of_another_clinic_is_out_of_reach(site: Flask, clinic: Service, amy: Browser) -> None:
    [vial] = received(amy)
    draw = drawn(amy, vial)
    sue = Browser(site).signed_in("sue")
    assert "V-1" not in sue.open("/register/count").text
    assert "Pat of" not in sue.open("/register/waste").text + sue.open("/register/draw").text
    paths = [f"{form}?vial={vial}" for form in ("waste", "count", "transfer")] + [f"{form}?draw={draw}" for form in ("waste", "return")]
    assert {path.partition("?")[0]: sue.open(f"/register/{path}").status_code for path in (*paths, "draw?visit=visit")} == dict.fromkeys(
        ("waste", "count", "transfer", "return", "draw"), 404
    )
    assert [place for place in ("safe-1", "safe-2", "safe-south") if f"Location/{place}" in sue.open("/register/receive").text] == [
        "safe-south"
    ]


def test_what_a_form_is_about_cannot_be_made_up(amy: Browser) -> None:
    statuses = {
        "waste?draw=none": 404,
        "waste?vial=none": 404,
        "waste?vial=<script>": 404,
        "return?draw=../x": 404,
        "draw?visit=none": 404,
        "waste?vial=%00": 404,
        "count?vial=%00": 404,
        "return?draw=%00": 404,
        "draw?visit=%00": 404,
        "draw?visit=visit&vial=%00": 200,
        "transfer?vial=a%2Fb": 404,
        "recorded?of=Observation/none%00": 400,
        "recorded": 400,
        "recorded?of=Patient/pat": 400,
        "recorded?of=Observation/none": 404,
        f"recorded?of={','.join(['Observation/x'] * 26)}": 400,
    }
    found = {path: amy.open(f"/register/{path}") for path in statuses}
    assert {path: answer.status_code for path, answer in found.items()} == statuses
    assert not any("<script" in answer.text for answer in found.values())
    [receipt] = made(fill(amy, "receive", **DELIVERED))
    for form, number in (("%00", "%00"), ("waste", "L-1"), ("x" * 99, f"L-{'0' * 26}"), ("waste", f"L-{'0' * 26}")):
        assert amy.open(f"/register/recorded?form={form}&number={number}&of={receipt}").status_code == 200
    fields = {**amy.fields("/register/receive"), **DELIVERED}
    for number in ("", "L-1", f"L-{'0' * 25}'"):
        assert amy.send("/register/receive", {**fields, "number": number}).status_code == 400


def test_the_performer_cannot_be_typed(clinic: Service, amy: Browser) -> None:
    made(fill(amy, "receive", **DELIVERED, performer="Practitioner/ben", user="Practitioner/ben"))
    assert lines(clinic) == [("received", 500_000, "Practitioner/amy", "Practitioner/ben")]


def test_what_was_refused_is_in_the_trail(clinic: Service, amy: Browser) -> None:
    [vial] = received(amy)
    fill(amy, "draw", "visit=visit", vial=vial, order="MedicationRequest/order", amount="501", when=WHEN)
    told = told_of(clinic, "transaction")
    assert [(outcome, who) for outcome, who, _ in told] == [("4", "Practitioner/amy")]


def test_a_form_that_is_sent_by_several_at_once_counts_once(site: Flask, clinic: Service, amy: Browser) -> None:
    [vial] = received(amy)
    fields = {**amy.fields("/register/draw?visit=visit"), "vial": vial, "order": "MedicationRequest/order", "amount": "10", "when": WHEN}
    cookie = amy.cookie() or ""

    def send(_: int) -> list[str]:
        other = Browser(site)
        other.client.set_cookie("session", cookie)
        return made(other.send("/register/draw", fields))

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(send, range(4)))
    assert len(answers) == 4
    assert len({tuple(one) for one in answers}) == 1
    assert len(lines(clinic)) == 2
