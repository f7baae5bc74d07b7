"""What a caller reaches of the record: two patients, A and B, and callers who may see one of them, some of it, or one clinic."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import pytest

from service.errors import BadRequest, Forbidden, Gone, NotFound, ServiceError, Unprocessable
from service.fhir.document import Document, stored
from service.fhir.patch import JsonPatch
from service.records import find as finding
from service.records import read as reading
from service.records.change import Change, Create, Delete, Patch, Update
from service.records.commit import commit
from service.records.context import Context, Service
from service.records.everything import Everything, everything
from service.records.read import HistoryQuery
from service.records.shown import Breach
from service.search import past
from service.search.query import EVERYTHING, Compartment
from service.security.access import Access
from service.security.caller import NOBODY, Caller
from service.security.grant import Grant
from tests.access import TESTS

CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
CTLSUB = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "CTLSUB"}
LABORATORY = f"system/Observation.cruds?category={CATEGORY}|laboratory"
Caller_ = Callable[..., Context]


def _observation(id: str | None, patient: str, category: str = "laboratory", **more: Any) -> Document:
    about = {"code": {"text": "x"}, "category": [{"coding": [{"system": CATEGORY, "code": category}]}], "status": "final"}
    named = {"id": id} if id else {}
    return Document.of({"resourceType": "Observation", **named, **about, "subject": {"reference": f"Patient/{patient}"}, **more})


def _put(service: Service, type: str, id: str, **content: Any) -> None:
    commit(Context(service, TESTS), [Update(type, id, Document.of({"resourceType": type, "id": id, **content}))])


@pytest.fixture
def world(service: Service) -> Service:
    """A and B, each of a clinic of its own, with two observations, a dose and a Provenance."""
    for number, patient in enumerate("AB"):
        _put(service, "Organization", f"o{patient}", name=patient)
        clinic = {"reference": f"Organization/o{patient}"}
        telecom = [{"system": "phone", "value": f"5{number}"}]
        _put(service, "Patient", patient, managingOrganization=clinic, name=[{"family": f"Family{patient}"}], telecom=telecom)
    _put(service, "Practitioner", "d")
    subject = {patient: {"reference": f"Patient/{patient}"} for patient in "AB"}
    for patient in "AB":
        _put(service, "Encounter", f"e{patient}", status="finished", **{"class": {"code": "AMB"}}, subject=subject[patient])
        for name, category in (("lab", "laboratory"), ("social", "social-history")):
            tree = _observation(f"{name}{patient}", patient, category, focus=[subject["B"]]).tree
            commit(Context(service, TESTS), [Update("Observation", f"{name}{patient}", Document.of(tree))])
        dose = {"status": "not-done", "medicationCodeableConcept": {"text": "k"}, "effectiveDateTime": "2026-01-01T10:00:00Z"}
        tag = {"meta": {"tag": [CTLSUB]}} if patient == "A" else {}
        _put(service, "MedicationAdministration", f"m{patient}", **dose, **tag, subject=subject[patient])
    signed = {"recorded": "2026-01-01T10:00:00Z", "agent": [{"who": {"reference": "Practitioner/d"}}]}
    _put(service, "Provenance", "pA", **signed, target=[subject["A"], {"reference": "Observation/labA/_history/1"}])
    _put(service, "Provenance", "pAB", **signed, target=[subject["A"], subject["B"]])
    _put(service, "Provenance", "pAlabB", **signed, target=[subject["A"], {"reference": "Observation/labB"}])
    return service


@pytest.fixture
def limited(world: Service) -> Caller_:
    """A context whose caller has these scopes."""

    def made(scopes: str, **more: Any) -> Context:
        return Context(world, Caller("some-client", Grant.of(world.identity.grammar.typed(scopes)), **more))

    return made


@pytest.fixture
def of_a(limited: Caller_) -> Context:
    """The app of patient A."""
    return limited("patient/*.cruds", patients=("A",))


def _ids(ctx: Context, type: str | None, query: str = "") -> list[str]:
    _, page = finding.find(ctx, type, parse_qsl(query), lenient=False)
    return sorted(f"{one.type}/{one.id}" for one in (*page.matches, *page.included))


def _refused(ctx: Context, change: Change) -> ServiceError:
    with pytest.raises(ServiceError) as refused:
        commit(ctx, [change])
    return refused.value


def test_RULE0_without_a_caller_nothing_is_seen(world: Service) -> None:
    nobody = Context(world)
    assert nobody.caller is NOBODY
    for ask in (lambda: _ids(nobody, "Patient"), lambda: reading.read(nobody, "Patient", "A"), lambda: _ids(nobody, None)):
        with pytest.raises(Forbidden):
            ask()
    assert isinstance(_refused(nobody, Create("Observation", _observation(None, "A"))), Forbidden)


@pytest.mark.parametrize(
    ("type", "seen"),
    [
        ("Patient", ["Patient/A"]),
        ("Observation", ["Observation/labA", "Observation/socialA"]),
        ("Encounter", ["Encounter/eA"]),
        ("MedicationAdministration", ["MedicationAdministration/mA"]),
        ("Provenance", ["Provenance/pA"]),
        ("Practitioner", ["Practitioner/d"]),
        ("Organization", ["Organization/oA", "Organization/oB"]),
        ("List", []),
        ("Group", []),
        ("Binary", []),
    ],
)
def test_RULE3_a_patient_reaches_the_compartment_and_RULE4_what_is_universal(of_a: Context, type: str, seen: list[str]) -> None:
    assert _ids(of_a, type) == seen


def test_RULE5_what_is_out_of_reach_is_as_if_it_never_was(of_a: Context, world: Service) -> None:
    told = []
    for id in ("labB", "never"):
        with pytest.raises(NotFound) as unknown:
            reading.read(of_a, "Observation", id)
        told.append(str(unknown.value).replace(id, "ID"))
    assert told[0] == told[1]
    everyone = Context(world, TESTS)
    commit(everyone, [Delete("Observation", "socialA"), Delete("Observation", "socialB")])
    with pytest.raises(Gone):
        reading.read(of_a, "Observation", "socialA")
    with pytest.raises(NotFound):
        reading.read(of_a, "Observation", "socialB")


def test_RULE6_a_version_is_seen_where_it_and_the_resource_now_are(limited: Caller_, world: Service, of_a: Context) -> None:
    commit(Context(world, TESTS), [Update("Observation", "labA", _observation("labA", "B"))])
    for ctx, version in ((of_a, 1), (of_a, 2), (limited("patient/*.rs", patients=("B",)), 1)):
        with pytest.raises(NotFound):
            reading.vread(ctx, "Observation", "labA", version)
    of_b = limited("patient/*.rs", patients=("B",))
    assert reading.vread(of_b, "Observation", "labA", 2).text
    assert [one.version for one in reading.history(of_b, HistoryQuery("Observation", "labA")).versions] == [2]
    assert not [one for one in reading.history(of_a, HistoryQuery("Observation")).versions if one.id == "labA"]


def test_RULE6_a_history_tells_of_what_may_be_seen_alone(of_a: Context, world: Service) -> None:
    commit(Context(world, TESTS), [Delete("Observation", "socialA"), Delete("Observation", "socialB")])
    page = reading.history(of_a, HistoryQuery("Observation", count=2))
    assert page.total is None
    assert page.after is not None
    rest = reading.history(of_a, HistoryQuery("Observation", count=2, after=page.after))
    assert [(one.id, one.version) for one in (*page.versions, *rest.versions)] == [("socialA", 2), ("socialA", 1), ("labA", 1)]
    assert {one.id for one in reading.history(of_a, HistoryQuery()).versions if one.type == "Patient"} == {"A"}


@pytest.mark.parametrize(
    "query", ["patient=B", "subject=Patient/B", "_id=labB", "subject.name=FamilyB", "patient=B&_total=accurate", "_id=labB&_summary=count"]
)
def test_RULE7_the_restriction_is_in_the_question(of_a: Context, query: str) -> None:
    _, page = finding.find(of_a, "Observation", parse_qsl(query), lenient=False)
    assert (page.matches, page.total) == ((), 0)


def test_RULE7_a_cursor_is_good_for_its_reader_alone(limited: Caller_, of_a: Context) -> None:
    _, page = finding.find(of_a, "Observation", [("_count", "1")], lenient=False)
    assert page.next is not None
    following = [("_count", "1"), ("_cursor", page.next)]
    assert len(finding.find(of_a, "Observation", following, lenient=False)[1].matches) == 1
    for other in (limited("patient/*.cruds", patients=("B",)), limited("patient/Observation.rs", patients=("A",)), limited("system/*.rs")):
        with pytest.raises(ServiceError, match="cursor"):
            finding.find(other, "Observation", following, lenient=False)


@pytest.mark.parametrize(
    ("type", "query"),
    [
        ("Observation", "_include=Observation:focus&_include=Observation:subject"),
        ("Observation", "_include=*"),
        ("Patient", "_revinclude=Observation:focus&_revinclude=Observation:subject"),
        ("Patient", "_revinclude=Provenance:target&_revinclude:iterate=Provenance:target"),
        ("Encounter", "_include=Encounter:subject&_revinclude:iterate=Observation:focus&_include:iterate=Observation:focus"),
    ],
)
def test_RULE8_includes_bring_nothing_out_of_reach(of_a: Context, type: str, query: str) -> None:
    found = _ids(of_a, type, query)
    assert [one for one in found if one.endswith("B") and not one.startswith("Organization")] == []
    assert any(not one.startswith(f"{type}/") for one in found)


def test_RULE8_types_that_may_not_be_read_are_left_out_with_a_constant_warning(limited: Caller_) -> None:
    ctx = limited("system/Observation.rs")
    for query in ("_include=Observation:subject", "_include=Observation:subject&patient=nobody"):
        _, page = finding.find(ctx, "Observation", parse_qsl(query), lenient=False)
        assert page.included == ()
        assert [issue.rule for issue in page.issues] == ["include-scope"]


def test_RULE9_chains_and_reverse_chains_are_restricted(limited: Caller_) -> None:
    granular = limited(f"{LABORATORY} system/Patient.rs")
    assert _ids(granular, "Patient", "_has:Observation:patient:category=laboratory") == ["Patient/A", "Patient/B"]
    assert _ids(granular, "Patient", "_has:Observation:patient:category=social-history") == []
    for ctx, type, query in (
        (limited("system/Patient.rs"), "Patient", "_has:Observation:patient:status=final"),
        (limited("system/Observation.rs"), "Observation", "subject:Patient.name=FamilyB"),
        (limited("system/Observation.rs"), "Observation", "subject.name=FamilyB"),
        (limited("system/Observation.rs"), "Observation", "_filter=subject.name eq FamilyB"),
        (limited("system/Observation.rs"), "Observation", "_list=x"),
    ):
        with pytest.raises(Forbidden):
            _ids(ctx, type, query)


def test_RULE10_conditions_need_a_scope_to_search(limited: Caller_, of_a: Context) -> None:
    writer = limited("system/Observation.cud system/Observation.r")
    document = _observation(None, "A")
    for change in (
        Create("Observation", document, if_none_exist="patient=B"),
        Update("Observation", None, document, condition="patient=B"),
        Delete("Observation", None, condition="patient=B"),
    ):
        assert isinstance(_refused(writer, change), Forbidden)
    assert commit(of_a, [Delete("Observation", None, condition="patient=B")])[0].outcome == "absent"
    assert commit(of_a, [Create("Observation", document, if_none_exist="patient=B")])[0].outcome == "created"


def test_RULE11_a_change_is_held_to_what_was_and_to_what_will_be(of_a: Context) -> None:
    out = {str(_refused(of_a, Update("Observation", id, _observation(id, "A")))).replace(id, "ID") for id in ("labB", "never")}
    assert len(out) == 1
    for change in (
        Create("Observation", _observation(None, "B")),
        Create("Observation", _observation(None, "never")),
        Update("Observation", "labA", _observation("labA", "B")),
    ):
        assert isinstance(_refused(of_a, change), Forbidden)
    assert {commit(of_a, [Delete("Observation", id)])[0].outcome for id in ("labB", "never")} == {"absent"}
    assert commit(of_a, [Update("Observation", "labA", _observation("labA", "A", note=[{"text": "mine"}]))])[0].outcome == "updated"


def test_RULE11_the_category_of_a_scope_is_not_left_by_an_update(limited: Caller_) -> None:
    ctx = limited(f"{LABORATORY} system/Patient.rs")
    assert isinstance(_refused(ctx, Update("Observation", "labA", _observation("labA", "A", "social-history"))), Forbidden)
    assert isinstance(_refused(ctx, Create("Observation", _observation(None, "A", "social-history"))), Forbidden)
    assert commit(ctx, [Create("Observation", _observation(None, "A"))])[0].outcome == "created"


def test_RULE12_references_name_what_may_be_read(limited: Caller_, of_a: Context) -> None:
    ctx = limited("system/Observation.crus")
    told = {str(_refused(ctx, Create("Observation", _observation(None, id)))).replace(id, "ID") for id in ("A", "never")}
    assert len(told) == 1
    inner = {"resourceType": "Patient", "id": "x"}
    contained = _observation(None, "A", contained=[inner], focus=[{"reference": "#x"}])
    assert [issue.rule for issue in _refused(of_a, Create("Observation", contained)).issues] == ["contained-restricted"]
    assert isinstance(_refused(of_a, Create("Observation", _observation(None, "A", focus=[{"reference": "Encounter/eB"}]))), Unprocessable)


def test_a_patch_reads_and_so_needs_a_scope_to_read(limited: Caller_) -> None:
    patch = JsonPatch.of([{"op": "test", "path": "/status", "value": "final"}])
    assert isinstance(_refused(limited("system/Observation.u"), Patch("Observation", "labA", patch)), Forbidden)


def test_RULE20_what_should_not_leave_does_not(of_a: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Access, "of", lambda *_: EVERYTHING)
    with pytest.raises(Breach):
        _ids(of_a, "Observation")
    with pytest.raises(Breach):
        reading.read(of_a, "Observation", "labB")


def test_a_person_reaches_the_patients_of_the_own_clinics(limited: Caller_, world: Service) -> None:
    nurse = limited("user/*.crus", role="clinician", user="Practitioner/d", organizations=("oA",))
    assert _ids(nurse, "Patient") == ["Patient/A"]
    assert _ids(nurse, "Observation") == ["Observation/labA", "Observation/socialA"]
    assert _ids(nurse, "Practitioner") == ["Practitioner/d"]
    assert _ids(nurse, "Observation", "_include=Observation:focus") == ["Observation/labA", "Observation/socialA"]
    assert isinstance(_refused(nurse, Create("Observation", _observation(None, "B"))), Forbidden)
    emergency = replace(nurse, caller=replace(nurse.caller, beyond=("B",)))
    assert _ids(emergency, "Patient") == ["Patient/A", "Patient/B"]
    assert len(_ids(emergency, "Observation")) == 4
    homeless = replace(nurse, caller=replace(nurse.caller, organizations=()))
    assert _ids(homeless, "Patient") == []
    both = replace(nurse, caller=replace(nurse.caller, organizations=("oA", "oB")))
    assert _ids(both, "Patient") == ["Patient/A", "Patient/B"]


def test_an_auditor_is_shown_who_received_a_controlled_substance(limited: Caller_) -> None:
    auditor = limited("system/MedicationAdministration.rs", role="auditor")
    assert _ids(auditor, "Patient") == ["Patient/A"]
    text = reading.read(auditor, "Patient", "A").text
    assert text is not None
    assert set(stored(text).tree) == {"resourceType", "id", "meta", "name"}
    with pytest.raises(NotFound):
        reading.read(auditor, "Patient", "B")
    for query in ("telecom=50", "organization=oA", "_has:MedicationAdministration:patient:status=completed&telecom:missing=true"):
        with pytest.raises(Forbidden):
            _ids(auditor, "Patient", query)
    with pytest.raises(Forbidden):
        _ids(auditor, "MedicationAdministration", "patient.telecom=50")
    assert _ids(auditor, "MedicationAdministration", "patient.family=FamilyA") == ["MedicationAdministration/mA"]


def test_a_condition_that_matches_what_may_not_be_changed_is_refused(limited: Caller_) -> None:
    ctx = limited(f"system/Observation.crs system/Patient.rs system/Observation.ud?category={CATEGORY}|laboratory")
    for change in (
        Update("Observation", None, _observation(None, "A"), condition="_id=socialA"),
        Delete("Observation", None, condition="_id=socialA"),
    ):
        assert isinstance(_refused(ctx, change), Forbidden)
    assert (
        commit(ctx, [Update("Observation", None, _observation(None, "A", note=[{"text": "x"}]), condition="_id=labA")])[0].outcome
        == "updated"
    )


def test_a_history_does_not_read_without_end(of_a: Context, world: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "MOST_READ", 4)
    monkeypatch.setattr(past, "_CHUNK", 1)
    commit(Context(world, TESTS), [Delete("Observation", "socialB")])
    for _ in range(5):
        made = commit(Context(world, TESTS), [Create("Observation", _observation(None, "B"))])
        commit(Context(world, TESTS), [Delete("Observation", made[0].id)])
    with pytest.raises(BadRequest, match="passes over"):
        reading.history(of_a, HistoryQuery("Observation", count=50))


def test_a_history_of_a_type_is_what_may_be_searched_whatever_may_be_read(limited: Caller_) -> None:
    ctx = limited("system/Observation.s patient/Observation.r", patients=("A",))
    assert {one.id for one in reading.history(ctx, HistoryQuery("Observation")).versions} == {"labA", "socialA", "labB", "socialB"}
    with pytest.raises(NotFound):
        reading.history(ctx, HistoryQuery("Observation", "labB"))


def test_a_deleted_provenance_that_names_another_patients_record_stays_hidden(of_a: Context, world: Service) -> None:
    commit(Context(world, TESTS), [Delete("Provenance", id) for id in ("pA", "pAlabB")])
    with pytest.raises(Gone):
        reading.read(of_a, "Provenance", "pA")
    with pytest.raises(NotFound):
        reading.read(of_a, "Provenance", "pAlabB")
    assert {one.id for one in reading.history(of_a, HistoryQuery("Provenance")).versions} == {"pA"}


def test_who_sees_a_part_of_a_patient_is_not_led_by_the_rest(limited: Caller_, world: Service) -> None:
    _put(world, "Patient", "A", generalPractitioner=[{"reference": "Practitioner/d"}], name=[{"family": "FamilyA"}])
    auditor = limited("system/MedicationAdministration.rs system/Practitioner.rs system/Organization.rs", role="auditor")
    for type, query in (
        ("Patient", "_include=Patient:general-practitioner"),
        ("Patient", "_include=*"),
        ("MedicationAdministration", "_include=MedicationAdministration:subject&_include:iterate=Patient:general-practitioner"),
        ("Practitioner", "_revinclude=Patient:general-practitioner"),
        ("Practitioner", "_has:Patient:general-practitioner:family=FamilyA"),
    ):
        with pytest.raises(Forbidden):
            _ids(auditor, type, query)
    with pytest.raises(Forbidden):
        finding.find(auditor, "Patient", [], lenient=False, compartment=Compartment("Practitioner", "d"))
    assert _ids(auditor, "MedicationAdministration", "_include=*") == [
        "MedicationAdministration/mA",
        "MedicationAdministration/mB",
        "Patient/A",
    ]
    sheet = everything(auditor, Everything("Patient", "A", 50))
    assert [f"{one.type}/{one.id}" for one in (*sheet.matches, *sheet.included)] == ["Patient/A", "MedicationAdministration/mA"]
    assert {one.id for one in reading.history(auditor, HistoryQuery("Patient")).versions} == {"A"}
    assert b"Practitioner" not in str([one.text for one in reading.history(auditor, HistoryQuery("Patient")).versions]).encode()


def test_a_person_makes_a_patient_and_what_belongs_to_it_at_once_and_keeps_it_in_the_clinic(limited: Caller_) -> None:
    nurse = limited("user/*.crus", role="clinician", user="Practitioner/d", organizations=("oA",))
    clinic = {"managingOrganization": {"reference": "Organization/oA"}}
    patient = Create(
        "Patient", Document.of({"resourceType": "Patient", **clinic}), full_url="urn:uuid:c0ffee00-0000-4000-8000-000000000001"
    )
    seen = _observation(None, "x").tree | {"subject": {"reference": patient.full_url}}
    assert [one.outcome for one in commit(nurse, [patient, Create("Observation", Document.of(seen))])] == ["created", "created"]
    moved = {"resourceType": "Patient", "id": "A", "managingOrganization": {"reference": "Organization/oB"}}
    assert isinstance(_refused(nurse, Update("Patient", "A", Document.of(moved))), Forbidden)
    elsewhere = {"resourceType": "Patient", "managingOrganization": {"reference": "Organization/oB"}}
    assert isinstance(_refused(nurse, Create("Patient", Document.of(elsewhere))), Forbidden)


def test_a_task_is_of_the_clinic_of_its_patient(limited: Caller_, world: Service) -> None:
    for patient in "AB":
        _put(world, "Task", f"t{patient}", status="ready", intent="order", **{"for": {"reference": f"Patient/{patient}"}})
    nurse = limited("user/*.crus", role="clinician", user="Practitioner/d", organizations=("oA",))
    assert _ids(nurse, "Task") == ["Task/tA"]
    commit(Context(world, TESTS), [Delete("Task", "tB")])
    with pytest.raises(NotFound):
        reading.read(nurse, "Task", "tB")


@pytest.mark.parametrize("meta", [5, [], {"tag": 5}, {"tag": {}}, {"tag": [5]}, "x"])
def test_a_late_entry_with_broken_labels_is_refused_not_failed(limited: Caller_, meta: Any) -> None:
    gateway = limited(f"system/Observation.c?category={CATEGORY}|laboratory", role="gateway", device="Device/none")
    tree = _observation(None, "A").tree | {"effectiveDateTime": "2020-01-01T10:00:00Z", "meta": meta}
    unresolved = tree | {"subject": {"reference": "urn:uuid:c0ffee00-0000-4000-8000-000000000002"}}
    for one in (tree, unresolved):
        assert isinstance(_refused(gateway, Create("Observation", Document.of(one))), Unprocessable | Forbidden)
