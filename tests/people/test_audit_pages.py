"""The pages of the audit trail for people who are signed in: a session is enough, and the role says what it shows."""

import pytest
from flask import Flask

from tests.people.clinic import Browser


def test_an_auditor_sees_who_looked_at_a_patient(site: Flask, amy: Browser) -> None:
    assert amy.open("/fhir/Patient/pat-north").status_code == 200
    assert amy.open("/fhir/Patient?identifier=N-1").status_code == 200
    aud = Browser(site).signed_in("aud")
    page = aud.open("/audit?patient=pat-north")
    assert page.status_code == 200
    assert "(Practitioner/amy), with" in page.text
    assert "Patient?identifier=***" in page.text
    assert "N-1" not in page.text
    assert '<a href="/audit">Audit</a>' in page.text
    pia = Browser(site).signed_in("pia")
    assert "identifier=N-1" in pia.open("/audit?patient=pat-north").text


def test_looking_is_told_with_the_person_who_looked(site: Flask) -> None:
    aud = Browser(site).signed_in("aud")
    aud.open("/audit?patient=pat-north")
    page = aud.open("/audit?interaction=search-type&agent=Practitioner/aud")
    assert "AuditEvent?patient=***" in page.text
    report = aud.open("/audit/disclosures?patient=pat-north&_format=csv")
    assert report.mimetype == "text/csv"
    assert "Aud Sample" in report.text


@pytest.mark.parametrize("name", ["amy", "ada"])
@pytest.mark.parametrize("path", ["/audit", "/audit?patient=pat-north", "/audit/disclosures?patient=pat-north&_format=pdf"])
def test_other_roles_do_not(site: Flask, name: str, path: str) -> None:
    browser = Browser(site).signed_in(name)
    page = browser.open(path)
    assert (page.status_code, page.mimetype) == (403, "text/html")
    assert "<tbody>" not in page.text
    assert '<a href="/audit">Audit</a>' not in page.text


def test_without_a_session_the_way_is_by_the_sign_in_page(browser: Browser) -> None:
    answer = browser.open("/audit?patient=pat-north")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in?next=%2Faudit%3Fpatient%3Dpat-north")
