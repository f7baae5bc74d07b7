"""The pages of the audit trail in a real browser without JavaScript: by links and forms alone, readable by everybody, on paper too.

Needs Debian's chromium; tests/conftest.py skips what is marked `browser` without it.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from service import wiring
from service.config import Settings
from service.records.clients import Registration
from tests.access import bearer
from tests.audit_view.world import Told, fill
from tests.databases import Databases
from tests.server import Live, running

pytestmark = pytest.mark.browser

AUDITOR = Registration("auditor-portal", role="auditor")
PERIOD = "from=2026-01-01&to=2026-10-31"
PAGES = {
    "trail": f"/audit?{PERIOD}",
    "nothing": "/audit?patient=nobody",
    "refusal": "/audit?from=never",
    "disclosures": f"/audit/disclosures?patient=A&{PERIOD}",
    "form": "/audit/disclosures",
}
GRAVE = {"serious", "critical"}


@pytest.fixture(scope="module")
def live(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Live, list[Told]]]:
    """The service on the audit trail of `world`."""
    with databases.fresh("sqlite") as url, running(tmp_path_factory.mktemp("browser"), url, time_zone="America/Los_Angeles") as live:
        parts = wiring.service(Settings(database_url=url, base_url=live.url, cursor_key="c" * 32))
        told = fill(parts)
        parts.database.dispose()
        yield live, told


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


def _page(browser: Browser, live: Live, **options: Any) -> Page:
    headers = bearer(live.admit(AUDITOR))
    return browser.new_context(extra_http_headers=headers, accept_downloads=True, **options).new_page()


def _ids(page: Page) -> list[str]:
    links = page.get_by_role("link", name="Event of", exact=False).all()
    return [(link.get_attribute("href") or "").rpartition("/")[2] for link in links if "proof" not in (link.get_attribute("href") or "")]


def test_from_the_top_of_the_page_to_an_event_and_its_patient(browser: Browser, live: tuple[Live, list[Told]]) -> None:
    service, told = live
    page = _page(browser, service, java_script_enabled=False)
    page.goto(f"{service.origin}/fhir/AuditEvent?_count=1")
    page.get_by_role("navigation", name="Service").get_by_role("link", name="Audit").click()
    page.get_by_label("Patient (id)").fill("A")
    page.locator("select[name=action]").select_option("D")
    page.get_by_label("To", exact=True).fill("2026-10-31")
    page.get_by_role("button", name="Filter").click()
    expected = {one.id for one in told if one.patient == "A" and one.kind.action == "D"}
    assert set(_ids(page)) == expected
    assert page.locator("select[name=action]").input_value() == "D"
    page.locator(f"a[href$='/AuditEvent/{next(iter(expected))}']").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert "Observation/o1/_history/11" in page.content()


def test_paging_shows_every_event_once(browser: Browser, live: tuple[Live, list[Told]]) -> None:
    service, told = live
    page = _page(browser, service, java_script_enabled=False)
    page.goto(f"{service.origin}/audit?{PERIOD}")
    found = _ids(page)
    while page.get_by_role("link", name="Next page").count():
        page.get_by_role("link", name="Next page").click()
        found += _ids(page)
    assert sorted(found) == sorted(one.id for one in told)
    page.get_by_role("link", name="First page").click()
    assert _ids(page) == found[:50]


def test_the_accounting_is_asked_for_and_taken_along(browser: Browser, live: tuple[Live, list[Told]], tmp_path: Path) -> None:
    service, _ = live
    page = _page(browser, service, java_script_enabled=False)
    page.goto(f"{service.origin}/audit?patient=A")
    page.get_by_role("link", name="Accounting of disclosures").click()
    page.get_by_label("From", exact=True).fill("2026-01-01")
    page.get_by_label("To", exact=True).fill("2026-10-31")
    page.get_by_role("button", name="Show").click()
    rows = page.locator("tbody tr").count()
    assert rows >= 10
    for name in ("CSV", "PDF"):
        with page.expect_download() as waiting:
            page.get_by_role("link", name=name).click()
        path = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(path)
        assert path.name == f"disclosures-A-2026-01-01-2026-10-31.{name.lower()}"
        assert path.read_bytes().startswith(b"%PDF-" if name == "PDF" else b"\xef\xbb\xbfDate,")
    assert path.stat().st_size > 5000


@pytest.mark.parametrize("name", PAGES)
def test_pages_are_accessible_fit_a_phone_and_stay_home(browser: Browser, live: tuple[Live, list[Told]], name: str) -> None:
    service, _ = live
    page = _page(browser, service)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{service.origin}{PAGES[name]}")
    page.wait_for_load_state("networkidle")
    found = Axe().run(page)
    assert [(one["id"], one["nodes"][0]["html"]) for one in found.response["violations"] if one["impact"] in GRAVE] == []
    assert [url for url in asked if not url.startswith((service.origin, "data:"))] == []
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
