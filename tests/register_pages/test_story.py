"""The story of a line of the example visit: every chapter, what was amended with old and new, who signed, and the proof of each version."""

import re
from html import unescape

import pytest
from flask import Flask

from service.app import composed
from service.ledger.entry import Entry
from service.records.clients import Registration
from service.records.context import Context, Service
from service.records.register import lines
from service.records.register.lines import Filter
from tests.access import TESTS, admitted
from tests.register import visit
from tests.register.visit import COUNT, DRAW, FIRST, GIVEN, SECOND, SYRINGE, VISIT, WASTE, Chart

AUDITOR = Registration("auditor-portal", role="auditor")
HTML = {"Accept": "text/html"}
HOSTILE = '=1+1</td><script>alert(1)</script>"'


@pytest.fixture
def app(service: Service) -> Flask:
    """The application on an empty database."""
    return composed(service)


@pytest.fixture
def chart(app: Flask) -> Chart:
    """The visit, posted at once."""
    made = Chart.on(app)
    answer = visit.process(made.client, made.tree)
    for entry, place, said in zip(made.tree["entry"], visit.places(answer), answer.json["entry"], strict=True):
        made.at[entry["fullUrl"]], made.versions[entry["fullUrl"]] = place, said["response"]["etag"]
    return made


def _entry(app: Flask, kind: str) -> Entry:
    return next(one for one in visit.lines(app) if one.kind == kind)


def _story(app: Flask, kind: str) -> str:
    line = _entry(app, kind)
    answer = admitted(app, AUDITOR).get(f"/register/lines/{line.vial}/{line.number}", headers=HTML)
    assert answer.status_code == 200
    return answer.text


def _chapters(page: str) -> list[tuple[str, str]]:
    """Title and reference of each."""
    return [(title, reference) for title, reference in re.findall(r"<h3>([^:<]+): <a href=\"/fhir/([^\"]+)\"", page)]


def test_the_chapters_are_in_the_order_of_what_happened(app: Flask, chart: Chart) -> None:
    found = _chapters(_story(app, "wasted"))
    named = [
        ("Draw", DRAW),
        ("Syringe", SYRINGE),
        ("Given", GIVEN),
        ("Segment", FIRST),
        ("Segment", SECOND),
        ("Wasted", WASTE),
        ("Visit", VISIT),
    ]
    assert [one for one in found if one[0] not in ("Vial", "Receipt")] == [(title, chart.place(number)) for title, number in named]
    assert [title for title, _ in found[:2]] == ["Vial", "Receipt"]


def test_a_count_has_no_draw(app: Flask, chart: Chart) -> None:
    assert [title for title, _ in _chapters(_story(app, "counted"))][:3] == ["Vial", "Receipt", "Counted"]
    assert ("Counted", chart.place(COUNT)) in _chapters(_story(app, "counted"))


def test_who_signed_and_every_version_has_its_proof(app: Flask, chart: Chart) -> None:
    page = _story(app, "wasted")
    assert "Author&#39;s Signature" in page
    assert "Event Witness Signature" in page
    proofs = re.findall(r'href="/audit/proof\?entry=([^"]+)" aria-label="Proof of version 1 of ([^"]+)"', page)
    assert {reference for _, reference in proofs} == {reference for _, reference in _chapters(page)}
    answer = admitted(app, AUDITOR).get(f"/audit/proof?entry={proofs[0][0]}")
    assert answer.status_code in (200, 503), "there, or not signed yet"
    assert chart.place(WASTE) in page


def test_an_amendment_is_told_with_old_and_new(app: Flask, chart: Chart) -> None:
    less = {**chart.resource(WASTE)["valueQuantity"], "value": 17.75}
    assert chart.amend(WASTE, chart.why(WASTE), status="amended", valueQuantity=less).status_code == 200
    page = _story(app, "wasted")
    assert re.search(r"<code>valueQuantity.value</code>: <del>17.8</del> <ins>17.75</ins>", page)
    assert re.search(r"<code>status</code>: <del>final</del> <ins>amended</ins>", page)
    marks = [(one.entry.kind, one.entry.amount_ug, bool(one.entry.reverses), one.marks) for one in _lines(app)]
    assert [one[1:] for one in marks if one[0] == "wasted"] == [
        (17_800, False, ("amended", "short")),
        (17_800, True, ("amended", "short")),
        (17_750, False, ("amended", "short")),
    ]
    assert ("received", 500_000, False, ()) in marks
    assert "moves back no. 5" in unescape(page)


def _lines(app: Flask) -> list[lines.Line]:
    ctx = Context(app.extensions["infusion_records"], TESTS)
    with ctx.snapshot() as tx:
        found = list(lines.leaf(ctx, tx, Filter(), None, 100).lines)
    return sorted(found, key=lambda one: one.entry.number)


def test_the_alert_of_a_patient_is_no_part_of_the_story(app: Flask, chart: Chart) -> None:
    page = _story(app, "given")
    assert chart.place(visit.ALERT) not in page
    assert "186/112" not in page


def test_what_people_typed_stays_text(app: Flask) -> None:
    made = Chart.on(app)
    vial = next(one["resource"] for one in made.tree["entry"] if one["fullUrl"] == made.tree["entry"][visit.VIAL]["fullUrl"])
    vial["batch"]["lotNumber"] = HOSTILE
    answer = visit.process(made.client, made.tree)
    assert answer.status_code == 200, answer.text
    auditor = admitted(app, AUDITOR)
    for path in ("/register", "/register/vials", f"/register/lines/{_entry(app, 'wasted').vial}/1"):
        page = auditor.get(path, headers=HTML).text
        assert "alert(1)" in page
        assert "<script" not in page
    found = auditor.get("/register", query_string={"lot": HOSTILE, "_format": "csv"}).text
    assert found.count("'=1+1") >= 1, "no spreadsheet calculates it"
    assert not re.search(r"(^|,)\"?=1\+1", found)
