"""The reports over HTTP, after the example visit: every format with the same rows, who may ask, and what is refused."""

import csv
import io
from collections.abc import Iterator, Mapping
from itertools import starmap
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook

from service.app import create_app
from service.config import Settings
from service.fhir.document import Limits, decode
from service.records.clients import Registration
from service.rest.operations.table import OPERATIONS
from tests.access import EVERYTHING, admitted
from tests.databases import KINDS, Databases
from tests.register import visit

LOT = "KET24A117"
ROWS: Mapping[str, int] = {
    "cs-administration-log": 1,
    "cs-ledger": 1,
    "cs-ledger?detail=true": 5,
    "cs-receipts": 1,
    "cs-waste": 1,
    "cs-inventory": 0,
    "cs-inventory?asOf=2998-01-01": 1,
    "cs-practitioner-activity": 1,
    "cs-patient": 1,
    "cs-amendments": 0,
    "cs-reconcile?agreeing=true": 1,
    "cs-loss-report": 0,
    "cs-expiring?within=3660": 0,
    "cs-pdmp-evidence": 1,
    f"cs-lot-recall?lot={LOT}": 1,
}
"""Each report of the example visit, and how many rows it has."""
OWN = {asked.partition("?")[0] for asked in ROWS}
FHIR = "application/fhir+json"


@pytest.fixture(scope="module", params=KINDS)
def lived(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Flask]:
    """A service on which the visit was recorded, a short while ago."""
    with databases.fresh(request.param) as url:
        app = create_app(Settings(database_url=url, time_zone="America/Los_Angeles", cursor_key="c" * 32, rate_limit=0))
        visit.places(visit.process(admitted(app), visit.lately()))
        yield app
        app.extensions["infusion_records"].database.dispose()


@pytest.fixture
def auditor(lived: Flask) -> FlaskClient:
    """Who inspects."""
    return admitted(lived, Registration("auditor", role="auditor"))


def get(client: FlaskClient, asked: str, **headers: str) -> Any:
    """The answer of an operation."""
    return client.get(f"/fhir/${asked}", headers={"Accept": FHIR, **headers})


def rows(tree: Any) -> list[dict[str, Any]]:
    """The rows of Parameters, by column."""
    return [
        {part["name"]: next((value for name, value in part.items() if name.startswith("value")), None) for part in one["part"]}
        for one in tree["parameter"]
        if one["name"] == "row"
    ]


def test_these_are_all_of_them() -> None:
    reports = {one.code for one in OPERATIONS if one.reports}
    assert reports >= OWN
    assert reports - OWN <= {"cs-administration-log", "cs-ledger"}


@pytest.mark.parametrize("asked", ROWS)
def test_every_format_has_the_same_rows(lived: Flask, auditor: FlaskClient, asked: str) -> None:
    told = get(auditor, asked)
    assert told.status_code == 200, told.text
    assert lived.extensions["infusion_records"].gate.check(decode(told.data, Limits()).tree) == []
    assert len(rows(told.get_json())) == ROWS[asked]
    joint = "&" if "?" in asked else "?"
    sheet = get(auditor, f"{asked}{joint}_format=csv")
    assert sheet.status_code == 200
    lines = list(csv.reader(io.StringIO(sheet.text.removeprefix("\ufeff"))))
    columns = [
        next(part["valueString"] for part in one["part"] if part["name"] == "title")
        for one in told.get_json()["parameter"]
        if one["name"] == "column"
    ]
    assert lines[0] == columns
    book = load_workbook(io.BytesIO(get(auditor, f"{asked}{joint}_format=xlsx").data), read_only=True)
    written = [list(row) for row in book.worksheets[0].iter_rows(values_only=True)]
    for number in range(ROWS[asked]):
        texts = [text.removeprefix("'") for text in lines[1 + number]]
        assert any(_alike(row, texts) for row in written), texts
    paper = get(auditor, f"{asked}{joint}_format=pdf")
    assert paper.data.startswith(b"%PDF")


def _alike(row: list[Any], texts: list[str]) -> bool:
    """Whether a row of a workbook says the same as a line of CSV: numbers are numbers there."""
    cells = ["" if cell is None else cell for cell in row][: len(texts)]
    return len(cells) == len(texts) and all(starmap(_same, zip(cells, texts, strict=True)))


def _same(cell: Any, text: str) -> bool:
    return str(cell) == text or (not isinstance(cell, str) and text != "" and float(text) == float(cell))


@pytest.mark.parametrize("asked", ROWS)
def test_a_patient_reads_none_of_the_register(lived: Flask, asked: str) -> None:
    patient = admitted(lived, Registration("patient-app", f"patient/*.cruds {EVERYTHING}"), patient="recipient")
    answer = get(patient, asked)
    assert answer.status_code == 403
    assert "ketamine" not in answer.text


@pytest.mark.parametrize("asked", ROWS)
def test_it_takes_the_scope_of_the_register(lived: Flask, asked: str) -> None:
    for name, scopes in (("reader", "system/*.cruds"), ("writer", "system/*.rs ledger.write")):
        assert get(admitted(lived, Registration(name, scopes)), asked).status_code == 403
    anybody = lived.test_client()
    assert get(anybody, asked).status_code == 401


@pytest.mark.parametrize("asked", ["cs-waste", "cs-patient", "cs-lot-recall?lot=" + LOT])
def test_patients_are_named_to_those_who_may_see_them(lived: Flask, auditor: FlaskClient, asked: str) -> None:
    bookkeeper = admitted(lived, Registration("bookkeeper", "ledger.read"))
    [seen], [hidden] = (rows(get(client, asked).get_json()) for client in (auditor, bookkeeper))
    assert seen["patient"] == "Jordan Sample"
    assert hidden["patient"].startswith("Patient/")
    assert {"Jordan Sample", "1982-05-04", "KET-000123"}.isdisjoint(str(value) for value in hidden.values())


def test_the_trail_tells_whose_data_were_shown(lived: Flask, auditor: FlaskClient) -> None:
    [row] = rows(get(auditor, f"cs-lot-recall?lot={LOT}").get_json())
    patient = row["reference"]["reference"]
    found = admitted(lived).get(f"/fhir/AuditEvent?patient={patient}&agent=auditor&_count=50", headers={"Accept": FHIR}).get_json()
    told = [entity["query"] for one in found["entry"] for entity in one["resource"]["entity"] if "query" in entity]
    assert told


@pytest.mark.parametrize(
    ("asked", "status", "says"),
    [
        ("cs-waste?start=2026-13-01", 400, "'start' takes a date"),
        ("cs-waste?start=2026-11-02&end=2026-11-01", 400, "ends before it begins"),
        ("cs-waste?flag=lost", 400, "There is no flag"),
        ("cs-waste?performer=Patient/1", 400, "'performer' is a Practitioner here"),
        ("cs-waste?performer=http://elsewhere.example/Practitioner/1", 400, "'performer' is a Practitioner here"),
        ("cs-waste?patient=Patient/a/b/c", 400, "'patient' is a Patient here"),
        ("cs-waste?patient=%00", 400, ""),
        ("cs-waste?site=Location/nowhere", 400, "There are no books of this site"),
        ("cs-waste?colour=red", 400, "has no parameter 'colour'"),
        ("cs-waste?lot=" + "x" * 300, 400, "more than 200 characters"),
        ("cs-waste?lot=", 400, ""),
        ("cs-lot-recall", 400, "needs 'lot'"),
        ("cs-expiring?within=-1", 400, "'within' takes a whole number"),
        ("cs-expiring?within=99999999999999999999", 400, "'within' takes a whole number"),
        ("cs-inventory?asOf=yesterday", 400, "'asOf' takes a date"),
        ("cs-inventory?asOf=2026-11-01&start=2026-01-01", 400, "Give one of the two"),
        ("cs-reconcile?agreeing=perhaps", 400, "takes true or false"),
        ("cs-waste?_format=docx", 406, ""),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(auditor: FlaskClient, asked: str, status: int, says: str) -> None:
    answer = get(auditor, asked)
    assert answer.status_code == status, answer.text
    assert answer.get_json()["resourceType"] == "OperationOutcome"
    assert says in answer.get_json()["issue"][0]["diagnostics"]


@pytest.mark.parametrize("start", ["0001", "1970-01-01", "9999-12-31"])
@pytest.mark.parametrize("asked", ["cs-waste", "cs-inventory", "cs-amendments", "cs-reconcile", "cs-pdmp-evidence", "cs-loss-report"])
def test_the_ends_of_time_are_dates_like_others(auditor: FlaskClient, asked: str, start: str) -> None:
    answer = get(auditor, f"{asked}?start={start}&end=9999-12-31")
    assert answer.status_code == 200, answer.text


def test_parameters_may_come_in_the_body(auditor: FlaskClient) -> None:
    body = {"resourceType": "Parameters", "parameter": [{"name": "lot", "valueString": LOT}]}
    answer = auditor.post("/fhir/$cs-lot-recall", json=body, content_type=FHIR, headers={"Accept": FHIR})
    assert len(rows(answer.get_json())) == 1
    bad = auditor.post("/fhir/$cs-lot-recall", json={**body, "parameter": [{"name": "lot", "valueCoding": {}}]}, content_type=FHIR)
    assert bad.status_code in (400, 422)


def test_the_period_without_dates_ends_now(auditor: FlaskClient) -> None:
    header = [one for one in get(auditor, "cs-waste").get_json()["parameter"] if one["name"] == "header"]
    told = {one["part"][0]["valueString"]: one["part"][1]["valueString"] for one in header}
    assert told["Filters"] == "period the last 31 days"
    assert told["Site"].startswith("Registered location (DEA site); 100 Example Ave")
    assert "DEA registration FK1234563" in told["Site"]
    assert {"Generated by", "Generated at", "As of"} <= told.keys()


def test_a_batch_has_reports_like_other_reads(auditor: FlaskClient) -> None:
    entries = [{"request": {"method": "GET", "url": url}} for url in ("$cs-waste", "$cs-waste?flag=lost", f"$cs-lot-recall?lot={LOT}")]
    answer = auditor.post("/fhir", json={"resourceType": "Bundle", "type": "batch", "entry": entries}, content_type=FHIR)
    first, refused, last = answer.get_json()["entry"]
    assert [one["response"]["status"][:3] for one in (first, refused, last)] == ["200", "400", "200"]
    assert len(rows(first["resource"])) == len(rows(last["resource"])) == 1


def test_a_browser_sees_a_page(auditor: FlaskClient) -> None:
    answer = auditor.get("/fhir/$cs-waste", headers={"Accept": "text/html"})
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/html")
    assert "Controlled substances wasted" in answer.text


def test_what_looks_like_a_formula_is_text_in_files(lived: Flask, auditor: FlaskClient) -> None:
    attack = "=HYPERLINK(1)"
    sheet = get(auditor, f"cs-lot-recall?lot={attack}&_format=csv")
    assert sheet.status_code == 200
    assert not any(cell.startswith("=") for line in csv.reader(io.StringIO(sheet.text.removeprefix("\ufeff"))) for cell in line)
    assert attack in sheet.text
