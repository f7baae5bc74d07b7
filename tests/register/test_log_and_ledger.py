"""The administration log and the ledger of a small clinic: what they show, what narrows them, what ties out, and how they are sent."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.app import create_app
from service.config import Settings
from service.records import audit_events
from service.records.clients import Registration
from service.records.register import administrations
from service.rest.operations import reported
from service.rest.operations.table import OPERATIONS
from tests.access import admitted
from tests.databases import KINDS, Databases
from tests.register.stock import Clinic, at

FHIR = "application/fhir+json"
LOG, LEDGER = "cs-administration-log", "cs-ledger"


@dataclass
class Story:
    """A vial of 500 mg: 50 drawn, 32.2 given, 17.8 wasted; 20 drawn and given in two parts of which one is still going on."""

    app: Flask
    clinic: Clinic
    auditor: FlaskClient

    def tree(self, asked: str) -> Any:
        """The Parameters of a report."""
        answer = self.auditor.get(f"/fhir/${asked}", headers={"Accept": FHIR})
        assert answer.status_code == 200, answer.text
        return answer.get_json()

    def rows(self, asked: str, name: str = "row") -> list[dict[str, Any]]:
        """Its rows, or its totals, by column."""
        return [
            {part["name"]: next((value for key, value in part.items() if key.startswith("value")), None) for part in one["part"]}
            for one in self.tree(asked)["parameter"]
            if one["name"] == name
        ]

    def refused(self, asked: str) -> tuple[int, str]:
        """How it is refused."""
        answer = self.auditor.get(f"/fhir/${asked}", headers={"Accept": FHIR})
        return answer.status_code, answer.get_json()["issue"][0]["diagnostics"]


@pytest.fixture(scope="module", params=KINDS)
def story(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Story]:
    with databases.fresh(request.param) as url:
        app = create_app(Settings(database_url=url, time_zone="America/Los_Angeles", cursor_key="c" * 32, rate_limit=0))
        clinic = Clinic.opened(admitted(app))
        clinic.add("vial", clinic.vial())
        clinic.add("receipt", clinic.receipt("vial"))
        clinic.add("draw", clinic.draw("vial", 50))
        clinic.add("given", clinic.given("vial", ["draw"], 32.2))
        clinic.add("waste", clinic.entry("waste", "vial", 17.8, 80, **clinic.of_draw("draw")))
        clinic.add("second-draw", clinic.draw("vial", 20, 100))
        clinic.add("second", clinic.given("vial", ["second-draw"], 20, 110))
        clinic.add("third", {**clinic.given("vial", ["second-draw"], 1, 120, "in-progress"), "effectivePeriod": {"start": at(120)}})
        clinic.add("moved", clinic.entry("transfer", "vial", 430, 130, **clinic.to_safe("other-safe")))
        yield Story(app, clinic, admitted(app, Registration("auditor", role="auditor")))
        app.extensions["infusion_records"].database.dispose()


def test_the_log_has_each_administration_with_its_draw(story: Story) -> None:
    rows = story.rows(LOG)
    names = [story.clinic.places[name] for name in ("given", "second", "third")]
    assert [row["administration"]["reference"] for row in rows] == names
    assert [row.get("given") for row in rows] == [32.2, 20, None]
    assert [row.get("volume") for row in rows] == [0.644, 0.4, None]
    assert [(row["drawn"], row["wasted"], row["returned"]) for row in rows] == [(50, 17.8, 0), (20, 0, 0), (20, 0, 0)]
    assert [row["status"] for row in rows] == ["completed", "completed", "in-progress"]
    assert [row.get("waste-witness") for row in rows] == ["okafor", None, None]
    assert "end" not in rows[2]
    assert {(row["patient"], row["performer"], row["lot"], row["strength"]) for row in rows} == {("Sample", "chen", "LOT-1", "50 mg/mL")}
    [total] = story.rows(LOG, "total")
    assert [total[name] for name in ("substance", "strength", "given", "volume")] == ["Total 6130", "50 mg/mL", 52.2, 1.044]


def test_its_columns_say_what_the_law_asks_for(story: Story) -> None:
    parts = [{part["name"]: part["valueString"] for part in one["part"]} for one in story.tree(LOG)["parameter"] if one["name"] == "column"]
    law = {one["name"] for one in parts if one.get("basis") == "law"}
    assert law == {
        *("start", "patient", "address", "substance", "form", "strength", "given", "volume", "performer", "licence", "wasted", "site"),
    }
    assert all(one.get("basis") in ("law", "policy") for one in parts)
    assert len(parts) == len({one["name"] for one in parts}) == 38


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ("schedule=CIV", 0),
        ("lot=LOT-1", 3),
        ("lot=LOT-2", 0),
        ("vial={vial}", 3),
        ("vial={draw}", 0),
        ("substance=6130", 3),
        ("substance=6960", 0),
        ("patient={patient}", 3),
        ("patient=nobody", 0),
        ("performer={chen}", 3),
        ("performer={okafor}", 0),
        ("site={site}", 3),
        ("flag=late", 0),
        ("flag=unwitnessed", 0),
        ("flag=unreceived", 0),
        ("start={before}&end={before}", 0),
        ("start={first}&end={first}", 1),
        ("start={first}", 3),
    ],
)
def test_what_is_asked_for_narrows_the_log(story: Story, asked: str, count: int) -> None:
    first = datetime.fromisoformat(at(70))
    named = {name: place.partition("/")[2] for name, place in story.clinic.places.items()}
    named |= {"first": _query(first), "before": _query(first - timedelta(seconds=1))}
    assert len(story.rows(f"{LOG}?{asked.format(**named)}")) == count


def _query(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (f"{LOG}?schedule=CIX", "no schedule"),
        (f"{LOG}?start=2026-02-30", "'start' takes a date"),
        (f"{LOG}?start=2026-03-02&end=2026-03-01", "ends before it begins"),
        (f"{LOG}?patient=Practitioner/1", "'patient' is a Patient here"),
        (f"{LOG}?flag=odd", "no flag"),
        (f"{LOG}?site=elsewhere", "no books of this site"),
        (f"{LOG}?unknown=1", "has no parameter"),
        (f"{LOG}?lot=" + "x" * 300, "more than 200 characters"),
        (f"{LEDGER}?end=2026-03-01&asOf=2026-03-01", "Leave out one"),
        (f"{LEDGER}?start=2026-03-02&end=2026-03-01", "ends before it begins"),
        (f"{LEDGER}?strength=much", "'strength'"),
        (f"{LEDGER}?strength=0.0001", "three decimals"),
        (f"{LEDGER}?strength=1e999999", "'strength'"),
        (f"{LEDGER}?detail=maybe", "true or false"),
        (f"{LEDGER}?vial=Vial/1", "'vial' is a Medication here"),
        (f"{LEDGER}?lot=a%00b", ""),
    ],
)
def test_what_cannot_be_meant_is_refused(story: Story, asked: str, told: str) -> None:
    answer = story.auditor.get(f"/fhir/${asked}", headers={"Accept": FHIR})
    if told:
        assert answer.status_code == 400, answer.text
        assert told in answer.get_json()["issue"][0]["diagnostics"]
    else:
        assert answer.status_code < 500, answer.text


def test_the_ledger_ties_out_and_follows_the_events(story: Story) -> None:
    [row] = story.rows(LEDGER)
    told = (
        "opening",
        "received",
        "opened",
        "drawn",
        "given",
        "returned",
        "wasted",
        "transferred",
        "closing",
        "closing-in-syringes",
        "ties-out",
    )
    assert [row[name] for name in told] == [0, 500, 0, 70, 52.2, 0, 17.8, 0, 430, 0, True]
    [row] = story.rows(f"{LEDGER}?asOf={_query(datetime.fromisoformat(at(65)))}")
    assert [row[name] for name in ("drawn", "given", "closing", "closing-in-syringes", "ties-out")] == [50, 0, 450, 50, True]
    [row] = story.rows(f"{LEDGER}?start={_query(datetime.fromisoformat(at(65)))}")
    names = ("opening", "opening-in-syringes", "received", "drawn", "given", "wasted", "closing", "closing-in-syringes", "ties-out")
    assert [row[name] for name in names] == [450, 50, 0, 20, 52.2, 17.8, 430, 0, True]
    lot, product = story.rows(LEDGER, "total")
    assert (lot["vial"], product["vial"]) == ("Total lot LOT-1", "Total 6130")
    assert lot["closing"] == product["closing"] == 430


@pytest.mark.parametrize(
    ("asked", "count"), [("strength=50", 1), ("strength=10", 0), ("lot=LOT-1", 1), ("lot=x", 0), ("substance=6130", 1), ("site={site}", 1)]
)
def test_what_is_asked_for_narrows_the_ledger(story: Story, asked: str, count: int) -> None:
    assert len(story.rows(f"{LEDGER}?{asked.format(site=story.clinic.id('site'))}")) == count


def test_each_line_has_the_balance_after_it(story: Story) -> None:
    rows = story.rows(f"{LEDGER}?detail=true")
    assert [row["event"] for row in rows] == ["received", "drawn", "given", "wasted", "drawn", "given", "transferred"]
    assert [row["balance"] for row in rows] == [500, 450, 450, 450, 430, 430, 430]
    [total] = story.rows(f"{LEDGER}?detail=true", "total")
    assert [total[name] for name in ("in", "drawn", "given", "wasted", "balance")] == [500, 70, 52.2, 17.8, 430]
    later = story.rows(f"{LEDGER}?detail=true&start={_query(datetime.fromisoformat(at(90)))}")
    assert [row["balance"] for row in later] == [430, 430, 430]


def test_an_amendment_is_marked_and_the_rows_stay_those_of_the_record(story: Story) -> None:
    before = story.rows(LOG)
    assert story.clinic.amend("given", note=[{"text": "Given in room 2"}]).status_code == 200
    after = story.rows(LOG)
    assert [(row["version"], row["amended"]) for row in after] == [(2, True), (1, False), (1, False)]
    assert after[0]["recorded"] == before[0]["recorded"]
    assert [row["administration"] for row in story.rows(f"{LOG}?flag=amended")] == [after[0]["administration"]]
    assert list(administrations.check(story.app.extensions["infusion_records"])) == []


@pytest.mark.parametrize("asked", [LOG, LEDGER])
def test_a_long_report_is_the_same_while_it_is_sent(story: Story, asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = {name: story.auditor.get(f"/fhir/${asked}?_format={name}") for name in ("json", "csv")}
    monkeypatch.setattr(reported, "LONG", 0)
    for name, before in whole.items():
        sent = story.auditor.get(f"/fhir/${asked}?_format={name}")
        assert sent.status_code == 200
        assert sent.headers["Content-Type"] == before.headers["Content-Type"]
        assert sent.headers["Cache-Control"] == "no-store"
        assert "Content-Length" not in sent.headers
        assert _timeless(sent.text) == _timeless(before.text)
    pretty = story.auditor.get(f"/fhir/${asked}?_format=json&_pretty=true").text
    assert json.loads(pretty)["resourceType"] == "Parameters"
    assert "\n  " in pretty
    assert "<html" in story.auditor.get(f"/fhir/${asked}?_format=html").text


def _timeless(text: str) -> list[str]:
    return [
        line
        for line in text.replace("},{", "\n").splitlines()
        if "Generated at" not in line and "As of" not in line and "T" not in line[-40:]
    ]


def test_formats_are_those_of_reports_alone(story: Story) -> None:
    auditor = story.auditor
    sheet = auditor.get(f"/fhir/${LOG}", headers={"Accept": "text/csv"})
    assert sheet.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert sheet.headers["Content-Disposition"].startswith(f'attachment; filename="{LOG}-20')
    assert len(list(csv.reader(io.StringIO(sheet.text)))[1]) == 38
    assert auditor.get(f"/fhir/${LOG}", headers={"Accept": "application/pdf, application/json;q=0.5"}).data.startswith(b"%PDF")
    assert auditor.get(f"/fhir/${LOG}", headers={"Accept": "*/*"}).get_json()["resourceType"] == "Parameters"
    assert auditor.get(f"/fhir/${LOG}?_format=xml").status_code == 406
    assert auditor.get("/fhir/Medication?_format=csv").status_code == 406
    assert auditor.get("/fhir/Medication", headers={"Accept": "text/csv"}).status_code == 406
    refused = auditor.get(f"/fhir/${LOG}?schedule=x&_format=pdf")
    assert (refused.status_code, refused.get_json()["resourceType"]) == (400, "OperationOutcome")
    head = auditor.head(f"/fhir/${LOG}?_format=csv")
    assert (head.status_code, head.data) == (200, b"")
    posted = auditor.post(f"/fhir/${LOG}?_format=csv", data={"lot": "LOT-1"})
    assert posted.text.count("\r\nMedicationAdministration/") == 3


def test_the_audit_trail_knows_the_names_of_all_operations() -> None:
    """A name that it does not know is hidden from those who may not see what others searched for."""
    assert {f"${one.code}" for one in OPERATIONS} == audit_events.OPERATIONS


def test_in_a_bundle_a_report_is_a_resource(story: Story) -> None:
    entry = {"request": {"method": "GET", "url": f"${LOG}?_format=csv"}}
    answer = story.auditor.post("/fhir", json={"resourceType": "Bundle", "type": "batch", "entry": [entry]})
    assert answer.status_code == 200, answer.text
    assert answer.get_json()["entry"][0]["resource"]["resourceType"] == "Parameters"
