"""Sessions: what the cookie is, when it ends, what it is good for, and that no form is believed that was not ours."""

from dataclasses import replace
from hashlib import sha256

import pytest
from flask import Flask
from sqlalchemy import text

from service.app import composed
from service.records.change import Update
from service.records.commit import commit
from service.records.context import Context, Service
from service.web import sessions as cookies
from tests.access import TESTS
from tests.people.clinic import PASSWORD, Browser, Hand, role, token_of, told
from tests.records.samples import document

PATIENT = "/fhir/Patient/pat-north"
JSON = {"Accept": "application/fhir+json"}


def test_the_cookie_is_for_this_site_and_no_script(browser: Browser) -> None:
    [session] = [line for line in browser.sign_in("amy").headers.getlist("Set-Cookie") if line.startswith("session=")]
    value, *attributes = session.split("; ")
    assert sorted(attributes) == ["HttpOnly", "Path=/", "SameSite=Strict"]
    assert len(value) == len("session=") + 43


def test_behind_tls_the_cookie_is_the_hosts_own(clinic: Service) -> None:
    settings = replace(clinic.settings, base_url="https://clinic.example/fhir")
    browser = Browser(composed(replace(clinic, settings=settings)))
    browser.client.environ_base["wsgi.url_scheme"] = "https"
    answer = browser.client.get("/sign-in", base_url="https://clinic.example")
    [line] = answer.headers.getlist("Set-Cookie")
    assert line.startswith("__Host-sign-in=")
    assert sorted(line.split("; ")[1:]) == ["HttpOnly", "Path=/", "SameSite=Strict", "Secure"]


def test_the_database_knows_no_cookie(clinic: Service, amy: Browser) -> None:
    with clinic.database.glance() as tx:
        [row] = tx.connection.execute(text("SELECT * FROM session")).all()
    cookie = amy.cookie() or ""
    assert bytes(row.digest) == sha256(cookie.encode()).digest()
    assert cookie not in str(row)


def test_a_session_that_was_there_before_is_not_taken_over(site: Flask) -> None:
    victim, attacker = Browser(site), Browser(site).signed_in("ben")
    for planted in ("x" * 43, attacker.cookie() or ""):
        victim.client.set_cookie("session", planted)
        if planted == attacker.cookie():
            victim.client.delete_cookie("session")
            fields = victim.fields("/sign-in")
            victim.client.set_cookie("session", planted)
            assert victim.send("/sign-in", {**fields, "name": "amy", "password": PASSWORD}).status_code == 303
        else:
            assert victim.sign_in("amy").status_code == 303
        assert victim.cookie() != planted
        assert "Amy Sample" in victim.open("/account").text
    assert attacker.open("/account").status_code == 303, "the planted session ended when somebody signed in over it"


def test_unused_for_a_quarter_of_an_hour_it_is_over(amy: Browser, hand: Hand) -> None:
    hand.move(14.99)
    assert amy.open("/account").status_code == 200
    hand.move(15)
    assert amy.open("/account").headers["Location"] == "/sign-in?next=%2Faccount"


def test_used_all_the_time_it_is_over_after_twelve_hours(amy: Browser, hand: Hand) -> None:
    for _ in range(12 * 6 - 1):
        hand.move(10)
        assert amy.open("/docs").status_code == 200
    assert "Amy Sample" in amy.open("/account").text
    hand.move(10)
    assert amy.open("/account").status_code == 303


def test_signing_out_ends_it_for_every_copy(site: Flask, amy: Browser) -> None:
    copy = Browser(site)
    copy.client.set_cookie("session", amy.cookie() or "")
    assert copy.open("/account").status_code == 200
    answer = amy.send("/sign-out", {"form_token": token_of(amy)})
    assert answer.headers["Location"] == "/sign-in"
    assert amy.cookie() is None
    assert copy.open("/account").status_code == 303


def test_another_password_ends_the_other_sessions(site: Flask, amy: Browser) -> None:
    other = Browser(site).signed_in("amy")
    answer = amy.fill("/account", "password", password=PASSWORD, new="a loud evening 4 all", again="a loud evening 4 all")
    assert answer.status_code == 303
    assert amy.open("/account").status_code == 200
    assert other.open("/account").status_code == 303


WEAK = (
    ({"password": "wrong password"}, "Name, password or code is wrong"),
    ({"again": "something different"}, "not typed the same twice"),
    ({"new": "short", "again": "short"}, "at least 12 characters"),
    ({"new": "aaaaaaaaaaaaaa", "again": "aaaaaaaaaaaaaa"}, "different characters"),
    ({"new": "my name is AMY ok", "again": "my name is AMY ok"}, "the name to sign in with"),
    ({"new": PASSWORD, "again": PASSWORD}, "the old one"),
)


def test_a_password_that_will_not_do_is_told_why(amy: Browser) -> None:
    good = {"password": PASSWORD, "new": "a loud evening 4 all", "again": "a loud evening 4 all"}
    for typed, words in WEAK:
        answer = amy.fill("/account", "password", **{**good, **typed})
        assert answer.status_code in (400, 403), words
        assert words in answer.text
    assert amy.open("/account").status_code == 200


@pytest.mark.parametrize("origin", ["http://localhost", "https://evil.example"])
def test_csrf_the_cookie_alone_writes_nothing(amy: Browser, origin: str) -> None:
    for method in ("post", "put", "patch", "delete"):
        path = "/fhir/Patient" if method == "post" else PATIENT
        content = {"resourceType": "Patient", "id": "pat-north"}
        answer = amy.client.open(path, method=method, json=content, headers={**JSON, "Origin": origin}, content_type=JSON["Accept"])
        assert answer.status_code == 401, method
    assert "Pat of N-1" in amy.open(PATIENT).text


def test_csrf_the_cookie_is_no_way_to_search_by_post(amy: Browser) -> None:
    assert amy.client.post("/fhir/Patient/_search", data={"name": "pat"}, headers=JSON).status_code == 401
    assert amy.client.post("/fhir", json={"resourceType": "Bundle", "type": "batch"}, headers=JSON).status_code == 401


def test_the_cookie_opens_pages_and_their_json(amy: Browser) -> None:
    assert amy.open(PATIENT).status_code == 200
    assert amy.client.head(PATIENT, headers=JSON).status_code == 200
    assert amy.client.get(f"{PATIENT}?_format=json").json["id"] == "pat-north"


FORMS = {
    "/sign-out": {},
    "/account": {"action": "begin-codes", "password": PASSWORD},
    "/witness": {"target": "Observation/mood", "version": "1", "reason": "both of us saw it", "name": "ben", "password": PASSWORD},
    "/break-glass": {"action": "open", "patient": "pat-south", "reason": "unconscious on arrival"},
}


def test_csrf_a_form_without_its_token_does_nothing(site: Flask, clinic: Service, amy: Browser) -> None:
    theirs, mine = token_of(Browser(site).signed_in("ben")), token_of(amy)
    before = _changes(clinic)
    for path, form in FORMS.items():
        for token in ("", theirs, mine[:-1] + "x", mine.upper(), amy.cookie() or ""):
            assert amy.send(path, {**form, "form_token": token}).status_code == 403, (path, token)
        assert amy.send(path, {**form, "other": "x"}).status_code == 403, path
        assert amy.send(f"{path}?form_token={mine}", {**form, "other": "x"}).status_code == 400, path
    assert _changes(clinic) == before
    assert amy.open("/account").status_code == 200


ELSEWHERE = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "http://localhost", "Sec-Fetch-Site": "cross-site"},
)


def test_csrf_a_form_from_elsewhere_does_nothing(clinic: Service, amy: Browser) -> None:
    before, token = _changes(clinic), token_of(amy)
    for path, form in FORMS.items():
        for headers in ELSEWHERE:
            assert amy.send(path, {**form, "form_token": token}, **headers).status_code == 403, (path, headers)
    assert _changes(clinic) == before


def test_csrf_only_a_form_is_a_form(clinic: Service, amy: Browser) -> None:
    before, token = _changes(clinic), token_of(amy)
    for path, form in FORMS.items():
        fields = {**form, "form_token": token}
        assert amy.client.post(path, json=fields).status_code == 400, path
        assert amy.client.post(path, data=fields, content_type="multipart/form-data").status_code == 400, path
    assert _changes(clinic) == before


def test_a_form_of_ours_works(amy: Browser) -> None:
    fields = {**FORMS["/break-glass"], "form_token": token_of(amy)}
    here = {"Origin": "http://127.0.0.1:8080", "Sec-Fetch-Site": "same-origin"}
    for headers in ({}, {"Origin": "http://localhost"}, here):
        assert amy.send("/break-glass", fields, **headers).status_code == 303


def test_csrf_nobody_is_signed_in_by_another_sites_form(site: Flask, browser: Browser) -> None:
    fields = {**browser.fields("/sign-in"), "name": "ben", "password": PASSWORD}
    elsewhere = Browser(site)
    assert elsewhere.send("/sign-in", fields).status_code == 403
    elsewhere.open("/sign-in")
    assert elsewhere.send("/sign-in", fields).status_code == 403
    assert elsewhere.cookie() is None
    assert browser.send("/sign-in", fields, Origin="https://evil.example").status_code == 403
    assert browser.send("/sign-in", fields).status_code == 303


def test_a_form_token_tells_nothing_of_the_cookie(amy: Browser) -> None:
    cookie, token = amy.cookie() or "", token_of(amy)
    assert cookie not in amy.open("/account").text
    assert token == cookies.token_of(cookie) != sha256(cookie.encode()).hexdigest()


def test_a_cookie_that_is_not_ours_is_nobody(site: Flask) -> None:
    for cookie in ("", "x", "x" * 43, "x" * 3000, "ä", "'; DROP TABLE session; --"):
        client = site.test_client()
        client.set_cookie("session", cookie)
        for path in (PATIENT, "/account", "/"):
            answer = client.get(path, headers={"Accept": "text/html"})
            assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (303, "/sign-in"), path
        assert client.get(PATIENT, headers=JSON).status_code == 401


def test_a_token_outranks_the_cookie(amy: Browser) -> None:
    assert amy.client.get(PATIENT, headers={**JSON, "Authorization": "Bearer nonsense"}).status_code == 401


def test_what_a_role_does_not_reach_is_not_linked(site: Flask, amy: Browser) -> None:
    ada = Browser(site).signed_in("ada")
    assert '/fhir/Patient"' in amy.open("/").text
    assert '/fhir/Patient"' not in ada.open("/").text
    assert "/fhir/_history" not in ada.open("/").text
    assert ada.open(PATIENT).status_code == 403
    assert ada.open("/fhir/metadata").status_code == 200


def test_who_moves_to_another_clinic_sees_that_one_within_a_minute(clinic: Service, amy: Browser, hand: Hand) -> None:
    assert (amy.open(PATIENT).status_code, amy.open("/fhir/Patient/pat-south").status_code) == (200, 404)
    moved = role("amy", {"reference": "Organization/south"})
    commit(Context(clinic, TESTS), [Update("PractitionerRole", "amy", document(moved))])
    hand.move(1)
    assert (amy.open(PATIENT).status_code, amy.open("/fhir/Patient/pat-south").status_code) == (404, 200)


def _changes(service: Service) -> tuple[int, ...]:
    """How much there is of everything that a form could change."""
    with service.database.glance() as tx:
        tables = ("version", "glass", "person WHERE one_time IS NOT NULL", "session WHERE ended IS NULL")
        return tuple(int(tx.connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0) for table in tables)


def test_pages_of_people_are_in_the_trail_when_refused(clinic: Service, amy: Browser) -> None:
    amy.send("/account", {"action": "begin-codes"})
    assert [outcome for outcome, _, _ in told(clinic, "110132")] == ["8"]
