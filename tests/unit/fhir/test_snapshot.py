"""Snapshots, held against those that HL7 published: R4's profiles of Observation always, packages in the folder EXAMPLE_PACKAGES.

Every difference is explained here, or the test fails.
"""

import json
import os
import tarfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from service.fhir import definitions, guide, library
from service.fhir.profile import snapshot
from service.fhir.profile.merge import Profiles
from tests.unit.fhir import published
from tests.unit.fhir.published import Difference, Facts

DEFINITIONS = definitions.load()
OFFICIAL = {row["url"]: row["snapshot"] for row in map(json.loads, published.DATA.read_text(encoding="utf-8").splitlines())}
VITAL_SIGNS = (
    "bmi",
    "bodyheight",
    "bodytemp",
    "bodyweight",
    "bp",
    "headcircum",
    "heartrate",
    "oxygensat",
    "resprate",
    "vitalsigns",
    "vitalspanel",
)
_FOLDER = os.environ.get("EXAMPLE_PACKAGES", "")
_PACKAGES = sorted(Path(_FOLDER).glob("*.tgz")) if _FOLDER else []
CORE = "http://hl7.org/fhir/StructureDefinition/"

EXPLAINED: Mapping[tuple[str, str, str], str] = {
    ("us-core-diagnosticreport-lab", "DiagnosticReport.status", "isModifier"): "R4 does not mark it; the package does without saying so",
    ("us-core-diagnosticreport-note", "DiagnosticReport.status", "isModifier"): "the same",
    ("us-core-patient", "Patient.extension:birthsex", "binding"): "the differential binds the extension itself, to no effect",
    ("us-core-patient", "Patient.extension:race", "constraint"): "an invariant that the differential does not have",
    ("us-core-questionnaireresponse", "QuestionnaireResponse.questionnaire.value", "missing"): "the value inside a primitive: no JSON",
}
"""By profile, element and fact, what no rule of `_reason` covers."""


@cache
def _profiles() -> Profiles:
    return Profiles(DEFINITIONS, library.load(packages=Path(_FOLDER) if _PACKAGES else None))


def _generated(url: str, near: str | None = None) -> dict[str, Facts]:
    profile = _profiles().find(url, near)
    assert profile is not None
    return published.snapshot(snapshot.elements(profile.root, DEFINITIONS))


def _reason(name: str, found: Difference, generated: Mapping[str, Facts]) -> str | None:
    """Why a snapshot differs from the one that was published."""
    id, fact, theirs, ours = found
    whole = generated.get(_unsliced(id), {})
    theirs, ours = theirs or [], ours or []
    if fact == "constraint" and set(ours) - set(theirs) and set(ours) <= {*theirs, *whole.get("constraint", ())}:
        return "what holds for the sliced element is listed for its slices again"
    if fact in ("binding", "type", "mustSupport") and _unsliced(id) != id and ours == whole.get(fact, []):
        return "the same"
    if fact == "binding" and theirs and not ours and theirs[1] is None:
        return "a binding without a value set decides nothing and is not carried"
    if fact == "constraint" and set(theirs) - set(ours) == {"qty-3", "sqty-1"}:
        return "invariants of a datatype hold by the datatype, and are not repeated where it is used"
    if fact == "mustSupport" and theirs and ":" in id:
        return "a slice must be supported when its own definition says so"
    if fact == "reference" and str(theirs).partition(":")[0] == ours:
        return "a content reference names an element, not one of its slices"
    if fact == "missing" and ".extension." in id:
        return "the content of an extension is that of its own definition"
    return EXPLAINED.get((name, id, fact))


def _unsliced(id: str) -> str:
    return ".".join(part.partition(":")[0] for part in id.split("."))


def test_every_vital_sign_of_r4_is_compared() -> None:
    assert {CORE + name for name in VITAL_SIGNS} <= set(OFFICIAL)


@pytest.mark.parametrize("url", OFFICIAL, ids=lambda url: url.rpartition("/")[2])
def test_the_snapshot_is_the_one_that_r4_publishes(url: str) -> None:
    generated = _generated(url)
    assert len(generated) > 40
    unexplained = [one for one in published.differences(OFFICIAL[url], generated) if _reason(url, one, generated) is None]
    assert unexplained == []


@pytest.mark.skipif(not _PACKAGES, reason="EXAMPLE_PACKAGES names no folder of packages: 0 profiles compared")
@pytest.mark.parametrize("package", _PACKAGES, ids=lambda path: path.stem)
def test_the_snapshot_is_the_one_that_a_package_publishes(package: Path) -> None:
    count, unexplained = 0, []
    for near, tree in _stated(package):
        generated = _generated(f"{tree['url']}|{tree['version']}", near)
        count += 1
        found = published.differences(published.snapshot(tree["snapshot"]["element"]), generated)
        unexplained += [(tree["id"], *one) for one in found if _reason(tree["id"], one, generated) is None]
    print(f"{package.name}: {count} profiles compared")
    assert count > 0
    assert unexplained == []


def _stated(package: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The profiles of a package with the package's name."""
    with tarfile.open(package) as archive:
        trees = [json.load(archive.extractfile(member) or pytest.fail(member.name)) for member in archive if _is_read(member.name)]
    manifest = next(one for one in trees if "resourceType" not in one)
    for tree in trees:
        if tree.get("derivation") == "constraint":
            yield f"{manifest['name']}#{manifest['version']}", tree


def _is_read(name: str) -> bool:
    return name == "package/package.json" or name.startswith("package/StructureDefinition-")


def _profile(*elements: dict[str, Any], type: str = "Observation", base: str = "") -> dict[str, dict[str, Any]]:
    tree = {
        "resourceType": "StructureDefinition",
        "url": "http://x.example/p",
        "type": type,
        "baseDefinition": base or CORE + type,
        "derivation": "constraint",
        "differential": {"element": [{"path": one["id"], **one} for one in elements]},
    }
    made = library.load()
    made.add("clinic", [("StructureDefinition", tree["url"], None, json.dumps(tree))])
    profile = Profiles(DEFINITIONS, made).find(tree["url"])
    assert profile is not None
    complete = snapshot.complete(profile, DEFINITIONS)
    assert list(complete)[-2:] == ["snapshot", "differential"]
    return {row["id"]: row for row in complete["snapshot"]["element"]}


def test_every_element_has_what_a_snapshot_must_have() -> None:
    """Invariants sdf-3, sdf-8b and eld-18 of https://hl7.org/fhir/R4/structuredefinition.html."""
    rows = [row for tree in guide.complete(library.load(), DEFINITIONS) for row in tree.get("snapshot", {}).get("element", ())]
    assert len(rows) > 1000
    for row in rows:
        assert row["definition"]
        assert {"min", "max", "base", "isModifier"} <= row.keys()
        assert not row["isModifier"] or row["isModifierReason"]


def test_an_untouched_datatype_stays_closed_and_a_touched_one_is_listed() -> None:
    rows = _profile({"id": "Observation"}, {"id": "Observation.subject.reference", "min": 1})
    assert [id for id in rows if id.startswith("Observation.subject.")] == [
        f"Observation.subject.{name}" for name in ("id", "extension", "reference", "type", "identifier", "display")
    ]
    assert not [id for id in rows if id.startswith("Observation.encounter.")]
    assert rows["Observation.subject.reference"]["base"] == {"path": "Reference.reference", "min": 0, "max": "1"}


def test_slices_follow_their_element_with_what_is_said_of_it() -> None:
    by_code = {"discriminator": [{"type": "pattern", "path": "code"}], "rules": "open"}
    rows = _profile(
        {"id": "Observation"},
        {"id": "Observation.component", "slicing": by_code, "short": "Parts", "max": "5"},
        {"id": "Observation.component.interpretation", "max": "0"},
        {"id": "Observation.component:a", "path": "Observation.component", "sliceName": "a", "min": 1, "max": "1", "short": "The a"},
        {"id": "Observation.component:a.code", "path": "Observation.component.code", "patternCodeableConcept": {"text": "a"}},
    )
    ids = list(rows)
    assert ids.index("Observation.component:a") == ids.index("Observation.component.referenceRange") + 1
    assert (rows["Observation.component:a"]["sliceName"], rows["Observation.component:a"]["short"]) == ("a", "The a")
    assert "slicing" not in rows["Observation.component:a"]
    assert rows["Observation.component:a.interpretation"]["max"] == "0"
    assert rows["Observation.component:a.code"]["patternCodeableConcept"] == {"text": "a"}


def test_a_type_slice_and_an_extension_are_told_apart_by_default() -> None:
    rows = _profile(
        {"id": "Observation"},
        {"id": "Observation.value[x]:valueString", "path": "Observation.value[x]", "sliceName": "valueString", "max": "0"},
        {"id": "Observation.extension:e", "path": "Observation.extension", "sliceName": "e"},
    )
    assert rows["Observation.value[x]"]["slicing"]["discriminator"] == [{"type": "type", "path": "$this"}]
    assert rows["Observation.extension"]["slicing"]["discriminator"] == [{"type": "value", "path": "url"}]


def test_a_content_reference_is_followed_where_the_profile_goes_into_it() -> None:
    rows = _profile({"id": "Observation"}, {"id": "Observation.component.referenceRange.text", "min": 1})
    assert rows["Observation.component.referenceRange.text"]["min"] == 1
    assert "Observation.component.referenceRange.low" in rows


def test_a_pattern_takes_the_place_of_the_one_before_and_constraints_add_up() -> None:
    rule = {"key": "x-1", "severity": "error", "human": "Has a text.", "expression": "text.exists()"}
    rows = _profile(
        {"id": "Observation"},
        {"id": "Observation.code", "patternCodeableConcept": {"text": "new"}, "constraint": [rule]},
        base=CORE + "bp",
    )
    assert rows["Observation.code"]["patternCodeableConcept"] == {"text": "new"}
    assert [one["key"] for one in rows["Observation.code"]["constraint"]] == ["ele-1", "x-1"]
    assert {one["key"] for one in rows["Observation"]["constraint"]} >= {"dom-2", "obs-6", "vs-2"}


def test_a_choice_that_is_narrowed_to_what_has_no_code_loses_its_binding() -> None:
    reference = {"id": "MedicationDispense.medication[x]", "type": [{"code": "Reference"}]}
    rows = _profile({"id": "MedicationDispense"}, reference, type="MedicationDispense")
    assert "binding" not in rows["MedicationDispense.medication[x]"]
    assert "binding" in rows["MedicationDispense.status"]
