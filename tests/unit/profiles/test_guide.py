"""What is made from the definitions is up to date, and the package is what FHIR says a package is."""

import json
import re
import tarfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from scripts.guide import contents, document, package
from scripts.guide.source import Source
from service.fhir import library
from service.fhir.guide import BASE, ID

AGAIN = "run: make guide"


@cache
def source() -> Source:
    return Source()


@cache
def files() -> dict[str, str]:
    """The members of the package."""
    return dict(package.members(source()))


def test_the_list_of_the_guide_is_up_to_date() -> None:
    assert contents.PATH.read_text(encoding="utf-8") == contents.text(source()), AGAIN


def test_the_guide_lists_every_definition_and_every_example() -> None:
    listed = [one["reference"]["reference"] for one in contents.resource(source())["definition"]["resource"]]
    assert len(listed) == len(set(listed))
    packed = [name for name in files() if name.endswith(".json") and not name.endswith((".index.json", "package.json"))]
    assert {re.sub(r"^.*/([A-Za-z]+)-(.+)\.json$", r"\1/\2", name) for name in packed} == {*listed, f"ImplementationGuide/{ID}"}
    examples = [name for name in packed if name.startswith("package/example/")]
    assert len(examples) == len(list((document.ROOT / "fhir_profiles" / "examples" / "valid").glob("*.json"))) > 0


def test_the_document_is_up_to_date() -> None:
    assert document.PATH.read_text(encoding="utf-8") == document.text(source()), AGAIN


@pytest.mark.parametrize("kind", ["StructureDefinition", "ValueSet", "CodeSystem", "ConceptMap", "Questionnaire", "OperationDefinition"])
def test_the_document_speaks_of_every_definition(kind: str) -> None:
    text = document.text(source())
    ids = [tree["id"] for tree in source().of_type(kind)]
    assert ids
    heading = {"StructureDefinition": "### {}\n", "ValueSet": "### ValueSet {}\n", "CodeSystem": "### CodeSystem {}\n"}.get(kind)
    assert [id for id in ids if (heading.format(id) if heading else f"[{kind} {id}]") not in text] == []


def test_links_within_the_document_lead_to_a_heading() -> None:
    text = document.text(source())
    headings = {line[4:].lower().replace(" ", "-") for line in text.splitlines() if line.startswith("### ")}
    links = set(re.findall(r"\]\(#([^)]+)\)", text))
    assert len(links) > 50
    assert links <= headings


def test_codes_that_are_not_confirmed_are_marked() -> None:
    assert ("http://www.nlm.nih.gov/research/umls/rxnorm", "6130") in source().unconfirmed
    assert re.search(r"\| `6130` \| [^|]* ⚠ \|", document.text(source()))
    assert not re.search(r"\| `47625008` \| [^|]*⚠", document.text(source()))


def test_the_package_is_the_same_every_time(tmp_path: Path) -> None:
    first = package.write(Source(), tmp_path / "a").read_bytes()
    assert package.write(Source(), tmp_path / "b").read_bytes() == first


def test_the_manifest_names_what_the_profiles_depend_on() -> None:
    manifest = json.loads(files()["package/package.json"])
    assert (manifest["name"], manifest["canonical"], manifest["fhirVersions"]) == (ID, BASE, ["4.0.1"])
    parents = {tree["baseDefinition"] for tree in source().of_type("StructureDefinition")}
    outside = {url for url in parents if not url.startswith((BASE, "http://hl7.org/fhir/StructureDefinition/"))}
    assert outside
    assert all(url.startswith(contents.US_CORE[2]) for url in outside)
    assert manifest["dependencies"][contents.US_CORE[0]] == contents.US_CORE[1]


@pytest.mark.parametrize("folder", ["package/", "package/example/"])
def test_the_index_lists_the_files(folder: str) -> None:
    index: list[dict[str, Any]] = json.loads(files()[f"{folder}.index.json"])["files"]
    there = {name.removeprefix(folder) for name in files() if name.rpartition("/")[0] + "/" == folder}
    assert {one["filename"] for one in index} == there - {".index.json", "package.json"}
    for one in index:
        tree = json.loads(files()[folder + one["filename"]])
        assert (one["resourceType"], one["id"], one.get("url")) == (tree["resourceType"], tree["id"], tree.get("url"))


def test_profiles_are_packed_with_snapshot_and_differential() -> None:
    packed = [json.loads(text) for name, text in files().items() if name.startswith("package/StructureDefinition-")]
    assert len(packed) == len(list(source().of_type("StructureDefinition"))) > 0
    for tree in packed:
        assert len(tree["snapshot"]["element"]) >= len(tree["differential"]["element"]) > 0


def test_our_own_loader_reads_the_package(tmp_path: Path) -> None:
    target = package.write(source(), tmp_path)
    assert target.name == "clinic.example.ketamine-infusion-1.0.0.tgz"
    name, rows = library.read_package(target)
    assert name == f"{ID}#{contents.VERSION}"
    stated = {(tree["resourceType"], tree["url"]) for tree in source().definitions}
    assert {(type, url) for type, url, *_ in rows} == stated | {("ImplementationGuide", f"{BASE}/ImplementationGuide/{ID}")}
    with tarfile.open(target) as archive:
        assert {(one.mtime, one.uid, one.gid, one.uname) for one in archive} == {(0, 0, 0, "")}
