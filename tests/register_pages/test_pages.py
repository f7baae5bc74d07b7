"""The register's pages: who may open them, what they say and refuse, that they are told, and that every format has the rows of the page."""

import csv
import io
import json
import re
from dataclasses import replace
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook
from pypdf import PdfReader

from service.app import composed
from service.records import people
from service.records.change import Update
from service.records.clients import Registration
from service.records.commit import commit
from service.records.context import Context, Service
from service.storage import people as accounts
from tests.access import TESTS, admitted
from tests.people.clinic import Browser, founded, hidden, role, token_of
from tests.people.clinic import events as told
from tests.records.samples import document
from tests.register.books import Books
from tests.register_pages.world import filled

HTML = {"Accept": "text/html"}
AUDITOR = Registration("auditor-portal", role="auditor")
PAGES = ("/register", "/register/lines/v1/1", "/register/vials", "/register/discrepancies", "/register/reports")
COUNTED = ("/register", "/register?flag=unwitnessed", "/register?vial=v2&balance=lot", "/register?from=2026-11-18", "/register?lot=none")
WRONG = {
    "unknown field": "?nonsense=1",
    "no date": "?from=never",
    "turned around": "?from=2026-11-18&to=2026-11-17",
    "beyond calendars": "?to=9999-12-31",
    "no mark": "?flag=green",
    "no balance": "?balance=moon",
    "no id": "?patient=%27%20OR%201=1",
    "two slashes": "?site=Location/a/b",
    "nul": "?lot=%00",
    "nul in a vial": "?vial=a%00b",
    "control character": "?drug=a%0ab",
    "very long": f"?lot={'x' * 201}",
    "no count": "?_count=0",
    "count of words": "?_count=ten",
    "huge count": "?_count=99999999999999999999",
    "no format": "?_format=xml",
    "two lots": "?lot=a&lot=b",
    "cursor of nobody": "?_cursor=abc",
    "cursor of letters": "?_cursor=%C3%BC",
}


@pytest.fixture(scope="module")
def app(books: Books) -> Flask:
    """The application on the books."""
    return composed(books.service)


@pytest.fixture
def auditor(app: Flask) -> FlaskClient:
    """A program of an auditor."""
    return admitted(app, AUDITOR)


def _page(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path, headers=HTML)
    assert answer.status_code == status, (path, answer.text[:500])
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.text


def _cells(page: str) -> list[list[str]]:
    """The texts of the lines on the page, without those of the totals."""
    body = page[page.index("<tbody>") : page.index("</tbody>")] if "<tbody>" in page else ""
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", body, re.DOTALL)
    return [[_text(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)] for row in rows]


def _text(cell: str) -> str:
    plain = unescape(re.sub(r"<[^>]+>", "", re.sub(r'<span class="none".*?</span>', "", cell)))
    return " ".join(plain.split())


@pytest.mark.parametrize("path", PAGES)
def test_who_opens_the_register(app: Flask, path: str) -> None:
    assert app.test_client().get(path, headers=HTML).headers["Location"].startswith("/sign-in?next=")
    assert app.test_client().get(path).status_code == 401
    assert app.test_client().get(path, headers={"Authorization": "Bearer none", **HTML}).status_code == 401
    assert "ledger.read" in _page(admitted(app, Registration("reader", "system/*.rs")), path, 403)
    for name in ("auditor", "privacy-officer", "custodian"):
        client = Registration(f"of-{name}", role=name) if name != "custodian" else Registration("of-custodian", "ledger.read")
        assert "<h1>" in _page(admitted(app, client), path)


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_meant_is_refused_in_words(auditor: FlaskClient, what: str) -> None:
    page = _page(auditor, f"/register{WRONG[what]}", 400)
    assert 'class="issue error"' in page


@pytest.mark.parametrize(
    "path",
    ["/register/vials?from=2026-01-01", "/register/discrepancies?site=%00", "/register/vials?lot=%00", "/register/vials?lot=a&lot=b"],
)
def test_the_other_pages_refuse_too(auditor: FlaskClient, path: str) -> None:
    assert 'class="issue error"' in _page(auditor, path, 400)


@pytest.mark.parametrize("place", ["v1/99", "v1/0", "v1/x", "v1/99999999999999999999", "none/1", "v1/%D9%A1"])
def test_a_line_that_there_is_not_is_not_found(auditor: FlaskClient, place: str) -> None:
    _page(auditor, f"/register/lines/{place}", 404)


def test_a_cursor_belongs_to_its_question(auditor: FlaskClient) -> None:
    page = _page(auditor, "/register?_count=3&lot=LOT-1")
    [link] = [unescape(one) for one in re.findall(r'rel="next" href="([^"]+)"', page)]
    assert "_count=3" in link
    assert _cells(_page(auditor, link))[0] != _cells(page)[0]
    _page(auditor, link.replace("LOT-1", "LOT-2"), 400)


def test_following_the_pages_shows_every_line_once(auditor: FlaskClient) -> None:
    found: list[str] = []
    link: str | None = "/register?_count=4"
    while link:
        page = _page(auditor, link)
        found += [row[0] for row in _cells(page)]
        link = next((unescape(one) for one in re.findall(r'rel="next" href="([^"]+)"', page)), None)
    assert found == [row[0] for row in _cells(_page(auditor, "/register"))]
    assert len(set(found)) == len(found) >= 20


@pytest.mark.parametrize("path", COUNTED)
def test_every_format_has_the_rows_of_the_page(auditor: FlaskClient, path: str) -> None:
    page = _page(auditor, path)
    rows = _cells(page)
    links = {name: unescape(link) for link, name in re.findall(r'<a class="button" href="([^"]+)">(CSV|XLSX|PDF|JSON)</a>', page)}
    files = {name: auditor.get(link) for name, link in links.items()}
    assert {answer.status_code for answer in files.values()} == {200}
    assert all(name.lower() in answer.headers["Content-Disposition"] for name, answer in files.items())
    assert _of_csv(files["CSV"].data) == rows
    assert _of_workbook(files["XLSX"].data, len(rows)) == rows
    assert _of_json(files["JSON"].get_json(force=True), page) == rows
    paper = " ".join(" ".join(one.extract_text() for one in PdfReader(io.BytesIO(files["PDF"].data)).pages).split())
    assert "Register of controlled substances" in paper
    assert all(row[0].split(" no. ")[0] in paper for row in rows)
    [checksum] = re.findall(r"<dt>SHA-256 of the rows</dt><dd[^>]*>([0-9a-f]{64})<", page)
    assert checksum in files["CSV"].text
    assert checksum in files["JSON"].text


def _of_csv(data: bytes) -> list[list[str]]:
    _, *rows = csv.reader(io.StringIO(data.decode("utf-8-sig")))
    return [row for row in rows[: rows.index([])] if not re.match(r"All \d+ lines|Vial ", row[0])]


def _of_workbook(data: bytes, count: int) -> list[list[str]]:
    sheet = load_workbook(io.BytesIO(data), read_only=True).worksheets[0]
    rows = [["" if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
    [head] = [place for place, row in enumerate(rows) if row[0] == "Line"]
    return [[re.sub(r"\.0$", "", cell) for cell in row] for row in rows[head + 1 : head + 1 + count]]


def _of_json(tree: dict[str, Any], page: str) -> list[list[str]]:
    names = [
        part["part"][0].get("valueString") or part["part"][0].get("valueCode") for part in tree["parameter"] if part["name"] == "column"
    ]
    assert len(names) == len(re.findall(r"<th scope=\"col\"", page)) or not _cells(page)
    found = []
    for one in tree["parameter"]:
        if one["name"] == "row":
            cells = {part["name"]: next(value for name, value in part.items() if name != "name") for part in one["part"]}
            found.append([_told(cells.get(name, "")) for name in names])
    return found


def _told(value: Any) -> str:
    return str(value["reference"]) if isinstance(value, dict) else f"{value:g}" if isinstance(value, float) else str(value)


def test_zero_rows_is_an_answer(auditor: FlaskClient) -> None:
    assert "That is an answer: the service looked and found none." in _page(auditor, "/register?patient=nobody")
    assert "That is an answer" in _page(auditor, "/register/discrepancies")
    assert "That is an answer" in _page(auditor, "/register/vials?lot=none")


def test_the_page_keeps_what_was_asked_for(auditor: FlaskClient) -> None:
    page = _page(auditor, "/register?lot=LOT-1&flag=short&flag=amended&balance=lot&from=2026-11-01")
    assert 'name="lot" value="LOT-1"' in page
    assert page.count(" checked>") == 2
    assert '<option value="lot" selected>' in page
    assert "lot LOT-1; flag amended" in page or "flag short; flag amended" in page
    links = [unescape(one) for one in re.findall(r'<a class="button" href="([^"]+_format[^"]+)"', page)]
    assert len(links) == 4
    assert all("lot=LOT-1" in one and "flag=short" in one and "flag=amended" in one for one in links)


def test_a_line_tells_its_story(auditor: FlaskClient) -> None:
    page = _page(auditor, "/register/lines/v1/4")
    assert "unwitnessed" in page
    for reference in ("Medication/v1", "MedicationDispense/d1", "Observation/v1-3", "Observation/v1-4", "Encounter/visit"):
        assert f"/fhir/{reference}" in page, reference
    assert page.count("no. ") >= 4
    assert len(set(re.findall(r"[0-9a-f]{64}", page))) >= 7


def test_what_is_looked_at_is_told_with_the_patients(service: Service) -> None:
    filled(service)
    auditor = admitted(composed(service), AUDITOR)
    for path, patients in (
        ("/register?lot=LOT-1", ["Patient/recipient"]),
        ("/register/lines/v4/2", ["Patient/far"]),
        ("/register/vials", []),
    ):
        before = len(told(service))
        _page(auditor, path)
        fresh = told(service)[before:]
        assert len(fresh) == 1, path
        [event] = fresh
        assert event["subtype"][0]["code"] == "operation"
        named = [one["what"]["reference"] for one in event["entity"] if one.get("what", {}).get("reference", "").startswith("Patient/")]
        assert sorted(named) == patients, path
    before = len(told(service))
    _page(admitted(composed(service), Registration("reader", "system/*.rs")), "/register", 403)
    refused = [one for one in told(service)[before:] if one["outcome"] == "8"]
    assert [one["subtype"][0]["code"] for one in refused] == ["110132"]


@pytest.fixture
def clinic(service: Service) -> Flask:
    """The books in a clinic with people; `cus` is a custodian of its northern site."""
    founded(service)
    filled(service)
    ctx = Context(service, TESTS)
    person = {"resourceType": "Practitioner", "id": "cus", "name": [{"family": "Custodian"}]}
    works = role("cus", {"reference": "Organization/north"})
    commit(ctx, [Update(str(one["resourceType"]), "cus", document(one)) for one in (person, works)])
    amy = next(one for one in people.every(ctx) if one.login == "amy")
    with service.database.write() as tx:
        accounts.add(tx, replace(amy, id="account-cus", login="cus", practitioner="cus", role="custodian"))
    return composed(service)


def test_people_see_the_books_of_the_clinics_that_they_work_for(clinic: Flask) -> None:
    aud, amy = Browser(clinic).signed_in("aud"), Browser(clinic).signed_in("amy")
    page = aud.open("/register").text
    assert {row[0].split(" no. ")[0] for row in _cells(page)} == {"S-v1", "S-v2", "S-v3", "S-v4"}
    assert '<a href="/register">Register</a>' in page
    assert "ledger.read" in amy.open("/register").text
    assert amy.open("/register").status_code == 403
    assert 'href="/register"' not in amy.open("/").text
    assert 'href="/register"' in aud.open("/").text


def test_custodians_see_their_own_site_alone(clinic: Flask) -> None:
    cus = Browser(clinic).signed_in("cus")
    page = cus.open("/register").text
    assert {row[0].split(" no. ")[0] for row in _cells(page)} == {"S-v1", "S-v2", "S-v3"}
    assert cus.open("/register/lines/v4/1").status_code == 404
    assert _cells(cus.open("/register?site=site-2").text) == []
    assert "S-v4" not in cus.open("/register/vials").text
    ketamine = [row for row in _cells(cus.open("/register?balance=substance&drug=6130").text) if row]
    assert ketamine[-1][17] == "900", "what lies at another site is in no balance"
    assert _cells(Browser(clinic).signed_in("aud").open("/register?balance=substance&drug=6130").text)[-1][17] == "1380"
    assert cus.open("/register?site=site-2&_format=json").text.count('"name":"row"') == 0


def test_the_reports_have_forms_that_lead_to_them(auditor: FlaskClient) -> None:
    page = _page(auditor, "/register/reports")
    codes = re.findall(r'action="/register/reports/(cs-[a-z-]+)"', page)
    assert {"cs-waste", "cs-receipts", "cs-lot-recall", "cs-expiring"} <= set(codes)
    for code in codes:
        led = auditor.get(f"/register/reports/{code}?start=&end=&lot=LOT-1&vial=&_format=csv")
        assert (led.status_code, led.headers["Location"]) == (303, f"/fhir/${code}?lot=LOT-1&_format=csv")
    assert auditor.get("/fhir/$cs-waste?lot=LOT-1&_format=csv").status_code == 200
    assert auditor.get("/register/reports/meta", headers=HTML).status_code == 404


def test_the_vials_on_hand_lead_to_their_lines(auditor: FlaskClient) -> None:
    page = _page(auditor, "/register/vials")
    assert len(_cells(page)) == 4
    assert "/register?vial=S-v1" in page
    assert json.loads(auditor.get("/register/vials?_format=json").text)["resourceType"] == "Parameters"


def test_everything_is_asked_for_with_a_form(clinic: Flask) -> None:
    aud = Browser(clinic).signed_in("aud")
    fields = hidden(aud.open("/register/reports").text)
    led = aud.send("/register/exports", {**fields, "start": "2026-01-01", "end": ""})
    assert led.status_code == 303
    page = aud.open(led.headers["Location"])
    assert page.status_code == 200
    assert "no worker is alive to make it" in page.text
    assert "2026-01-01T00:00:00" in page.text
    assert aud.send("/register/exports", {**fields, "start": "never"}).status_code == 400
    assert aud.send("/register/exports", {"start": "2026-01-01"}).status_code == 403
    assert aud.open("/register/exports/none").status_code == 404
    amy = Browser(clinic).signed_in("amy")
    assert amy.open(led.headers["Location"]).status_code == 403
    assert amy.send("/register/exports", {"form_token": token_of(amy), "start": "2026-01-01"}).status_code == 403
