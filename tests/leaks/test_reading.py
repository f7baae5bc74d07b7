"""The leak table, reading: requests by which a server may tell a caller what it may not see. Each is sent by six callers on two databases.

Every answer is searched for the words of everything that its caller may not see (`sender`); what is asserted here comes on top.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from tests.leaks.principals import Principal
from tests.leaks.sender import Sender
from tests.leaks.world import Kept, World

NEVER = "never-was-here"
HIDDEN_TYPES = ("Observation", "Encounter", "Patient", "Provenance", "MedicationAdministration", "Device", "Group", "List", "Binary")


def _out_of_reach(world: World, who: Principal, is_deleted: bool = False) -> list[Kept]:
    found = [one for one in world.kept.values() if one.is_deleted == is_deleted and not who.may_see(one, one.last)]
    assert found
    return found


def _as_if_never(sender: Sender, hidden: Iterable[Kept], method: str, path: str, **headers: str) -> None:
    for one in hidden:
        mine = sender.outcome(method, path.format(type=one.type, id=one.id), one.id, **headers)
        assert mine == sender.outcome(method, path.format(type=one.type, id=NEVER), NEVER, **headers), f"{one.address} {path}"
        assert mine[0] in (403, 404)
        assert (mine[0] == 403) == (not sender.who.reads(one.type)), one.address


@pytest.mark.parametrize(
    "path", ["{type}/{id}", "{type}/{id}/_history", "{type}/{id}/_history/1", "{type}/{id}/_history/1/$meta", "{type}/{id}/$meta"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_leak_01_by_id(sender: Sender, world: World, who: Principal, method: str, path: str) -> None:
    _as_if_never(sender, _out_of_reach(world, who), method, path)


def test_leak_01_what_is_in_reach_is_given(sender: Sender, world: World, who: Principal) -> None:
    for one in world.kept.values():
        for number, content in enumerate(one.versions, 1):
            answer = sender.send("GET", f"{one.address}/_history/{number}")
            if not content.is_deletion:
                assert (answer.status_code == 200) == who.may_see(one, content), f"{one.address} version {number}"
                assert (content.word in answer.text) == who.words(one, content)


@pytest.mark.parametrize("headers", [{"If-None-Match": 'W/"1"'}, {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}])
def test_leak_02_conditional_reads(sender: Sender, world: World, who: Principal, headers: dict[str, str]) -> None:
    _as_if_never(sender, _out_of_reach(world, who), "GET", "{type}/{id}", **headers)


@pytest.mark.parametrize("path", ["{type}/{id}", "{type}/{id}/_history", "{type}/{id}/_history/2", "{type}/{id}/_history/1"])
def test_leak_03_what_was_deleted(sender: Sender, world: World, who: Principal, path: str) -> None:
    hidden = [one for one in world.kept.values() if one.is_deleted and not who.may_see(one, one.last)]
    _as_if_never(sender, hidden, "GET", path)
    for one in world.kept.values():
        if one.is_deleted and one not in hidden:
            assert sender.send("GET", one.address).status_code == 410


@pytest.mark.parametrize(
    "search",
    [
        "Observation?patient=personB",
        "Observation?subject=Patient/personB",
        "Observation?subject=http://127.0.0.1:8080/fhir/Patient/personB",
        "Patient/personB/Observation",
        "Patient/personB/*",
    ],
)
def test_leak_04_by_the_patient(sender: Sender, world: World, who: Principal, search: str) -> None:
    mine = [one for one in world.of_type("Observation") if "B" in one.last.patients and who.sees_now(one)]
    found = sender.found(search)
    if found is not None and "*" not in search:
        assert Counter(found) == Counter(one.address for one in mine)
    if who.name == "patient-app":
        assert not found


def test_leak_05_by_ids(sender: Sender, world: World, who: Principal) -> None:
    mine = sorted(one.address for one in world.of_type("Observation") if one.id in ("vitalA", "vitalB") and who.sees_now(one))
    answer = sender.send("GET", "Observation?_id=vitalA,vitalB&_total=accurate")
    assert answer.status_code == (200 if who.reads("Observation") else 403)
    if answer.status_code == 200:
        assert answer.get_json()["total"] == len(mine)
        assert sorted(sender.found("Observation?_id=vitalA,vitalB") or ()) == mine


@pytest.mark.parametrize("count", ["_summary=count", "_total=accurate&_count=1", "_count=0"])
@pytest.mark.parametrize("type", HIDDEN_TYPES)
def test_leak_06_counts(sender: Sender, world: World, who: Principal, type: str, count: str) -> None:
    answer = sender.send("GET", f"{type}?{count}")
    if answer.status_code != 200:
        assert (answer.status_code, who.reads(type)) == (403, False)
        return
    assert answer.get_json()["total"] == sum(map(who.sees_now, world.of_type(type)))


@pytest.mark.parametrize(
    "search",
    [
        "Encounter?_include=Encounter:subject",
        "Encounter?_include=*",
        "Observation?_include=Observation:subject&_include=Observation:encounter",
        "Patient?_id=personA&_revinclude=Observation:focus",
        "Patient?_revinclude=Observation:*",
        "Observation?_include=Observation:focus",
        "Encounter?_id=visitA&_include=Encounter:location&_revinclude:iterate=Encounter:location",
        "Encounter?_id=visitB&_include=Encounter:location&_revinclude:iterate=Encounter:location&_include:iterate=Encounter:subject",
        "Medication?_id=vial&_revinclude=MedicationAdministration:medication",
        "DocumentReference?_include=*",
        "Provenance?_include=Provenance:target",
        "Patient?_revinclude=Provenance:target&_revinclude=Group:member&_revinclude=List:item",
        "Device?_include=Device:patient&_revinclude=Observation:device",
    ],
)
def test_leak_07_to_11_includes(sender: Sender, world: World, who: Principal, search: str) -> None:
    found = sender.found(search)
    assert (found is None) == (not who.reads(search.partition("?")[0]))
    assert [address for address in found or () if not who.sees_now(world.kept[address])] == []


def test_leak_11_of_a_shared_vial_the_own_draw(sender: Sender, world: World, who: Principal) -> None:
    found = sender.found("Medication?_id=vial&_revinclude=MedicationAdministration:medication")
    mine = {one.address for one in world.of_type("MedicationAdministration") if who.sees_now(one)}
    assert found is None or set(found) - {"Medication/vial"} == mine


@pytest.mark.parametrize(
    ("search", "needs", "matches"),
    [
        ("Patient?_has:Observation:patient:code-value-quantity=pressure$gt3", ("Patient", "Observation"), None),
        ("Patient?_has:Observation:patient:category=vital-signs", ("Patient", "Observation"), ["vitalA", "vitalB"]),
        (
            "Patient?_has:Observation:patient:category=laboratory",
            ("Patient", "Observation"),
            ["labA", "labB", "focusA", "focusB", "sorted"],
        ),
        ("Patient?_has:Flag:patient:status=active", ("Patient", "Flag"), None),
        ("MedicationAdministration?patient.name=FamilyB", ("MedicationAdministration", "Patient"), None),
        ("Observation?subject:Patient.name=FamilyB", ("Observation", "Patient"), None),
        ("Observation?_filter=subject.name eq FamilyB", ("Observation", "Patient"), None),
        ("Observation?encounter.status=in-progress", ("Observation", "Encounter"), None),
        ("Observation?_list=both", ("Observation", "List"), None),
    ],
)
def test_leak_13_14_chains(
    sender: Sender, world: World, who: Principal, search: str, needs: tuple[str, ...], matches: list[str] | None
) -> None:
    found = sender.found(search)
    if not all(map(who.reads, needs)):
        assert found is None
    if found is not None:
        assert [address for address in found if not who.sees_now(world.kept[address])] == []
        if matches is not None:
            through = [one for one in world.of_type("Observation") if one.id in matches and who.sees_now(one)]
            assert {address.partition("/")[2] for address in found} == {
                f"person{patient}"
                for one in through
                for patient in one.last.patients
                if who.sees_now(world.kept[f"Patient/person{patient}"])
            }


@pytest.mark.parametrize("sort", ["patient.name", "subject", "-date", "_lastUpdated", "value-quantity", "code"])
def test_leak_15_sorting(sender: Sender, world: World, who: Principal, sort: str) -> None:
    found = sender.found(f"Observation?_sort={sort}&_count=2")
    assert found is None or Counter(found) == Counter(one.address for one in world.of_type("Observation") if who.sees_now(one))


def test_leak_17_18_another_category(sender: Sender, world: World, who: Principal) -> None:
    for search in ("Observation?category=laboratory", "Observation?_id=labA", "Observation?_id=sorted", "Observation?patient=personA"):
        found = sender.found(search)
        assert found is None or all(who.sees_now(world.kept[address]) for address in found)
    if who.name == "vital-signs":
        assert sender.send("GET", "Observation/sorted/_history/1").status_code == 404
        assert sender.send("GET", "Observation/labA").status_code == 404


@pytest.mark.parametrize("path", ["Patient/person{}/$everything", "Encounter/visit{}/$everything"])
@pytest.mark.parametrize("patient", ["A", "B"])
def test_leak_29_everything(sender: Sender, world: World, who: Principal, path: str, patient: str) -> None:
    type = path.partition("/")[0]
    focus = world.kept[path.format(patient).removesuffix("/$everything")]
    answer = sender.send("GET", path.format(patient) + "?_count=100")
    assert answer.status_code == (200 if who.sees_now(focus) else 404 if who.reads(type) else 403)
    if answer.status_code == 200:
        shown = [entry["resource"] for entry in answer.get_json()["entry"]]
        assert all(who.sees_now(world.kept[f"{one['resourceType']}/{one['id']}"]) for one in shown)
        assert len(shown) > 1


@pytest.mark.parametrize("path", ["_history", "Observation/_history", "Patient/_history", "Group/_history"])
@pytest.mark.parametrize("query", ["?_count=3", "?_since=2020-01-01T00:00:00Z", "?_at=2100-01-01"])
def test_leak_33_histories(sender: Sender, world: World, who: Principal, path: str, query: str) -> None:
    link: str | None = path + query
    seen: list[tuple[str, int]] = []
    while link:
        answer = sender.send("GET", link)
        if answer.status_code != 200:
            assert answer.status_code == 403
            return
        bundle = answer.get_json()
        for entry in bundle.get("entry", ()):
            address = entry["fullUrl"].rpartition("/fhir/")[2]
            seen.append((address, int(entry["response"]["etag"].strip('W/"'))))
        link = next((one["url"].partition("/fhir/")[2] for one in bundle["link"] if one["relation"] == "next"), None)
    type = path.partition("/")[0] if "/" in path else None
    mine = Counter(
        (one.address, number)
        for one in world.kept.values()
        if type in (None, one.type)
        for number, content in enumerate(one.versions, 1)
        if who.may_see(one, content) and ("_at" not in query or number == len(one.versions))
    )
    ours = Counter(one for one in seen if one[0] in world.kept)
    assert ours == mine


@pytest.mark.parametrize("address", ["Group/both", "List/both", "Binary/scan"])
def test_leak_34_37_what_names_several(sender: Sender, world: World, who: Principal, address: str) -> None:
    answer = sender.send("GET", address)
    assert (answer.status_code == 200) == who.sees_now(world.kept[address])
    if who.name == "patient-app":
        assert answer.status_code == 404


def test_leak_35_provenance_of_two(sender: Sender, world: World, who: Principal) -> None:
    found = sender.found("Provenance?target=Patient/personA")
    assert found is None or ("Provenance/signsBoth" in found) == who.sees_now(world.kept["Provenance/signsBoth"])


def test_leak_36_45_the_trail_is_named_or_not_reached(sender: Sender, who: Principal) -> None:
    for path in ("AuditEvent", "AuditEvent?patient=personB", "AuditEvent/some-id"):
        answer = sender.send("GET", path)
        assert (answer.status_code == 403) == (who.name != "auditor"), path


def test_leak_42_presentation_makes_no_difference(sender: Sender, who: Principal, world: World) -> None:
    one = _out_of_reach(world, who)[0]
    for look in ("?_format=json", "?_pretty=true", "?_format=html", "?_elements=id", "?_summary=true", "?_format=xml"):
        mine = sender.send("GET", one.address + look)
        never = sender.send("GET", f"{one.type}/{NEVER}{look}")
        assert (mine.status_code, mine.text.replace(one.id, "ID")) == (never.status_code, never.text.replace(NEVER, "ID"))


def test_leak_43_an_ignored_parameter_widens_nothing(sender: Sender, world: World, who: Principal) -> None:
    answer = sender.send("GET", "Observation?nonsense=1&_count=100", Prefer="handling=lenient")
    if answer.status_code == 200:
        shown = [entry["resource"] for entry in answer.get_json()["entry"] if entry["search"]["mode"] == "match"]
        assert {one["id"] for one in shown} == {one.id for one in world.of_type("Observation") if who.sees_now(one)}


def test_leak_47_post_and_head_are_get(sender: Sender) -> None:
    for query in ("patient=personB", "_id=vitalA,vitalB,labA,labB", "category=laboratory"):
        got = sender.send("GET", f"Observation?{query}")
        posted = sender.send("POST", "Observation/_search", query)
        head = sender.send("HEAD", f"Observation?{query}")
        assert got.status_code == posted.status_code == head.status_code
        assert [e.get("fullUrl") for e in got.get_json().get("entry", ())] == [e.get("fullUrl") for e in posted.get_json().get("entry", ())]


def test_leak_48_devices(sender: Sender, world: World, who: Principal) -> None:
    found = sender.found("Device")
    assert (found is None) == (not who.reads("Device"))
    if found is not None:
        assert sorted(found) == sorted(one.address for one in world.of_type("Device") if who.sees_now(one))
    if who.name == "patient-app":
        assert sorted(found or ()) == ["Device/free", "Device/pumpA"]


@pytest.mark.parametrize(
    "operation",
    [
        "Observation/$lastn?patient=person{}",
        "Observation/$stats?subject=Patient/person{}&code=pressure&system=urn:leaks&statistic=maximum&period=2025-12-01/2026-02-01&include=true",
    ],
)
def test_RULE14_operations(sender: Sender, world: World, who: Principal, operation: str) -> None:
    answer = sender.send("GET", operation.format("B"))
    assert answer.status_code in (200, 400, 403)
    if not who.reads("Observation"):
        assert answer.status_code == 403
    elif (
        answer.status_code == 200
        and "$stats" in operation
        and not any(who.sees_now(one) for one in world.of_type("Observation") if "B" in one.last.patients)
    ):
        assert "120" not in answer.text


def test_RULE14_labels_of_a_type_reached_in_part_are_not_counted(sender: Sender, who: Principal) -> None:
    answer = sender.send("GET", "MedicationAdministration/$meta")
    if answer.status_code == 200:
        assert ("CTLSUB" in answer.text) == (who.name in ("ehr", "auditor"))


def test_leak_16_a_cursor_of_a_history_is_its_readers(sender: Sender, place: Any, who: Principal) -> None:
    first = sender.send("GET", "Observation/_history?_count=1")
    if first.status_code != 200:
        return
    links = [one["url"].partition("/fhir/")[2] for one in first.get_json()["link"] if one["relation"] == "next"]
    for other, client in place[1].items():
        if links and other != who.name:
            assert client.get(f"/fhir/{links[0]}").status_code in (400, 403)
