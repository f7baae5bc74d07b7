"""The pages of definitions: profiles, value sets and code systems as tables."""

import json
import re
from html import unescape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from service.web.pages.address import Address
from service.web.pages.definition import SHOWN_CODES
from service.web.pages.resource import render_text
from service.web.pages.site import Site

SITE = Site("http://127.0.0.1:8080/fhir", ZoneInfo("UTC"))
CLINIC = "https://clinic.example/fhir"
FOLDER = Path(__file__).resolve().parents[3] / "fhir_profiles" / "clinic"
SHIPPED = sorted(path for kind in ("StructureDefinition", "ValueSet", "CodeSystem") for path in FOLDER.glob(f"{kind}-*.json"))


def _page(tree: dict[str, Any]) -> str:
    stored = {"id": "x", **tree, "meta": {"versionId": "1", "lastUpdated": "2026-03-14T16:40:00.125Z"}}
    return render_text(Address.of(SITE, f"{tree['resourceType']}/x", ()), 200, json.dumps(stored))


def _profile(*elements: dict[str, Any], **members: Any) -> str:
    root = {"id": "Observation", "path": "Observation"}
    base = "http://hl7.org/fhir/StructureDefinition/vitalsigns"
    tree = {"resourceType": "StructureDefinition", "name": "Pulse", "type": "Observation", "baseDefinition": base, **members}
    return _page({**tree, "differential": {"element": [root, *elements]}})


def _cells(page: str) -> list[str]:
    """The text of every table cell, spaces made one."""
    found = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", page, re.DOTALL)
    return [unescape(" ".join(re.sub(r"<[^>]+>", " ", cell).split())) for cell in found]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_definition_of_the_clinic_has_a_page_with_its_content(path: Path) -> None:
    tree = json.loads(path.read_text(encoding="utf-8"))
    page = _page(tree)
    cells = _cells(page)
    if tree["resourceType"] == "StructureDefinition":
        assert [one["short"] for one in tree["differential"]["element"][1:] if not any(one["short"] in cell for cell in cells)] == []
    codes = [one["code"] for include in tree.get("compose", {}).get("include", ()) for one in include.get("concept", ())]
    codes += [one["code"] for one in tree.get("concept", ())]
    assert [code for code in codes if code not in cells] == []
    assert "<script" not in page
    assert "style=" not in page


def test_an_element_shows_all_that_is_said_of_it() -> None:
    element = {
        "id": "Observation.code",
        "path": "Observation.code",
        "min": 1,
        "max": "1",
        "short": "Which",
        "definition": "Which sign.",
        "mustSupport": True,
        "type": [{"code": "CodeableConcept"}],
        "patternCodeableConcept": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "binding": {"strength": "required", "valueSet": f"{CLINIC}/ValueSet/signs|1.0.0"},
    }
    page = _profile(element)
    assert _cells(page)[5:10] == [
        "code",
        "1..1",
        "CodeableConcept",
        "S",
        "Which Which sign. Value: at least http://loinc.org|8867-4 Codes (required): signs",
    ]
    assert '<a href="/fhir/ValueSet/signs">signs</a>' in page
    assert '<code title="http://hl7.org/fhir/StructureDefinition/vitalsigns">vitalsigns</code>' in page


def test_what_a_differential_leaves_open_is_read_from_the_snapshot() -> None:
    snapshot = {"element": [{"id": "Observation.focus", "path": "Observation.focus", "min": 0, "max": "*"}]}
    assert "1..*" in _cells(_profile({"id": "Observation.focus", "path": "Observation.focus", "min": 1}, snapshot=snapshot))
    assert "1.." in _cells(_profile({"id": "Observation.focus", "path": "Observation.focus", "min": 1}))


def test_slices_and_rules_are_told() -> None:
    by_code = {
        "discriminator": [{"type": "pattern", "path": "code"}, {"type": "value", "path": "$this"}],
        "rules": "closed",
        "ordered": True,
    }
    rule = {"key": "x-1", "severity": "warning", "human": "Should have a text.", "expression": "text.exists()"}
    page = _profile(
        {"id": "Observation.component", "path": "Observation.component", "slicing": by_code},
        {"id": "Observation.component:a", "path": "Observation.component", "sliceName": "a", "constraint": [rule]},
        {"id": "Observation.component:a.code", "path": "Observation.component.code"},
    )
    cells = _cells(page)
    assert "Slices by pattern of code and value of the element itself, closed, in order." in cells
    assert cells[-4:] == ["x-1", "Observation.component:a", "warning", "Should have a text. text.exists()"]
    assert '<th scope="row" class="level-2"><code>code</code>' in page


def test_targets_and_profiles_of_types_are_named_and_linked() -> None:
    ours, patient = f"{CLINIC}/StructureDefinition/infusion-pump", "http://hl7.org/fhir/StructureDefinition/Patient"
    page = _profile(
        {"id": "Observation.device", "path": "Observation.device", "type": [{"code": "Reference", "targetProfile": [ours, patient]}]}
    )
    assert '<a href="/fhir/StructureDefinition/infusion-pump">infusion-pump</a>' in page
    assert "Reference ( infusion-pump , Patient )" in _cells(page)


def test_a_profile_that_says_nothing_is_told_to_say_nothing() -> None:
    assert "every element is as the parent has it" in _profile()
    assert "every element is as the parent has it" in _page({"resourceType": "StructureDefinition", "name": "X", "type": "Patient"})


def test_what_a_client_wrote_is_escaped() -> None:
    page = _profile({"id": "Observation.code", "path": "Observation.code", "short": "<script>alert(1)</script>"})
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_value_set_tells_what_it_takes_and_what_it_leaves_out() -> None:
    compose = {
        "include": [
            {"system": "http://loinc.org", "concept": [{"code": "8867-4", "display": "Heart rate"}]},
            {"system": "http://snomed.info/sct", "filter": [{"property": "concept", "op": "is-a", "value": "1"}]},
            {"valueSet": [f"{CLINIC}/ValueSet/routes"]},
        ],
        "exclude": [{"system": "http://loinc.org", "concept": [{"code": "8310-5"}]}],
    }
    page = _page({"resourceType": "ValueSet", "status": "active", "compose": compose})
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "With these codes of http://loinc.org" in text
    assert "With every code of http://snomed.info/sct with concept is-a 1" in text
    assert "With every code that is in routes" in text
    assert "Without these codes of http://loinc.org" in text
    assert {"8867-4", "Heart rate", "8310-5"} <= set(_cells(page))
    assert "It has no composition" in _page({"resourceType": "ValueSet", "status": "active"})


def test_a_code_system_shows_its_hierarchy_and_the_beginning_of_a_long_list() -> None:
    concepts = [{"code": "a", "definition": "First.", "concept": [{"code": "b"}]}]
    page = _page({"resourceType": "CodeSystem", "status": "active", "concept": concepts})
    assert '<th scope="row" class="level-2"><code>b</code>' in page
    assert "First." in _cells(page)
    long = _page({"resourceType": "CodeSystem", "status": "active", "concept": [{"code": f"c{n}"} for n in range(SHOWN_CODES + 5)]})
    assert "5 more are in the JSON" in long
    assert f"c{SHOWN_CODES}" not in _cells(long)
    assert "None are listed" in _page({"resourceType": "CodeSystem", "status": "active"})


def test_a_profile_of_the_clinic_shows_its_examples_and_leads_to_what_claims_it() -> None:
    page = _page(json.loads((FOLDER / "StructureDefinition-infusion-heart-rate.json").read_text(encoding="utf-8")))
    names = re.findall(r"<summary>(.*?)</summary>", page)
    assert names == ["hr-ecg", "hr-oximeter"]
    shown = [json.loads(unescape(text)) for text in re.findall(r'aria-label="Example [^"]*"><code>(.*?)</code>', page, re.DOTALL)]
    assert all(f"{CLINIC}/StructureDefinition/infusion-heart-rate" in one["meta"]["profile"] for one in shown)
    assert len(shown) == len(names)
    assert f'href="{SITE.base}/Observation?_profile={CLINIC}/StructureDefinition/infusion-heart-rate"' in page


def test_only_profiles_of_resources_are_claimed_and_other_guides_have_no_examples() -> None:
    stranger = _profile(url="http://other.example/StructureDefinition/infusion-heart-rate", kind="resource", derivation="constraint")
    assert "Records here that claim it" in stranger
    assert 'aria-label="Example' not in stranger
    assert "Records here that claim it" not in _profile(url="http://other.example/x", kind="complex-type", derivation="constraint")
