"""Referential integrity: what is referred to exists, and nothing that others refer to is deleted."""

from dataclasses import replace

import pytest

from service.errors import Conflict, Unprocessable
from service.records import read
from service.records.commit import commit
from service.records.context import Context
from tests.access import TESTS
from tests.records.samples import address, condition, create, delete, observation, one, patch, patient, update


@pytest.fixture
def unchecked(ctx: Context) -> Context:
    """The same with the checks switched off."""
    return Context(replace(ctx.service, settings=replace(ctx.service.settings, check_references=False)), TESTS)


def test_every_missing_target_is_named_with_its_place(ctx: Context) -> None:
    wrong = observation("Patient/a", encounter={"reference": "Encounter/b"}, performer=[{"display": "x"}, {"reference": "Practitioner/c"}])
    with pytest.raises(Unprocessable) as refused:
        one(ctx, create(wrong))
    assert {issue.expression for issue in refused.value.issues} == {
        "Observation.subject.reference",
        "Observation.encounter.reference",
        "Observation.performer[1].reference",
    }
    for issue, target in zip(
        sorted(refused.value.issues, key=lambda found: found.expression or ""), ("Encounter/b", "Practitioner/c", "Patient/a"), strict=True
    ):
        assert target in issue.diagnostics
        assert (issue.severity, issue.code, issue.rule) == ("error", "not-found", "reference-target")


def test_a_missing_target_is_named_for_every_entry(ctx: Context) -> None:
    with pytest.raises(Unprocessable) as refused:
        commit(ctx, [create(observation("Patient/a")), create(patient("1")), create(observation("Patient/b"))])
    assert [issue.entry for issue in refused.value.issues] == [0, 2]


@pytest.mark.parametrize(
    "elsewhere",
    ["https://other.example/fhir/Patient/1", "#in", "https://other.example/anything", "urn:isbn:1", "http://127.0.0.1:9/fhir/Patient/1"],
)
def test_only_references_into_this_service_are_checked(ctx: Context, elsewhere: str) -> None:
    contained = [{"resourceType": "Patient", "id": "in"}] if elsewhere.startswith("#") else []
    assert one(ctx, create(observation(elsewhere, **({"contained": contained} if contained else {})))).outcome == "created"


def test_an_absolute_reference_into_this_service_is_checked(ctx: Context) -> None:
    base = ctx.service.settings.base_url
    with pytest.raises(Unprocessable):
        one(ctx, create(observation(f"{base}/Patient/p")))
    one(ctx, update(patient(id="p")))
    assert one(ctx, create(observation(f"{base}/Patient/p"))).outcome == "created"
    with pytest.raises(Conflict):
        one(ctx, delete("Patient/p"))


def test_a_reference_to_a_version_needs_the_resource(ctx: Context) -> None:
    with pytest.raises(Unprocessable):
        one(ctx, create(observation("Patient/p/_history/1")))
    one(ctx, update(patient(id="p")))
    assert one(ctx, create(observation("Patient/p/_history/1"))).outcome == "created"


def test_a_deleted_target_is_a_missing_one(ctx: Context) -> None:
    one(ctx, update(patient(id="p")))
    one(ctx, delete("Patient/p"))
    with pytest.raises(Unprocessable):
        one(ctx, create(observation("Patient/p")))


def test_the_wrong_type_of_an_id_is_a_missing_target(ctx: Context) -> None:
    one(ctx, update(patient(id="p")))
    with pytest.raises(Unprocessable):
        one(ctx, create(observation("Group/p")))


def test_updates_and_patches_are_checked_too(ctx: Context) -> None:
    seen = one(ctx, create(observation()))
    with pytest.raises(Unprocessable):
        one(ctx, update(observation("Patient/p", id=seen.id)))
    with pytest.raises(Unprocessable):
        one(ctx, patch(address(seen), {"op": "add", "path": "/subject", "value": {"reference": "Patient/p"}}))
    assert read.read(ctx, "Observation", str(seen.id)).version == 1


def test_nested_and_extension_references_are_checked(ctx: Context) -> None:
    inner = {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"}, "subject": {"reference": "Patient/p"}}
    extended = {"url": "http://clinic.example/e", "valueReference": {"reference": "Patient/p"}}
    for wrong in (observation(extension=[extended]), observation(contained=[inner], hasMember=[{"reference": "#o"}])):
        with pytest.raises(Unprocessable):
            one(ctx, create(wrong))


def test_a_target_that_the_same_transaction_deletes_is_missing(ctx: Context) -> None:
    one(ctx, update(patient(id="p")))
    with pytest.raises(Unprocessable):
        commit(ctx, [create(observation("Patient/p")), delete("Patient/p")])
    with pytest.raises(Unprocessable):
        commit(ctx, [create(observation("Patient/p")), delete("Patient/never"), delete("Patient/p")])


def test_deleting_what_never_was_does_not_make_it_exist(ctx: Context) -> None:
    with pytest.raises(Unprocessable):
        commit(ctx, [create(observation("Patient/never")), delete("Patient/never")])
    one(ctx, update(patient(id="p")))
    one(ctx, delete("Patient/p"))
    with pytest.raises(Unprocessable):
        commit(ctx, [create(observation("Patient/p")), delete("Patient/p")])


def test_what_others_refer_to_is_not_deleted(ctx: Context) -> None:
    one(ctx, update(patient(id="p")))
    seen = one(ctx, create(observation("Patient/p")))
    with pytest.raises(Conflict) as refused:
        one(ctx, delete("Patient/p"))
    assert address(seen) in refused.value.issues[0].diagnostics
    assert read.read(ctx, "Patient", "p").version == 1
    one(ctx, delete(address(seen)))
    assert one(ctx, delete("Patient/p")).outcome == "deleted"


def test_up_to_20_referrers_are_named(ctx: Context) -> None:
    one(ctx, update(patient(id="p")))
    commit(ctx, [create(observation("Patient/p")) for _ in range(25)])
    with pytest.raises(Conflict) as refused:
        one(ctx, delete("Patient/p"))
    assert refused.value.issues[0].diagnostics.count("Observation/") == 20


def test_every_kind_of_reference_counts(ctx: Context) -> None:
    extended = {"url": "http://clinic.example/e", "valueReference": {"reference": "Patient/p"}}
    inner = {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"}, "subject": {"reference": "Patient/p"}}
    kinds = [
        observation(extension=[extended]),
        observation(contained=[inner], hasMember=[{"reference": "#o"}]),
        observation(note=[{"text": "x", "authorReference": {"reference": "Patient/p"}}]),
        observation("Patient/p/_history/1"),
        {"resourceType": "Basic", "code": {"text": "x"}, "subject": {"reference": "Patient/p"}},
    ]
    one(ctx, update(patient(id="p")))
    for kind in kinds:
        seen = one(ctx, create(kind))
        with pytest.raises(Conflict):
            one(ctx, delete("Patient/p"))
        one(ctx, delete(address(seen)))


def test_a_transaction_may_delete_the_referrers_too(ctx: Context) -> None:
    one(ctx, update(patient(id="p")))
    one(ctx, update(observation("Patient/p", id="o1")))
    one(ctx, update(observation("Patient/p", id="o2")))
    with pytest.raises(Conflict, match="Observation/o2"):
        commit(ctx, [delete("Patient/p"), delete("Observation/o1")])
    done = commit(ctx, [delete("Patient/p"), delete("Observation/o1"), update(observation(id="o2"))])
    assert [found.outcome for found in done] == ["deleted", "deleted", "updated"]


def test_a_referrer_that_is_written_but_still_refers_keeps_the_target(ctx: Context) -> None:
    one(ctx, update(patient(id="p")))
    one(ctx, update(observation("Patient/p", id="o1")))
    with pytest.raises((Conflict, Unprocessable)):
        commit(ctx, [delete("Patient/p"), update(observation("Patient/p", id="o1", status="amended"))])
    with pytest.raises((Conflict, Unprocessable)):
        commit(ctx, [delete("Patient/p"), update(observation("Patient/p", id="o1"))])


def test_a_resource_that_refers_to_itself_can_be_deleted(ctx: Context) -> None:
    one(ctx, update(patient(id="p", link=[{"other": {"reference": "Patient/p"}, "type": "seealso"}])))
    assert one(ctx, delete("Patient/p")).outcome == "deleted"


def test_a_conditional_delete_of_several_that_refer_to_each_other(ctx: Context) -> None:
    settings = replace(ctx.service.settings, conditional_delete_multiple=True)
    several = Context(replace(ctx.service, settings=settings), TESTS)
    commit(
        several,
        [
            update(patient("1", id="a", link=[{"other": {"reference": "Patient/b"}, "type": "seealso"}])),
            update(patient("1", id="b", link=[{"other": {"reference": "Patient/a"}, "type": "seealso"}])),
        ],
    )
    assert one(several, delete(f"Patient?{condition('1')}")).count == 2


def test_old_versions_do_not_hold_their_targets(ctx: Context) -> None:
    one(ctx, update(patient(id="p")))
    one(ctx, update(observation("Patient/p", id="o")))
    one(ctx, update(observation(id="o")))
    assert one(ctx, delete("Patient/p")).outcome == "deleted"


def test_restoring_a_referrer_needs_its_target(ctx: Context) -> None:
    one(ctx, update(patient(id="p")))
    one(ctx, update(observation("Patient/p", id="o")))
    commit(ctx, [delete("Observation/o"), delete("Patient/p")])
    with pytest.raises(Unprocessable):
        one(ctx, update(observation("Patient/p", id="o")))
    assert [found.version for found in commit(ctx, [update(observation("Patient/p", id="o")), update(patient(id="p"))])] == [3, 3]


def test_the_checks_can_be_switched_off(unchecked: Context) -> None:
    assert one(unchecked, create(observation("Patient/nobody"))).outcome == "created"
    one(unchecked, update(patient(id="p")))
    one(unchecked, create(observation("Patient/p")))
    assert one(unchecked, delete("Patient/p")).outcome == "deleted"


def test_a_resource_that_is_refused_is_not_looked_into_further(ctx: Context) -> None:
    with pytest.raises(Unprocessable) as refused:
        one(ctx, create(observation("Patient/nobody", status="fin")))
    assert {issue.expression for issue in refused.value.issues} == {"Observation.status"}
