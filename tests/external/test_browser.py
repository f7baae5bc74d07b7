"""Signing in at a provider in a real browser: what its rules for cookies that come from another site make of the way back."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from service import wiring
from service.config import Settings
from service.fhir.document import Limits, decode
from service.records.change import Update
from service.records.commit import commit
from service.records.context import Context
from tests.access import TESTS
from tests.databases import Databases
from tests.external.provider import Provider, running
from tests.server import Live
from tests.server import running as serving

pytestmark = pytest.mark.browser

ADA = b'{"resourceType": "Practitioner", "id": "ada", "name": [{"family": "Byron", "given": ["Ada"]}]}'


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    """A provider at another site than the service: localhost, where the service is 127.0.0.1."""
    with running(tmp_path_factory.mktemp("provider")) as made:
        yield made


@pytest.fixture(scope="module")
def live(databases: Databases, provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """The service, with one Practitioner."""
    with databases.fresh("sqlite") as url:
        parts = wiring.service(Settings(database_url=url))
        commit(Context(parts, TESTS), [Update("Practitioner", "ada", decode(ADA, Limits(depth=9, digits=9)))])
        parts.database.dispose()
        settings = {name.lower(): value for name, value in provider.environment().items()}
        with serving(tmp_path_factory.mktemp("live"), url, **settings) as made:
            yield made


@pytest.fixture
def page() -> Iterator[Page]:
    """A page of a browser that takes the provider's certificate."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser.new_context(ignore_https_errors=True).new_page()
        browser.close()


def test_somebody_signs_in_looks_around_and_signs_out(page: Page, live: Live) -> None:
    page.goto(f"{live.origin}/fhir/Practitioner/ada")
    expect(page).to_have_url(f"{live.origin}/sign-in?next=%2Ffhir%2FPractitioner%2Fada")
    page.get_by_role("link", name="Sign in at your provider").click()
    expect(page).to_have_url(f"{live.origin}/fhir/Practitioner/ada")
    expect(page.get_by_role("banner")).to_contain_text("Ada Byron (clinician)")
    cookies = {one["name"]: one for one in page.context.cookies()}
    assert (cookies["session"]["sameSite"], cookies["session"]["httpOnly"]) == ("Strict", True)
    assert "oidc" not in cookies
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{live.origin}/sign-in")
    page.goto(f"{live.origin}/fhir/Practitioner/ada")
    expect(page.get_by_role("link", name="Sign in at your provider")).to_be_visible()


def test_who_may_not_in_is_told_why(page: Page, live: Live, provider: Provider) -> None:
    provider.user["roles"] = []
    page.goto(f"{live.origin}/sign-in")
    page.get_by_role("link", name="Sign in at your provider").click()
    expect(page.get_by_role("alert")).to_contain_text("The provider gives you no role of this service")
    assert [one["name"] for one in page.context.cookies()] == []
