"""The library: what is shipped, and FHIR packages from a directory, also damaged and hostile ones."""

import gzip
import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from service import cli
from service.config import PREFIX
from service.fhir import definitions, library
from service.fhir.library import PackageError
from service.fhir.profile.merge import ProfileError, Profiles

_FOLDER = os.environ.get("EXAMPLE_PACKAGES", "")
_PACKAGES = sorted(Path(_FOLDER).glob("*.tgz")) if _FOLDER else []
MANIFEST = {"name": "made.up", "version": "2.0.0"}
URL = "http://made.example/ValueSet/v"


def value_set(version: str | None = "2.0.0", url: str = URL) -> dict[str, Any]:
    stated = {"version": version} if version else {}
    return {"resourceType": "ValueSet", "url": url, **stated, "status": "active"}


def packed(path: Path, members: dict[str, Any], manifest: Any = MANIFEST) -> Path:
    """A package of `members` by name; text goes in as it is, everything else as JSON."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in {**members, **({"package/package.json": manifest} if manifest else {})}.items():
            raw = content if isinstance(content, bytes) else json.dumps(content).encode()
            member = tarfile.TarInfo(name)
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))
    return path


def test_a_package_is_loaded_with_its_name_and_version(tmp_path: Path) -> None:
    packed(tmp_path / "a.tgz", {"package/ValueSet-v.json": value_set(), "package/Patient-p.json": {"resourceType": "Patient"}})
    loaded = library.load(packages=tmp_path)
    assert loaded.packages() == (*library.SHIPPED, "made.up#2.0.0")
    found = loaded.find("ValueSet", URL)
    assert found is not None
    assert (found.package, found.tree["url"]) == ("made.up#2.0.0", URL)
    assert URL in loaded.urls("ValueSet")
    assert loaded.find("CodeSystem", URL) is None


def test_of_several_versions_the_newest_answers_and_each_can_be_asked_for(tmp_path: Path) -> None:
    for number, version in enumerate(("2.9.0", "2.10.0", "2.1.0")):
        packed(tmp_path / f"{number}.tgz", {"package/v.json": value_set(version)}, {"name": "made.up", "version": version})
    loaded = library.load(packages=tmp_path)

    def version(url: str, near: str | None = None) -> str:
        found = loaded.find("ValueSet", url, near=near)
        return found.tree["version"] if found else ""

    assert version(URL) == "2.10.0"
    assert version(f"{URL}|2.1.0") == "2.1.0"
    assert version(URL, near="made.up#2.9.0") == "2.9.0"
    assert version(f"{URL}|3") == ""


def test_what_is_shipped_answers_before_what_is_loaded(tmp_path: Path) -> None:
    url = "https://clinic.example/fhir/CodeSystem/ketamine-clinic"
    packed(tmp_path / "a.tgz", {"package/c.json": {"resourceType": "CodeSystem", "url": url, "version": "99"}})
    found = library.load(packages=tmp_path).find("CodeSystem", url)
    assert found is not None
    assert found.package == "clinic"


@pytest.mark.parametrize(
    "name",
    ["package/../evil.json", "../evil.json", "/package/evil.json", "package/example/evil.json", "package/other/evil.json", "evil.json"],
)
def test_only_what_lies_in_the_package_folder_is_read(tmp_path: Path, name: str) -> None:
    packed(tmp_path / "a.tgz", {name: value_set(), "package/ok.json": value_set(url="http://made.example/ok")})
    loaded = library.load(packages=tmp_path)
    assert loaded.find("ValueSet", URL) is None
    assert loaded.find("ValueSet", "http://made.example/ok") is not None
    assert sorted(path.name for path in tmp_path.parent.rglob("evil.json")) == []


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_not_followed(tmp_path: Path, kind: bytes) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text(json.dumps(value_set()))
    packed(tmp_path / "a.tgz", {})
    with tarfile.open(tmp_path / "b.tgz", "w:gz") as archive:
        member = tarfile.TarInfo("package/ValueSet-v.json")
        member.type, member.linkname = kind, str(secret)
        archive.addfile(member)
        raw = json.dumps({"name": "b", "version": "1"}).encode()
        manifest = tarfile.TarInfo("package/package.json")
        manifest.size = len(raw)
        archive.addfile(manifest, io.BytesIO(raw))
    assert library.load(packages=tmp_path).find("ValueSet", URL) is None


def _bytes(members: dict[str, Any], folder: Path, manifest: Any = MANIFEST) -> bytes:
    return packed(folder / "made", members, manifest).read_bytes()


DAMAGED = {
    "no archive": lambda _: b"<html>404</html>",
    "empty": lambda _: b"",
    "cut off": lambda folder: _half(_bytes({f"package/{n}.json": value_set(url=f"http://x/{n}") for n in range(50)}, folder)),
    "not gzip": lambda folder: gzip.decompress(_bytes({}, folder)),
    "flipped bytes": lambda folder: _flipped(_bytes({"package/v.json": value_set()}, folder)),
    "no manifest": lambda folder: _bytes({"package/v.json": value_set()}, folder, None),
    "manifest is a list": lambda folder: _bytes({}, folder, [1]),
    "manifest without a name": lambda folder: _bytes({}, folder, {"version": "1"}),
    "manifest is no JSON": lambda folder: _bytes({}, folder, b"{"),
    "broken JSON": lambda folder: _bytes({"package/v.json": b'{"resourceType":'}, folder),
    "endless nesting": lambda folder: _bytes({"package/v.json": b"[" * 200_000}, folder),
    "not UTF-8": lambda folder: _bytes({"package/v.json": b'{"resourceType":"\xff"}'}, folder),
    "odd type": lambda folder: _bytes({"package/v.json": {"resourceType": ["ValueSet"], "url": "u"}}, folder),
    "huge member": lambda folder: _announced(folder, "package/v.json", 40 * 1024 * 1024),
    "huge member that is not even read": lambda folder: _announced(folder, "package/v.bin", 600 * 1024 * 1024),
}


def _half(raw: bytes) -> bytes:
    return raw[: len(raw) // 2]


def _flipped(raw: bytes) -> bytes:
    middle = len(raw) // 2
    return raw[:middle] + bytes(255 - byte for byte in raw[middle : middle + 20]) + raw[middle + 20 :]


def _announced(folder: Path, name: str, size: int) -> bytes:
    """An archive whose member claims a size, and ends there."""
    member = tarfile.TarInfo(name)
    member.size = size
    return gzip.compress(member.tobuf() + b" " * 1024)


@pytest.mark.parametrize("what", DAMAGED)
def test_a_damaged_package_is_an_error_that_names_the_file(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "packages"
    folder.mkdir()
    (folder / "bad.tgz").write_bytes(DAMAGED[what](tmp_path))
    with pytest.raises(PackageError, match=r"bad\.tgz") as caught:
        library.load(packages=folder)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_the_member_at_fault_is_named(tmp_path: Path) -> None:
    packed(tmp_path / "bad.tgz", {"package/ValueSet-v.json": b"{"})
    with pytest.raises(PackageError, match=r"bad\.tgz, package/ValueSet-v\.json is no JSON"):
        library.load(packages=tmp_path)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    packed(tmp_path / "a.tgz", {"package/v.json": b"\xef\xbb\xbf" + json.dumps(value_set()).encode()})
    assert library.load(packages=tmp_path).find("ValueSet", URL) is not None


def test_the_service_does_not_start_with_a_damaged_package(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "bad.tgz").write_bytes(b"nothing")
    variables = {f"{PREFIX}DATABASE_URL": database_url, f"{PREFIX}PACKAGES": str(tmp_path)}
    refused = CliRunner().invoke(cli.main, ["reindex"], env=variables)
    assert refused.exit_code == 2
    assert refused.output.startswith(f"Error: {PREFIX}PACKAGES: bad.tgz is no FHIR package that can be read")
    assert len(refused.output.splitlines()) == 1


@pytest.mark.skipif(not _PACKAGES, reason="EXAMPLE_PACKAGES names no folder of packages: 0 packages loaded")
@pytest.mark.parametrize("package", _PACKAGES, ids=lambda path: path.stem)
def test_every_profile_of_a_package_can_be_used(package: Path) -> None:
    name, rows = library.read_package(package)
    loaded = library.load(packages=package.parent)
    profiles = Profiles(definitions.load(), loaded)
    count = 0
    for type, url, version, _ in rows:
        if type == "StructureDefinition":
            found = profiles.find(f"{url}|{version}", near=name)
            assert found is not None, url
            assert found.package == name
            count += 1
    print(f"{package.name}: {count} profiles")
    assert count > 10


def _loaded(folder: Path, **members: Any) -> Profiles:
    """The profiles of a library with one more, whose URL is PROFILE."""
    stated = {"resourceType": "StructureDefinition", "url": PROFILE, "type": "Patient", "derivation": "constraint", **members}
    stated.setdefault("baseDefinition", "http://hl7.org/fhir/StructureDefinition/Patient")
    packed(folder / "a.tgz", {"package/p.json": stated})
    return Profiles(definitions.load(), library.load(packages=folder))


PROFILE = "http://made.example/StructureDefinition/p"
WHOLE = {"element": [{"id": "Patient", "path": "Patient"}, {"id": "Patient.name", "path": "Patient.name", "min": 1, "max": "*"}]}


def test_a_profile_without_ids_or_snapshot_can_be_used(tmp_path: Path) -> None:
    profile = _loaded(tmp_path, differential={"element": [{"path": "Patient"}, {"path": "Patient.name", "min": 1}]}).find(PROFILE)
    assert profile is not None
    assert profile.root.children["name"].minimum == 1


@pytest.mark.parametrize("base", ["http://hl7.org/fhir/StructureDefinition/Patient", "http://elsewhere.example/p"])
def test_a_profile_that_is_its_snapshot_can_be_used(tmp_path: Path, base: str) -> None:
    profile = _loaded(tmp_path, snapshot=WHOLE, baseDefinition=base).find(PROFILE)
    assert profile is not None
    assert profile.root.children["name"].minimum == 1


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"differential": "none"}, "is not a profile that can be read"),
        ({"differential": {"element": [{"min": 1}]}}, "is not a profile that can be read"),
        ({"differential": {"element": [{"path": "Patient.tail"}]}}, "has no such element"),
        ({"differential": {"element": []}, "baseDefinition": "http://elsewhere.example/p"}, "is not known here"),
        ({"differential": {"element": []}, "type": "Dragon"}, "is no R4 type"),
        ({"differential": {"element": []}, "baseDefinition": PROFILE}, "or on itself"),
    ],
)
def test_a_profile_that_makes_no_sense_is_named(tmp_path: Path, members: dict[str, Any], why: str) -> None:
    with pytest.raises(ProfileError, match=why):
        _loaded(tmp_path, **members).find(PROFILE)
