"""People at a real browser: signing in, one-time codes, witnessing and emergencies, with keyboard and mouse and without JavaScript.

Needs Debian's chromium; tests/conftest.py skips what is marked `browser` without it.
"""

import re
import time
from collections.abc import Iterator

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect

from service import wiring
from service.config import Settings
from tests.databases import Databases
from tests.people.clinic import PASSWORD, founded
from tests.server import Live, running
from tests.web.test_browser import GRAVE, Visitor, browser

pytestmark = pytest.mark.browser

__all__ = ["browser"]


@pytest.fixture(scope="module")
def live(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """The service with the people of tests.people.clinic."""
    with databases.fresh("sqlite") as url:
        here = wiring.service(Settings(database_url=url, cursor_key="c" * 32))
        founded(here)
        here.database.dispose()
        with running(tmp_path_factory.mktemp("people"), url) as live:
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


WITH_SCRIPTS = pytest.mark.parametrize("page", [{}, {"color_scheme": "dark"}], indirect=True, ids=["light", "dark"])


def _sign_in(page: Page, name: str, code: str = "") -> None:
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("One-time code").fill(code)
    page.get_by_role("button", name="Sign in").click()


def test_a_link_leads_over_the_sign_in_to_where_it_led(page: Page, live: Live) -> None:
    page.goto("/fhir/Patient/pat-north")
    expect(page.locator("h1")).to_have_text("Sign in")
    _sign_in(page, "amy")
    expect(page.locator("h1")).to_have_text("Pat of N-1")
    assert page.url == f"{live.origin}/fhir/Patient/pat-north"
    expect(page.locator(".who")).to_contain_text("Amy Sample (clinician)")
    [cookie] = page.context.cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == ("session", True, "Strict", "/")
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("h1")).to_have_text("Sign in")
    page.goto("/fhir/Patient/pat-north")
    expect(page.locator("h1")).to_have_text("Sign in")


def test_a_wrong_password_is_told_and_tried_again(page: Page) -> None:
    page.goto("/")
    page.get_by_label("Name", exact=True).fill("amy")
    page.get_by_label("Password", exact=True).fill("wrong password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("Name, password or code is wrong")
    _sign_in(page, "amy")
    expect(page.locator("h1")).to_have_text("Infusion Records")


def test_two_people_witness_at_one_screen(page: Page) -> None:
    page.goto("/fhir/Observation/mood")
    _sign_in(page, "amy")
    page.get_by_role("link", name="Witness").click()
    page.get_by_label("What both saw").fill("Two millilitres were poured away before us both.")
    page.get_by_label("Name of the second person").fill("ben")
    page.get_by_label("Password of the second person").fill(PASSWORD)
    page.get_by_role("button", name="Sign together").click()
    expect(page.locator(".kind")).to_contain_text("Provenance")
    expect(page.locator("pre.json")).to_contain_text("Practitioner/ben")
    expect(page.locator(".who")).to_contain_text("Amy Sample (clinician)")


def test_one_time_codes_from_the_picture_on(page: Page) -> None:
    page.goto("/account")
    _sign_in(page, "sue")
    page.locator("section", has_text="Set up one-time codes").get_by_label("Your password now").fill(PASSWORD)
    page.get_by_role("button", name="Set up one-time codes").click()
    expect(page.locator(".picture svg")).to_be_visible()
    secret = re.findall(r"<code>([A-Z2-7]{32})</code>", page.content())[0]
    codes = pyotp.TOTP(secret)
    page.get_by_label("Code", exact=True).fill(codes.now())
    page.get_by_role("button", name="Ask for codes from now on").click()
    expect(page.get_by_text("A code is asked for when you sign in.")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    _sign_in(page, "sue")
    expect(page.get_by_role("alert")).to_be_visible()
    _sign_in(page, "sue", codes.at(int(time.time()) + 30))
    expect(page.locator(".who")).to_contain_text("Sue Sample")


def test_an_emergency_is_opened_closed_and_reviewed(page: Page) -> None:
    page.goto("/break-glass")
    _sign_in(page, "ben")
    page.get_by_label("Patient, by id").fill("S-1")
    page.get_by_label("Why").fill("unconscious on arrival")
    page.get_by_role("button", name="Open for 60 minutes").click()
    expect(page.locator("h1")).to_have_text("Pat of S-1")
    expect(page.get_by_role("status")).to_contain_text("Emergency access to Patient/pat-south")
    page.get_by_role("link", name="Close it").click()
    page.get_by_role("button", name="Close the access to Patient/pat-south").click()
    expect(page.get_by_role("status")).to_have_count(0)
    page.get_by_role("button", name="Sign out").click()
    page.goto("/break-glass")
    _sign_in(page, "pia")
    page.get_by_label("What you found").fill("called the clinic, the visit was real")
    page.get_by_role("button", name="Review the access to Patient/pat-south").click()
    expect(page.locator("section", has_text="Reviewed last")).to_contain_text("the visit was real")


@WITH_SCRIPTS
def test_the_pages_are_accessible(page: Page) -> None:
    page.goto("/account")
    _require_accessible(page)
    _sign_in(page, "amy")
    for path in ("/account", "/witness?target=Observation/mood", "/break-glass", "/witness?target=Observation/none", "/"):
        page.goto(path)
        _require_accessible(page)


@pytest.mark.parametrize("page", [{"viewport": {"width": 360, "height": 740}}], indirect=True, ids=["phone"])
def test_the_pages_fit_a_phone(page: Page) -> None:
    page.goto("/account")
    assert _width(page) <= 360
    _sign_in(page, "amy")
    for path in ("/account", "/witness?target=Observation/mood", "/break-glass", "/fhir/Observation/mood"):
        page.goto(path)
        assert _width(page) <= 360, path


def _require_accessible(page: Page) -> None:
    expect(page.locator("h1")).to_have_count(1)
    violations = Axe().run(page).response["violations"]
    found = {violation["id"]: [node["html"] for node in violation["nodes"]] for violation in violations if violation["impact"] in GRAVE}
    assert found == {}, page.url


def _width(page: Page) -> int:
    width: int = page.evaluate("document.documentElement.scrollWidth")
    return width
