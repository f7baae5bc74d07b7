"""The pages in a real browser: they work without JavaScript, ask nothing of other origins, and can be read by everybody.

Needs Debian's chromium; tests/conftest.py skips what is marked `browser` without it.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from service.web.pages.tokens import tokens
from tests.databases import Databases
from tests.server import Live, running

pytestmark = pytest.mark.browser

_CONTRACT = Path(__file__).parents[2] / "openapi.yaml"
VISIT = Path(__file__).parents[1] / "data/example-visit.json"
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"
PAGES = {
    "home": "/",
    "docs": "/docs",
    "capabilities": "/fhir/metadata",
    "search": "/fhir/Observation?_count=5&_sort=-date",
    "search with includes": "/fhir/MedicationAdministration?_count=2&_include=MedicationAdministration:medication",
    "empty search": "/fhir/Patient?name=nobody",
    "changes": "/fhir/_history?_count=5",
    "resource": "/fhir/Patient/hostile",
    "version": "/fhir/Patient/hostile/_history/1",
    "history": "/fhir/Patient/hostile/_history",
    "refusal": "/fhir/Patient?nonsense=1",
    "not found": "/fhir/Patient/none",
    "gone": "/fhir/Basic/gone",
    "profile": "/fhir/StructureDefinition/pulse",
    "value set": "/fhir/ValueSet/signs",
    "code system": "/fhir/CodeSystem/signs",
}
OWN = "https://browser.example/fhir"
ELEMENTS = [
    {"id": "Observation", "path": "Observation"},
    {
        "id": "Observation.code",
        "path": "Observation.code",
        "short": HOSTILE,
        "min": 1,
        "mustSupport": True,
        "binding": {"strength": "required", "valueSet": f"{OWN}/ValueSet/signs"},
        "constraint": [{"key": "x-1", "severity": "error", "human": HOSTILE, "expression": "coding.exists()"}],
    },
    {
        "id": "Observation.subject",
        "path": "Observation.subject",
        "type": [{"code": "Reference", "targetProfile": ["https://clinic.example/fhir/StructureDefinition/infusion-pump"]}],
    },
]
DEFINITIONS = [
    {
        "resourceType": "StructureDefinition",
        "id": "pulse",
        "url": f"{OWN}/StructureDefinition/pulse",
        "name": "Pulse",
        "status": "draft",
        "kind": "resource",
        "abstract": False,
        "type": "Observation",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Observation",
        "derivation": "constraint",
        "differential": {"element": ELEMENTS},
    },
    {
        "resourceType": "ValueSet",
        "id": "signs",
        "url": f"{OWN}/ValueSet/signs",
        "status": "draft",
        "compose": {"include": [{"system": f"{OWN}/CodeSystem/signs", "concept": [{"code": "pulse", "display": HOSTILE}]}]},
    },
    {
        "resourceType": "CodeSystem",
        "id": "signs",
        "url": f"{OWN}/CodeSystem/signs",
        "status": "draft",
        "content": "complete",
        "concept": [{"code": "signs", "concept": [{"code": "pulse", "definition": HOSTILE}]}],
    },
]
FHIR = {"Content-Type": "application/fhir+json"}
LONG = {"capabilities": [["pre.json"], ["tbody tr:nth-child(n+4)"]]}
"""Repetitions that would take the checks minutes; the same elements are checked on the other pages."""
GRAVE = {"serious", "critical"}


@pytest.fixture(scope="module")
def live(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """The service with the example visit, a patient with a hostile name in two versions, and a deleted resource."""
    with databases.fresh("sqlite") as url, running(tmp_path_factory.mktemp("browser"), url, time_zone="America/Los_Angeles") as live:
        live.send("POST", "", FHIR, data=VISIT.read_bytes()).raise_for_status()
        for gender in ("unknown", "other"):
            _put(live, {"resourceType": "Patient", "id": "hostile", "name": [{"text": HOSTILE}], "gender": gender})
        _put(live, {"resourceType": "Basic", "id": "gone", "code": {"text": HOSTILE}})
        live.send("DELETE", "/Basic/gone").raise_for_status()
        for one in DEFINITIONS:
            _put(live, one)
        yield live


def _put(live: Live, resource: dict[str, object]) -> None:
    live.send("PUT", f"/{resource['resourceType']}/{resource['id']}", FHIR, json=resource).raise_for_status()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium."""
    program = shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


class Visitor:
    """One browser context that writes down what its pages ask for, pop up and complain about."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.page: Page = context.new_page()
        self.origin = origin
        self.requests: list[str] = []
        self.alarms: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("dialog", lambda dialog: self.alarms.append(dialog.message))
        self.page.on("pageerror", lambda error: self.alarms.append(str(error)))
        self.page.on("console", lambda message: self._hear(message.type, message.text))

    def _hear(self, kind: str, text: str) -> None:
        if kind == "error" and "Failed to load resource: the server responded with a status of 4" not in text:
            self.alarms.append(text)

    def open(self, path: str) -> Page:
        """Go to `path` and wait until nothing is loading."""
        self.page.goto(f"{self.origin}{path}")
        self.page.wait_for_load_state("networkidle")
        return self.page

    @property
    def strays(self) -> list[str]:
        """Requests that left the origin."""
        return [url for url in self.requests if not url.startswith((f"{self.origin}/", "data:"))]


@pytest.fixture
def visitor(browser: Browser, live: Live, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    """A visitor with JavaScript; `indirect` parameters are options of the context. Afterwards nothing may have strayed or alarmed."""
    context = browser.new_context(**getattr(request, "param", {}), extra_http_headers=live.headers)
    visitor = Visitor(context, live.origin)
    yield visitor
    context.close()
    assert visitor.strays == []
    assert visitor.alarms == []


WITHOUT_SCRIPTS = pytest.mark.parametrize("visitor", [{"java_script_enabled": False}], indirect=True, ids=["no-script"])


@pytest.mark.parametrize("visitor", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True, ids=["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_pages_are_accessible_and_stay_home(visitor: Visitor, name: str) -> None:
    page = visitor.open(PAGES[name])
    if name == "docs":
        page.locator("#operations-tag-Resources button.expand-operation").click()
        page.wait_for_selector(".opblock")
    expect(page.locator("h1").first).to_be_visible()
    violations = Axe().run(page, {"exclude": LONG[name]} if name in LONG else None).response["violations"]
    found = {violation["id"]: [node["html"] for node in violation["nodes"]] for violation in violations if violation["impact"] in GRAVE}
    assert found == {}


@pytest.mark.parametrize("visitor", [{"viewport": {"width": 360, "height": 740}}], indirect=True, ids=["phone"])
@pytest.mark.parametrize("name", ["home", "search", "resource", "refusal", "capabilities", "profile"])
def test_pages_fit_a_phone(visitor: Visitor, name: str) -> None:
    page = visitor.open(PAGES[name])
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@WITHOUT_SCRIPTS
def test_from_home_to_a_patient_by_links_alone(visitor: Visitor) -> None:
    page = visitor.open("/")
    page.get_by_role("link", name="The latest infusions and doses").click()
    expect(page.locator("h1")).to_have_text("MedicationAdministration search")
    page.locator("tbody th a").first.click()
    expect(page.locator(".kind")).to_contain_text("MedicationAdministration")
    page.locator("pre.json a", has_text="Patient/").first.click()
    expect(page.locator("h1")).to_have_text("Jordan Sample")
    page.get_by_role("link", name="History", exact=True).click()
    expect(page.locator("h1")).to_contain_text("History of Patient/")
    expect(page.locator("tbody tr")).to_have_count(1)


@WITHOUT_SCRIPTS
def test_paging_forwards_shows_every_observation_once(visitor: Visitor) -> None:
    page = visitor.open("/fhir/Observation?_count=15&_total=accurate")
    seen = page.locator("tbody th code").all_text_contents()
    total = int(page.locator(".count").inner_text().split(" in all")[0].rsplit(" ", 1)[1])
    while page.locator("a[rel=next]").count():
        page.locator("a[rel=next]").first.click()
        seen += page.locator("tbody th code").all_text_contents()
    assert len(seen) == len(set(seen)) == total > 15


@WITHOUT_SCRIPTS
def test_versions_are_linked(visitor: Visitor) -> None:
    page = visitor.open("/fhir/Patient/hostile")
    page.get_by_role("link", name="Previous version").click()
    expect(page.locator(".kind")).to_have_text("Patient · version 1")
    page.get_by_role("link", name="Current version").click()
    expect(page.locator(".facts")).to_contain_text("2")
    assert page.url.endswith("/fhir/Patient/hostile")


@WITHOUT_SCRIPTS
def test_the_forms_search(visitor: Visitor) -> None:
    page = visitor.open("/")
    page.get_by_label("Visits on the day", exact=True).fill("2026-11-17")
    page.get_by_role("button", name="Find: Visits on the day").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator("tbody")).to_contain_text("Jordan Sample")
    page = visitor.open("/")
    page.get_by_label("Patients by name", exact=True).fill("sample")
    page.get_by_role("button", name="Find: Patients by name").click()
    expect(page.locator("tbody tr")).to_have_count(1)


@WITHOUT_SCRIPTS
def test_the_page_shows_the_json_token_for_token(visitor: Visitor, live: Live) -> None:
    page = visitor.open("/fhir/Observation?_count=50")
    shown = page.locator("pre.json").inner_text()
    page.get_by_role("link", name="Raw JSON").click()
    raw = live.send("GET", "/Observation?_count=50").text
    assert [token.text for token in tokens(shown)] == [token.text for token in tokens(raw)]
    assert json.loads(page.locator("pre").inner_text())["type"] == "searchset"


def test_stored_markup_stays_text(visitor: Visitor) -> None:
    for path in ("/hostile", "?_id=hostile", "/hostile/_history", f"?nonsense={HOSTILE}"):
        page = visitor.open(f"/fhir/Patient{path}")
        assert page.locator("main script, main img, [onerror]").count() == 0
        expect(page.locator("main")).to_contain_text("<img src=x" if "nonsense" not in path else "nonsense")


@pytest.mark.parametrize("visitor", [{"color_scheme": "dark"}], indirect=True, ids=["dark"])
@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_pages_print_black_on_white(visitor: Visitor, paper: str) -> None:
    page = visitor.open("/fhir/Observation?_count=20")
    page.emulate_media(media="print")
    for hidden in (".actions", ".bar nav", ".crumbs"):
        expect(page.locator(hidden)).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf(format=paper).startswith(b"%PDF")


def test_the_keyboard_reaches_the_content(visitor: Visitor) -> None:
    page = visitor.open("/fhir/Patient/hostile")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the content")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_the_api_reference_tries_requests_on_this_origin(visitor: Visitor) -> None:
    page = visitor.open("/docs")
    page.locator("#operations-tag-Service button.expand-operation").click()
    page.locator("#operations-Service-livez button.opblock-summary-control").click()
    page.locator("#operations-Service-livez button.execute").click()
    expect(page.locator("#operations-Service-livez .live-responses-table .response-col_status").last).to_contain_text("200")
    assert f"{visitor.origin}/livez" in visitor.requests


@pytest.mark.parametrize("tag", ["Resources", "Operations", "Register", "Service"])
def test_the_api_reference_has_every_operation(visitor: Visitor, tag: str) -> None:
    page = visitor.open("/docs")
    page.locator(f"#operations-tag-{tag} button.expand-operation").click()
    contract = yaml.safe_load(_CONTRACT.read_text(encoding="utf-8"))
    operations = [does for path in contract["paths"].values() for does in path.values() if isinstance(does, dict)]
    wanted = sum(tag in does.get("tags", ()) for does in operations)
    assert wanted
    expect(page.locator(".opblock")).to_have_count(wanted)


@WITHOUT_SCRIPTS
def test_the_api_reference_says_what_it_needs(visitor: Visitor) -> None:
    page = visitor.open("/docs")
    expect(page.get_by_text("The interactive reference needs JavaScript.")).to_be_visible()
