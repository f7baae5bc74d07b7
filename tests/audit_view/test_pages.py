"""The pages of the audit trail: what they show, to whom, and what they leave in the trail themselves."""

import csv
import html
import io
import re
from typing import Any

import pypdf
import pytest
from flask.testing import FlaskClient

from service.audit.kinds import REFUSED
from service.clock import to_datetime
from service.config import Settings
from service.records import disclosures as accounting
from service.records.clients import Registration
from service.records.context import Context
from service.reports import csv_text, pdf
from service.reports.table import Table
from tests.access import TESTS, admitted
from tests.audit_view.conftest import Trail
from tests.audit_view.world import Told

BROWSER = {"Accept": "text/html"}
AUDITOR = Registration("auditor-portal", role="auditor")
PRIVACY = Registration("privacy-desk", role="privacy-officer")
PATIENT_APP = Registration("app-of-patients", "patient/AuditEvent.rs")
PERIOD = "from=2026-01-01&to=2026-12-31"
SHOWING = {"read", "vread", "search-type", "search-system", "history-instance", "history-type", "history-system", "operation", "110106"}


def _page(client: FlaskClient, query: str = "to=2026-10-31", status: int = 200, path: str = "/audit") -> str:
    answer = client.get(f"{path}?{query}", headers=BROWSER)
    assert (answer.status_code, answer.mimetype) == (status, "text/html"), answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.text


def _rows(text: str) -> list[list[str]]:
    """The cells of the table of a page."""
    body = text.partition("<tbody>")[2].partition("</tbody>")[0]
    return [[_plain(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)] for row in body.split("<tr>")[1:]]


def _plain(cell: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", cell)).split())


def test_a_patient_is_named_by_id_or_by_reference(trail: Trail) -> None:
    client = admitted(trail.app, AUDITOR)
    by_id, by_reference = (_page(client, f"patient={name}") for name in ("A", "Patient/A"))
    assert _rows(by_id)
    for text in (by_id, by_reference):
        assert "Events of Patient/A" in text


def _links(text: str) -> list[str]:
    return re.findall(r'href="/fhir/AuditEvent/([^"]+)"', text)


def _shown(client: FlaskClient, query: str) -> set[str]:
    """The ids of all events that the page shows, page by page."""
    found, path = [], f"/audit?{query}"
    while path:
        text = client.get(path, headers=BROWSER).text
        found += _links(text)
        [path] = [html.unescape(link) for link in re.findall(r'rel="next" href="([^"]+)"', text)] or [""]
    assert len(found) == len(set(found))
    return set(found)


def test_the_page_shows_every_event_once_page_by_page(trail: Trail) -> None:
    client = admitted(trail.app, AUDITOR)
    text = _page(client)
    assert len(_rows(text)) == 50
    assert "script" not in text
    assert _shown(client, "to=2026-10-31") == {one.id for one in trail.told}


@pytest.mark.parametrize(
    ("query", "test"),
    [
        ("patient=A", lambda one: one.patient == "A"),
        ("patient=Patient/B", lambda one: one.patient == "B"),
        ("agent=ehr-one", lambda one: one.caller.client == "ehr-one"),
        ("agent=gate_way.2", lambda one: one.caller.client == "gate_way.2"),
        ("agent=Practitioner/n1", lambda one: one.caller.user == "Practitioner/n1"),
        ("action=D", lambda one: one.kind.action == "D"),
        ("outcome=done", lambda one: one.event.outcome == "0"),
        ("outcome=failed", lambda one: one.event.outcome != "0"),
        ("interaction=110136,110137", lambda one: one.kind.interaction == "110137"),
        ("interaction=read&patient=A&action=&outcome=", lambda one: one.kind.interaction == "read" and one.patient == "A"),
        ("from=2026-01-10", lambda one: _day(one) >= "2026-01-10"),
    ],
)
def test_the_filters_filter(trail: Trail, query: str, test: Any) -> None:
    expected = {one.id for one in trail.told if test(one)}
    assert expected
    assert _shown(admitted(trail.app, AUDITOR), f"{query}&to=2026-10-31") == expected


def _day(told: Told) -> str:
    return to_datetime(told.recorded).astimezone(Settings(time_zone="America/Los_Angeles").zone).date().isoformat()


def test_a_row_says_when_who_what_which_and_why(trail: Trail) -> None:
    client = admitted(trail.app, AUDITOR)
    [row, *_] = _rows(_page(client, "agent=gate_way.2&outcome=failed&to=2026-10-31"))
    assert re.fullmatch(r"2026-\d\d-\d\d \d\d:\d\d:\d\d P[SD]T", row[0])
    assert row[1:4] == ["gate_way.2", REFUSED.subtypes[0].display, "AuditEvent AuditEvent?patient=***"]
    assert "403 Forbidden: scope" in row[5]
    [row, *_] = _rows(_page(client, "agent=Practitioner/n1&action=D&to=2026-10-31"))
    assert row[1:5] == ["Zoë Müller (Practitioner/n1), with pages", "deleted", "Observation/o1/_history/11", "Patient/A"]
    text = _page(client, "agent=Practitioner/n1&action=D&to=2026-10-31")
    assert 'href="/fhir/Observation/o1/_history/11"' in text
    assert f'href="/audit/proof?entry={_links(text)[0]}"' in text


def test_the_proof_is_of_the_entry_and_not_of_one_of_its_patients(trail: Trail) -> None:
    text = _page(admitted(trail.app, AUDITOR), "patient=C&interaction=search-type&to=2026-10-31")
    entries = {id.rsplit("-", 1)[0] if id.count("-") == 5 else id for id in _links(text)}
    assert set(re.findall(r'/audit/proof\?entry=([^"]+)"', text)) == entries != set(_links(text))


def test_what_was_searched_for_is_shown_to_who_may_see_it(trail: Trail) -> None:
    query = "patient=B&interaction=search-type&to=2026-10-31"
    assert "Bertram" not in _page(admitted(trail.app, AUDITOR), query)
    assert "Bertram" in _page(admitted(trail.app, PRIVACY), query)


def test_leak_35_the_page_of_a_patients_app_has_that_patient_alone(trail: Trail) -> None:
    client = admitted(trail.app, PATIENT_APP, patient="A")
    text = "".join(_page(client, f"to=2026-10-31{more}") for more in ("", "&patient=B", "&agent=ehr-one"))
    assert _shown(client, "to=2026-10-31") == {one.id for one in trail.told if one.patient == "A"}
    assert [
        word for word in ("Patient/B", "Patient/C", "Bertram") if word in text.replace('value="B"', "").replace("Events of Patient/B", "")
    ] == []


@pytest.mark.parametrize("path", ["/audit", "/audit/disclosures?patient=A", "/audit/disclosures?patient=A&_format=csv"])
def test_leak_36_who_has_no_scope_gets_the_page_without_events(trail: Trail, path: str) -> None:
    client = admitted(trail.app, Registration("ehr-of-others", role="ehr"))
    answer = client.get(path, headers=BROWSER)
    assert answer.status_code == 403
    assert _links(answer.text) == []
    assert _rows(answer.text) == []


@pytest.mark.parametrize("path", ["/audit", "/audit/disclosures"])
def test_who_is_not_known_signs_in_and_a_program_is_asked_for_a_token(trail: Trail, path: str) -> None:
    sender = trail.app.test_client()
    answer = sender.get(f"{path}?patient=A", headers=BROWSER)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/sign-in?next={path.replace('/', '%2F')}%3Fpatient%3DA")
    bad = sender.get(path, headers={**BROWSER, "Authorization": "Bearer nonsense"})
    assert (bad.status_code, bad.json["resourceType"]) == (401, "OperationOutcome")
    assert sender.get(path, headers={"Accept": "*/*"}).status_code == 401


@pytest.mark.parametrize(
    ("path", "query"),
    [
        *(("/audit", query) for query in ("nonsense=1", "outcome=x", "from=never", "patient=%24%24", "_cursor=x", "agent=a/b/c/d")),
        *(
            ("/audit/disclosures", f"patient=A&{query}")
            for query in ("nonsense=1", "from=never", "from=2026-02-01&to=2026-01-01", "_format=xls")
        ),
        *(("/audit/disclosures", query) for query in ("patient=%24", "patient=Observation/x")),
    ],
)
def test_a_field_that_makes_no_sense_is_told_on_the_page(trail: Trail, path: str, query: str) -> None:
    text = _page(admitted(trail.app, AUDITOR), query, 400, path)
    assert 'class="issue error"' in text
    assert _links(text) == []


def test_the_form_keeps_what_was_typed_and_nothing_of_it_is_markup(trail: Trail) -> None:
    text = _page(admitted(trail.app, AUDITOR), "agent=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&outcome=failed&from=2026-01-01", 400)
    assert "<script" not in text
    assert "&#34;&gt;&lt;script&gt;" in text
    assert '<option value="failed" selected>' in text
    assert 'name="from" value="2026-01-01"' in text


def test_each_look_at_a_page_is_one_event(trail: Trail) -> None:
    """Also the reports, and also what was refused."""
    reader, client = admitted(trail.app), admitted(trail.app, Registration("looker", role="auditor"))
    paths = [
        ("/audit?patient=A", "search-type", "0"),
        ("/audit?nonsense=1", None, "4"),
        ("/audit/disclosures?patient=A", "110101", "0"),
        ("/audit/disclosures?patient=A&_format=csv", "110101", "0"),
        ("/audit/disclosures?patient=A&_format=pdf", "110101", "0"),
        ("/audit/disclosures?patient=A&from=x", None, "4"),
    ]
    for path, kind, outcome in paths:
        before = _events_of(reader, "looker")
        client.get(path, headers=BROWSER)
        [new] = [one for one in _events_of(reader, "looker") if one not in before]
        assert (new["outcome"], _patients(new)) == (outcome, ["Patient/A"] if outcome == "0" else [])
        assert kind is None or kind in (new["type"]["code"], new.get("subtype", [{}])[0].get("code"))


def _events_of(reader: FlaskClient, client: str) -> list[Any]:
    answer = reader.get(f"/fhir/AuditEvent?agent:identifier={client}&_count=1000")
    return [entry["resource"] for entry in answer.json.get("entry", ())]


def _patients(tree: Any) -> list[str]:
    return [one["what"]["reference"] for one in tree.get("entity", ()) if one.get("role", {}).get("code") == "1"]


def _counts(one: Told) -> bool:
    """The rule in other words: what a patient must be told of."""
    purpose = one.event.purpose or one.caller.purpose
    looks = one.kind.interaction in SHOWING
    outside = one.caller.role in ("ehr", "auditor", "subscriber") or (
        purpose is not None and purpose not in ("TREAT", "ETREAT", "HPAYMT", "HOPERAT")
    )
    return looks and one.event.outcome == "0" and outside


@pytest.mark.parametrize("patient", ["A", "B", "C", "D"])
def test_a_disclosure_is_what_was_shown_to_others_and_nothing_else(trail: Trail, patient: str) -> None:
    lines = accounting.of_patient(Context(trail.service, TESTS), patient, "2026-01-01", "2026-10-31")
    expected = [one for one in trail.told if one.patient == patient and _counts(one)]
    assert {one.id for one in lines} == {one.id for one in expected}
    assert [one.recorded for one in lines] == sorted(one.recorded for one in lines)
    assert bool(expected) is (patient != "D")
    assert any(one.patient == patient and not _counts(one) for one in trail.told) is (patient != "D")


def test_the_period_is_of_whole_days_of_the_clinic(trail: Trail) -> None:
    days = sorted({_day(one) for one in trail.told if one.patient == "A" and _counts(one)})
    assert len(days) > 3
    for day in days:
        lines = accounting.of_patient(Context(trail.service, TESTS), "A", day, day)
        assert {one.id for one in lines} == {one.id for one in trail.told if one.patient == "A" and _counts(one) and _day(one) == day}


def test_the_three_formats_have_equal_rows(trail: Trail) -> None:
    client = admitted(trail.app, AUDITOR)
    path = f"/audit/disclosures?patient=A&{PERIOD}"
    page = _rows(client.get(path, headers=BROWSER).text)
    table = client.get(f"{path}&_format=csv")
    assert table.headers["Content-Disposition"] == 'attachment; filename="disclosures-A-2026-01-01-2026-12-31.csv"'
    [heading, *rows] = csv.reader(io.StringIO(table.get_data().decode("utf-8-sig")))
    rows = rows[: rows.index([])]
    assert heading == ["Date", "Disclosed to", "What", "Purpose"]
    assert rows == page
    assert len(rows) >= 10
    paper = client.get(f"{path}&_format=pdf")
    assert paper.mimetype == "application/pdf"
    told = "".join("".join(one.extract_text().split()) for one in pypdf.PdfReader(io.BytesIO(paper.get_data())).pages)
    places = [told.find("".join("".join(cell.split()) for cell in row)) for row in rows]
    assert all(place > 0 for place in places)
    assert told.count("P" + "ST") + told.count("PDT") >= len(rows)
    assert len(re.findall(r"2026-\d\d-\d\d\d\d:\d\d:\d\dP[SD]T", told)) == len(rows) + 1, "and when it was made"


def test_the_report_says_to_whom_what_and_why(trail: Trail) -> None:
    rows = _rows(_page(admitted(trail.app, AUDITOR), f"patient=B&{PERIOD}", path="/audit/disclosures"))
    told = [row[1:] for row in rows]
    usual = "None stated. A hospital's system that pulls visits, doses, vital signs and adverse events."
    assert ["ehr-one", "read Observation/o10", usual] in told
    assert ["ehr-one", "searched Observation?patient=***&_count=***", usual] in told
    assert ["Auditor Lee (Practitioner/lee), with pages", "searched Patient?name=***&birthdate=***", "HCOMPL"] in told
    assert not any("Bertram" in "".join(row) for row in rows)


def test_a_patients_app_gets_the_accounting_of_that_patient_and_no_other(trail: Trail) -> None:
    client = admitted(trail.app, PATIENT_APP, patient="A")
    assert len(_rows(_page(client, f"patient=A&{PERIOD}", path="/audit/disclosures"))) >= 10
    assert _rows(_page(client, f"patient=B&{PERIOD}", 403, "/audit/disclosures")) == []


def test_an_accounting_takes_the_whole_trail(trail: Trail) -> None:
    """With a scope that hides some events it would say what is not so."""
    client = admitted(trail.app, Registration("narrow", "system/AuditEvent.rs?action=R"))
    assert client.get(f"/audit/disclosures?patient=A&{PERIOD}").status_code == 403
    assert client.get("/audit?patient=A").status_code == 200


def test_no_cell_is_a_formula() -> None:
    cells = ("=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", " =1", "plain", "a=b", "'=1")
    table = Table("t", (("Made by", "=cmd()"),), ("=heading",), tuple((cell,) for cell in cells))
    rows = list(csv.reader(io.StringIO(csv_text.written(table).removeprefix("\ufeff"), newline="")))
    assert [row[0] for row in rows if row][: len(cells) + 1] == [
        *("'=heading", "'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\tx", "'\rx", "' =1", "plain", "a=b", "'=1"),
    ]
    assert ["Made by", "'=cmd()"] in rows


def test_paper_has_every_row_its_pages_and_no_markup() -> None:
    rows = tuple((f"row {number}", "<b>&amp;</b> Łódź Ω " + "x" * 300) for number in range(90))
    reader = pypdf.PdfReader(io.BytesIO(pdf.written(Table("A report", (("Of", "all"),), ("Number", "Text"), rows))))
    texts = [one.extract_text() for one in reader.pages]
    assert len(texts) > 2
    assert all(f"page {number} of {len(texts)}" in text for number, text in enumerate(texts, 1))
    assert all(re.search(rf"row {number}\s", "\n".join(texts)) for number in range(90))
    assert "<b>&amp;</b>" in "\n".join(texts)
    assert "Nothing to report" in pypdf.PdfReader(io.BytesIO(pdf.written(Table("t", (), ("c",), ())))).pages[0].extract_text()
