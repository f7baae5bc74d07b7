"""A nurse at a real browser, without JavaScript: she receives, draws and wastes, and a second person witnesses the waste on the same page.

Needs Debian's chromium; tests/conftest.py skips what is marked `browser` without it.
"""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect

from service import wiring
from service.config import Settings
from tests.databases import Databases
from tests.people.clinic import PASSWORD
from tests.register_forms.world import ZONE, founded
from tests.server import Live, running
from tests.web.test_browser import GRAVE, Visitor, browser

pytestmark = pytest.mark.browser

__all__ = ["browser"]


@pytest.fixture(scope="module")
def live(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """The service with the clinic of tests.register_forms.world."""
    with databases.fresh("sqlite") as url:
        here = wiring.service(Settings(database_url=url, cursor_key="c" * 32, time_zone=ZONE))
        founded(here)
        here.database.dispose()
        with running(tmp_path_factory.mktemp("forms"), url, time_zone=ZONE) as live:
            yield live


@pytest.fixture
def page(browser: Chromium, live: Live, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page of a browser without JavaScript, but for what checks accessibility; afterwards nothing may have strayed."""
    context = browser.new_context(base_url=live.origin, **getattr(request, "param", {"java_script_enabled": False}))
    visitor = Visitor(context, live.origin)
    yield visitor.page
    context.close()
    assert visitor.strays == []
    assert visitor.alarms == []


def _sign_in(page: Page, name: str) -> None:
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def _second(page: Page, name: str, password: str = PASSWORD) -> None:
    page.get_by_label("Name of the second person").fill(name)
    page.get_by_label("Password of the second person").fill(password)


def _receive(page: Page, serial: str) -> None:
    page.goto("/register/receive")
    page.get_by_label("Supplier").select_option(label="Example Wholesale")
    page.get_by_label("Invoice number").fill("INV-7")
    page.get_by_label("Safe that the vials go into").select_option(label="Safe-1")
    page.get_by_label("Substance").select_option(label="ketamine (CIII)")
    page.get_by_label("Strength, mg/mL").fill("50")
    page.get_by_label("Volume of a vial, mL").fill("10")
    page.get_by_label("Lot number").fill("KET24A117")
    page.get_by_label("Expires").fill("2039-08-31")
    page.get_by_label("Serial numbers of the vials").fill(serial)
    _second(page, "ben")
    page.get_by_role("button", name="Receive").click()
    expect(page.locator("h1")).to_have_text("Recorded")


def _draw(page: Page, serial: str) -> None:
    page.goto("/register/draw")
    page.get_by_role("link", name="Pat of N-1").click()
    vial = page.get_by_label("Vial", exact=True)
    vial.select_option(label=f"{serial}, ketamine 50 mg/mL, lot KET24A117, expires 2039-08-31")
    page.get_by_label("Order").select_option(label="Ketamine 36.4 mg over 52 min")
    page.get_by_label("Amount, mg").fill("50")
    page.get_by_role("button", name="Work out the volume").click()
    expect(page.get_by_role("status")).to_have_text("50 mg are 1 mL of 50 mg/mL.")
    page.get_by_role("button", name="Record the draw").click()
    expect(page.locator("h1")).to_have_text("Recorded")
    expect(page.locator("tbody")).to_contain_text("450 mg")


def test_a_nurse_records_a_waste_and_a_second_person_witnesses_it(page: Page) -> None:
    page.goto("/register/receive")
    _sign_in(page, "amy")
    _receive(page, "V-1")
    _draw(page, "V-1")
    page.get_by_role("navigation", name="Forms of the register").get_by_role("link", name="Waste").click()
    page.get_by_role("link", name="50 mg left").click()
    expect(page.get_by_label("What it is about")).to_contain_text("Pat of N-1")
    page.get_by_label("Amount wasted, mg").fill("17.8")
    page.get_by_label("Why", exact=True).select_option(label="Remainder of prepared syringe after infusion")
    page.get_by_label("How it was made unusable").select_option(label="Chemical sequestration container, non-retrievable")
    _second(page, "ben", "a wrong password")
    page.get_by_role("button", name="Record the waste, signed by both").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was recorded")
    expect(page.get_by_label("Name of the second person")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Amount wasted, mg")).to_have_value("17.8")
    expect(page.get_by_label("Password of the second person")).to_have_value("")
    _second(page, "ben")
    page.get_by_role("button", name="Record the waste, signed by both").click()
    expect(page.locator("h1")).to_have_text("Recorded")
    expect(page.locator("tbody")).to_contain_text("wasted")
    expect(page.locator("tbody")).to_contain_text("17.8 mg")
    expect(page.locator(".who")).to_contain_text("Amy Sample (custodian)")
    page.locator("h2 + p a").click()
    expect(page.locator("pre.json")).to_contain_text("Practitioner/ben")


@pytest.mark.parametrize("page", [{}, {"color_scheme": "dark"}], indirect=True, ids=["light", "dark"])
def test_the_forms_are_accessible(page: Page, request: pytest.FixtureRequest) -> None:
    page.goto("/register/receive")
    _sign_in(page, "amy")
    serial = f"A-{'dark' if 'dark' in request.node.name else 'light'}"
    _receive(page, serial)
    _require_accessible(page)
    for path in ("receive", "draw", "draw?visit=visit", "waste", "return", "count", "transfer"):
        page.goto(f"/register/{path}")
        _require_accessible(page)
    page.goto("/register/count")
    page.get_by_role("link", name=serial).click()
    _require_accessible(page)
    page.get_by_label("Amount in the vial, mg").fill("much")
    page.get_by_label("How it was counted").select_option(label="Exact count")
    _second(page, "ben")
    page.get_by_role("button", name="Record the count, signed by both").click()
    expect(page.get_by_role("alert")).to_be_visible()
    _require_accessible(page)


@pytest.mark.parametrize("page", [{"viewport": {"width": 360, "height": 740}}], indirect=True, ids=["phone"])
def test_the_forms_fit_a_phone(page: Page) -> None:
    page.goto("/register/receive")
    _sign_in(page, "amy")
    for path in ("receive", "draw?visit=visit", "waste", "count"):
        page.goto(f"/register/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path


def _require_accessible(page: Page) -> None:
    expect(page.locator("h1")).to_have_count(1)
    violations = Axe().run(page).response["violations"]
    found = {violation["id"]: [node["html"] for node in violation["nodes"]] for violation in violations if violation["impact"] in GRAVE}
    assert found == {}, page.url
