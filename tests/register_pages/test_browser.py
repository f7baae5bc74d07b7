"""An auditor at a real browser, without JavaScript: finds the waste that nobody witnessed, reads its story, and takes it along as files.

Needs Debian's chromium; tests/conftest.py skips what is marked `browser` without it.
"""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from openpyxl import load_workbook
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from service import wiring
from service.config import Settings
from service.records import people
from service.records.change import Update
from service.records.commit import commit
from service.records.context import Context
from tests.access import TESTS
from tests.databases import Databases
from tests.people.clinic import PASSWORD
from tests.records.samples import document
from tests.register import visit
from tests.server import Live, running
from tests.web.test_browser import GRAVE, Visitor, browser

pytestmark = pytest.mark.browser

__all__ = ["browser"]

ZONE = "America/Los_Angeles"
AUDITOR = {"resourceType": "Practitioner", "id": "aud", "name": [{"given": ["Ada"], "family": "Auditor"}]}
SECOND = {"20261117": "20261118", "V-2026-00417": "V-2026-00418", "L-2026-0088": "L-2026-0099"}
"""What is different in the second visit: the numbers of its records and of its vial."""
PATHS = ("/register", "/register?flag=unwitnessed", "/register?lot=none", "/register?from=never", "/register/vials")
PATHS += ("/register/discrepancies", "/register/reports")


@pytest.fixture(scope="module")
def live(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """The service with a visit of some days ago and one of today: nobody witnessed its waste, its vial has no receipt and is short."""
    with databases.fresh("sqlite") as url:
        here = wiring.service(Settings(database_url=url, cursor_key="c" * 32, time_zone=ZONE))
        ctx = Context(here, TESTS)
        commit(ctx, [Update("Practitioner", "aud", document(AUDITOR))])
        people.add(ctx, "ada", "aud", "auditor", PASSWORD)
        here.database.dispose()
        with running(tmp_path_factory.mktemp("register"), url, time_zone=ZONE) as live:
            for tree in (visit.bundle(), _second()):
                live.send("POST", "", {"Content-Type": "application/fhir+json"}, data=json.dumps(tree)).raise_for_status()
            yield live


def _second() -> dict[str, Any]:
    text = json.dumps(visit.lately())
    for old, new in SECOND.items():
        text = text.replace(old, new)
    tree: dict[str, Any] = json.loads(text)
    at = [one["resource"] for one in tree["entry"]]
    del at[visit.WASTE]["performer"][1]
    at[visit.COUNT]["valueQuantity"]["value"] = 449
    at[visit.VISIT]["status"] = "in-progress"
    at[visit.VISIT]["period"].pop("end", None)
    signed = next(one for one in at if one["resourceType"] == "Provenance" and len(one.get("signature", ())) == 2)
    del signed["signature"][1], signed["agent"][1]
    return tree


@pytest.fixture
def page(browser: Chromium, live: Live, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page without JavaScript, but for what checks accessibility, whose visitor is signed in; afterwards nothing may have strayed."""
    options = {"accept_downloads": True, **getattr(request, "param", {"java_script_enabled": False})}
    context = browser.new_context(base_url=live.origin, **options)
    context.set_default_timeout(15_000)
    visitor = Visitor(context, live.origin)
    visitor.page.goto("/register")
    visitor.page.get_by_label("Name", exact=True).fill("ada")
    visitor.page.get_by_label("Password", exact=True).fill(PASSWORD)
    visitor.page.get_by_role("button", name="Sign in").click()
    expect(visitor.page.locator(".who")).to_contain_text("Ada Auditor")
    yield visitor.page
    context.close()
    assert visitor.strays == []
    assert visitor.alarms == []


WITH_SCRIPTS = pytest.mark.parametrize("page", [{}, {"color_scheme": "dark"}], indirect=True, ids=["light", "dark"])


def _rows(page: Page) -> list[list[str]]:
    """The texts of the lines; a dash stands for nothing."""
    rows = page.locator("tbody").first.locator("tr").all()
    return [[" ".join(text.split()).removeprefix("–") for text in row.locator("th, td").all_text_contents()] for row in rows]


def _unwitnessed(page: Page) -> list[str]:
    page.get_by_label("no witness").check()
    page.get_by_role("button", name="Filter").click()
    rows = _rows(page)
    assert len(rows) == 1
    return rows[0]


def test_an_auditor_finds_the_waste_that_nobody_witnessed(page: Page) -> None:
    expect(page.locator("h1")).to_have_text("Register of controlled substances")
    assert len(_rows(page)) == 10
    row = _unwitnessed(page)
    assert row[0] == "V-2026-00418 no. 5"
    assert {"wasted", "17.8", "unwitnessed", "Morgan Chen RN"} <= set(row)
    expect(page.get_by_label("no witness")).to_be_checked()
    page.get_by_role("link", name="V-2026-00418 no. 5").click()
    expect(page.locator("h1")).to_have_text("V-2026-00418 no. 5")
    titles = [text.partition(":")[0] for text in page.locator(".story h3").all_text_contents()]
    assert titles[:6] == ["Vial", "Draw", "Syringe", "Given", "Segment", "Segment"]
    assert {"Wasted", "Visit", "Discrepancy", "Task"} <= set(titles)
    story = page.locator(".story").text_content() or ""
    assert "Author's Signature" in story
    assert "given 32.2 mg" in story
    page.get_by_role("link", name="Event of version 1 of Observation/", exact=False).first.click()
    expect(page.locator(".kind")).to_contain_text("AuditEvent")


def test_what_was_found_is_taken_along_with_the_same_rows(page: Page, tmp_path: Path) -> None:
    row = _unwitnessed(page)
    checksum = page.locator("dt:text-is('SHA-256 of the rows') + dd").text_content() or ""
    files = {name: _downloaded(page, name, tmp_path) for name in ("CSV", "XLSX", "PDF", "JSON")}
    text = files["CSV"].read_text(encoding="utf-8-sig")
    assert next(one for one in csv.reader(io.StringIO(text)) if one[0] == row[0]) == row
    assert checksum in text
    assert "flag unwitnessed" in text
    sheet = load_workbook(files["XLSX"]).worksheets[0]
    cells = [["" if cell is None else str(cell) for cell in one] for one in sheet.iter_rows(values_only=True)]
    assert next(one for one in cells if one[0] == row[0]) == row
    paper = " ".join(" ".join(one.extract_text() for one in PdfReader(files["PDF"]).pages).split())
    assert "Register of controlled substances" in paper
    assert "unwitnessed" in paper
    assert "17.8" in paper
    assert checksum in files["JSON"].read_text()


def _downloaded(page: Page, name: str, folder: Path) -> Path:
    with page.expect_download() as waiting:
        page.get_by_role("link", name=name, exact=True).click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    assert path.name == f"register.{name.lower()}"
    return path


def test_a_discrepancy_is_seen_with_its_task_and_its_day(page: Page) -> None:
    page.get_by_role("link", name="Discrepancies").click()
    rows = _rows(page)
    assert sorted(row[0] for row in rows) == ["open", "open"], "the count, and the vial without a receipt"
    row = next(one for one in rows if "counted 449 mg, the book says 450 mg" in one[3])
    assert row[7].startswith("DetectedIssue/")
    assert row[8].startswith("Task/")
    page.get_by_role("link", name=row[8]).click()
    expect(page.locator(".kind")).to_contain_text("Task")


def test_a_report_is_asked_for_with_its_form(page: Page, tmp_path: Path) -> None:
    page.get_by_role("navigation", name="Register").get_by_role("link", name="Reports").click()
    panel = page.locator("section", has=page.locator("#cs-waste"))
    panel.get_by_label("Lot").fill("KET24A117")
    panel.locator("select[name=_format]").select_option("csv")
    with page.expect_download() as waiting:
        panel.get_by_role("button", name="Make $cs-waste").click()
    waiting.value.save_as(tmp_path / "waste.csv")
    assert "17.8" in (tmp_path / "waste.csv").read_text(encoding="utf-8-sig")


def test_on_paper_the_head_repeats_and_the_filter_is_told(page: Page, tmp_path: Path) -> None:
    page.goto("/register?lot=KET24A117&_count=1000")
    for size in ("A4", "Letter"):
        page.pdf(path=tmp_path / f"{size}.pdf", format=size, prefer_css_page_size=True)
        sheets = [" ".join(one.extract_text().split()) for one in PdfReader(tmp_path / f"{size}.pdf").pages]
        paper = " ".join(sheets)
        for words in ("lot KET24A117", "Generated by Ada Auditor", "SHA-256 of the rows", "Ties out", "DEA registration FK1234563"):
            assert words in paper, words
        assert all(f"page {number} of {len(sheets)}" in text for number, text in enumerate(sheets, 1))
        assert "Practitioner (id)" not in paper


@WITH_SCRIPTS
def test_the_pages_are_accessible_and_stay_home(page: Page) -> None:
    line = page.locator("tbody th a").last.get_attribute("href") or ""
    for path in (*PATHS, line):
        page.goto(path)
        page.wait_for_load_state("networkidle")
        expect(page.locator("h1")).to_have_count(1)
        violations = Axe().run(page).response["violations"]
        found = {one["id"]: [node["html"] for node in one["nodes"]] for one in violations if one["impact"] in GRAVE}
        assert found == {}, path


@pytest.mark.parametrize(
    "page",
    [{"viewport": {"width": 360, "height": 740}}, {"viewport": {"width": 640, "height": 450}}],
    indirect=True,
    ids=["phone", "zoomed"],
)
def test_the_pages_fit_small_and_enlarged_screens(page: Page) -> None:
    line = page.locator("tbody th a").last.get_attribute("href") or ""
    for path in (*PATHS, line):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), path


@pytest.mark.parametrize("page", [{}], indirect=True, ids=["keyboard"])
def test_the_table_is_reached_and_scrolled_with_the_keyboard(page: Page) -> None:
    page.get_by_role("region", name="Table of lines").focus()
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Table of lines"
    assert page.evaluate("getComputedStyle(document.querySelector('.sheet thead th')).position") == "sticky"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "A"
