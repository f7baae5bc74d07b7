"""Signing in with name, password and one-time code, and what keeps guessers out."""

import re

from service.records import people
from service.records.context import Context, Service
from service.security import lockout
from service.web.pages.desk import is_own
from tests.access import TESTS
from tests.people.clinic import PASSWORD, Browser, Hand, told, with_codes


def test_who_signs_in_is_on_every_page(browser: Browser) -> None:
    assert browser.sign_in("amy").headers["Location"] == "/"
    for path in ("/", "/docs", "/account", "/fhir/metadata", "/fhir/Practitioner/amy", "/fhir/Patient/none"):
        page = browser.open(path)
        assert "Amy Sample (clinician)" in page.text, path
        assert "Sign out" in page.text


def test_the_name_may_be_typed_in_capitals_and_with_spaces(browser: Browser) -> None:
    assert browser.sign_in(" AMY ").status_code == 303


def test_enumeration_every_refusal_reads_the_same(browser: Browser) -> None:
    attempts = (("amy", "wrong password"), ("nobody", PASSWORD), ("", PASSWORD), ("amy", ""), ("a" * 5000, "b" * 5000))
    answers = [browser.sign_in(name, password) for name, password in attempts]
    assert {answer.status_code for answer in answers} == {401}
    assert len({_without_token(answer.text) for answer in answers}) == 1
    assert browser.cookie() is None


def test_what_no_form_sends_is_refused(browser: Browser) -> None:
    fields = {**browser.fields("/sign-in"), "name": "amy", "password": PASSWORD}
    for typed in ({"name": "amy\x00"}, {"password": "\x1b"}, {"code": ["1", "2"]}, {"name": "a" * 20_000}):
        assert browser.send("/sign-in", {**fields, **typed}).status_code in (400, 413), typed


def _without_token(page: str) -> str:
    return re.sub(r'value="[0-9a-f]{64}"', "", page)


def test_enumeration_a_name_that_nobody_has_is_locked_too(clinic: Service, browser: Browser, hand: Hand) -> None:
    for name in ("nobody", "amy"):
        outcomes = []
        for _ in range(lockout.FREE_FAILURES + 2):
            browser.sign_in(name, "wrong password")
            outcomes.append(told(clinic, "110122")[-1][2].split(": ")[-1])
        assert outcomes == ["refused"] * 4 + ["refused, locked for a while"] * 2, name


def test_after_failures_the_right_password_does_not_help(browser: Browser, hand: Hand) -> None:
    for _ in range(lockout.FREE_FAILURES + 1):
        assert browser.sign_in("amy", "wrong password").status_code == 401
    assert browser.sign_in("amy").status_code == 401
    hand.move(0.99)
    assert browser.sign_in("amy").status_code == 401
    hand.move(0.01)
    assert browser.sign_in("amy").status_code == 303


def test_the_delay_grows_and_ends(browser: Browser, hand: Hand) -> None:
    for minutes in (1, 2, 4, 8, 15, 15):
        before = lockout.FREE_FAILURES + 1 if minutes == 1 else 1
        for _ in range(before):
            browser.sign_in("amy", "wrong password")
        hand.move(minutes - 0.01)
        assert browser.sign_in("amy").status_code == 401, minutes
        hand.move(0.02)
    assert browser.sign_in("amy").status_code == 303


def test_a_success_forgets_the_failures(browser: Browser) -> None:
    for _ in range(3):
        for _ in range(lockout.FREE_FAILURES):
            browser.sign_in("amy", "wrong password")
        assert Browser(browser.client.application).sign_in("amy").status_code == 303


def test_one_persons_failures_are_not_anothers(browser: Browser) -> None:
    for _ in range(lockout.FREE_FAILURES + 1):
        browser.sign_in("amy", "wrong password")
    assert browser.sign_in("ben").status_code == 303


def test_a_code_is_asked_for_once_it_is_set_up(site: object, amy: Browser, hand: Hand) -> None:
    codes = with_codes(amy, hand)
    other = Browser(amy.client.application)
    hand.move(1)
    code = codes.at(hand.now // 1_000_000)
    assert other.sign_in("amy").status_code == 401
    assert other.sign_in("amy", code="000000" if code != "000000" else "111111").status_code == 401
    assert other.sign_in("amy", code=code[:3] + " " + code[3:]).status_code == 303


def test_a_code_is_good_once(amy: Browser, hand: Hand) -> None:
    codes = with_codes(amy, hand)
    other = Browser(amy.client.application)
    assert other.sign_in("amy", code=codes.at(hand.now // 1_000_000)).status_code == 401, "it confirmed the set-up"
    hand.move(1)
    code = codes.at(hand.now // 1_000_000)
    assert other.sign_in("amy", code=code).status_code == 303
    assert Browser(amy.client.application).sign_in("amy", code=code).status_code == 401
    earlier = codes.at(hand.now // 1_000_000 - 30)
    assert Browser(amy.client.application).sign_in("amy", code=earlier).status_code == 401


def test_clocks_may_differ_by_one_step(amy: Browser, hand: Hand) -> None:
    codes = with_codes(amy, hand)
    for seconds, status in ((-60, 401), (-30, 303), (0, 303), (30, 303), (60, 401)):
        hand.move(10)
        answer = Browser(amy.client.application).sign_in("amy", code=codes.at(hand.now // 1_000_000 + seconds))
        assert answer.status_code == status, seconds


def test_who_is_disabled_is_out_at_once(clinic: Service, amy: Browser) -> None:
    people.disable(Context(clinic, TESTS), "amy")
    assert amy.open("/account").headers["Location"] == "/sign-in?next=%2Faccount"
    assert amy.sign_in("amy").status_code == 401


def test_the_first_password_lets_nobody_in_but_to_choose_another(clinic: Service, browser: Browser) -> None:
    first = people.reset(Context(clinic, TESTS), "amy")
    assert browser.sign_in("amy", first).headers["Location"] == "/account"
    assert browser.open("/fhir/Patient/pat-north").status_code == 403
    answer = browser.fill("/account", "password", password=first, new="another morning", again="another morning")
    assert answer.headers["Location"] == "/"
    assert browser.open("/fhir/Patient/pat-north").status_code == 200


ELSEWHERE = (
    *("https://evil.example/", "//evil.example/", "/\\evil.example", "/\t/evil.example"),
    *("javascript:evil(1)", "evil", "/evil\u00fc", ""),
)


def test_after_signing_in_nobody_is_sent_elsewhere(browser: Browser) -> None:
    for path in (*ELSEWHERE, "/sign-out", "/sign-in?next=/"):
        asked = Browser(browser.client.application)
        fields = {**asked.fields("/sign-in"), "name": "amy", "password": PASSWORD, "next": path}
        assert asked.send("/sign-in", fields).headers["Location"] == "/", path
        assert "evil" not in browser.client.get("/sign-in", query_string={"next": path}).text
        assert asked.client.get("/sign-in", query_string={"next": path}).headers["Location"] == "/"


def test_after_signing_in_everybody_is_where_they_wanted(browser: Browser) -> None:
    wanted = "/fhir/Patient?name=x%20y&_count=2"
    asked = browser.open("/account?x=1")
    assert asked.headers["Location"] == "/sign-in?next=%2Faccount%3Fx%3D1"
    fields = {**browser.fields("/sign-in"), "name": "amy", "password": PASSWORD, "next": wanted}
    assert browser.send("/sign-in", fields).headers["Location"] == wanted
    assert is_own(wanted)


def test_every_attempt_is_in_the_trail(clinic: Service, browser: Browser) -> None:
    browser.sign_in("amy", "wrong password")
    browser.sign_in("hunter2-my-password", "x")
    browser.sign_in("amy")
    browser.send("/sign-out", {"form_token": browser.fields("/account")["form_token"]})
    assert told(clinic, "110122") == [
        ("4", "Practitioner/amy", "sign-in: refused"),
        ("4", None, "sign-in: refused"),
        ("0", "Practitioner/amy", "sign-in"),
    ]
    assert told(clinic, "110123") == [("0", "Practitioner/amy", "sign-out")]
    with clinic.database.glance() as tx:
        everything = b"".join(bytes(row[0]) for row in tx.connection.exec_driver_sql("SELECT body FROM audit_event").all())
    assert b"hunter2" not in everything
    assert PASSWORD.encode() not in everything
