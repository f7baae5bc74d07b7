"""A parameter is searched when every resource has its rows, and refused with a reason until then: never answered in part."""

from pathlib import Path
from typing import Any

import pytest

from service.errors import BadRequest, Conflict
from service.records.commit import commit
from service.records.context import Service
from service.records.find import find
from service.search.activation import NOT_INDEXED
from service.search.query import Compartment
from tests.records.samples import create, delete, observation, patient, update
from tests.search.releases import Release, Releases, released, search_parameter

NOTE = search_parameter("Observation", "annotated", "Observation.note.text", "string")
AUTHOR = search_parameter("Observation", "note-author", "(Observation.note.author as Reference)", "reference")


@pytest.fixture
def release(service: Service, tmp_path: Path) -> Releases:
    """Makes processes of releases on one database."""
    folders = (tmp_path / str(number) for number in range(10))
    return lambda *parameters, time_zone="UTC": released(service, next(folders), parameters, time_zone)


def _noted(text: str, **members: Any) -> dict[str, Any]:
    return observation(note=[{"text": text}], **members)


def _id(one: Release, *trees: dict[str, Any]) -> list[str]:
    return sorted(str(done.id) for done in one.create(*trees))


def test_everything_is_active_on_an_empty_record(release: Releases) -> None:
    first = release(NOTE)
    assert first.registries.current().awaited() == {}
    (id,) = _id(first, _noted("calm"))
    assert first.found("Observation", ("annotated", "calm")) == [id]


def test_what_a_release_adds_is_refused_until_all_resources_have_its_rows(release: Releases) -> None:
    (old,) = _id(release(), _noted("calm"))
    second = release(NOTE, AUTHOR)
    (new,) = _id(second, _noted("calm"))
    for asked in (("annotated", "calm"), ("annotated:missing", "true"), ("_sort", "annotated"), ("note-author.name", "x")):
        assert "infusion-records reindex" in second.refused("Observation", asked), asked
    assert "infusion-records reindex" in second.refused("Patient", ("_has:Observation:note-author:status", "final"))
    assert "infusion-records reindex" in second.refused("Patient", ("_revinclude", "Observation:note-author"))
    assert "infusion-records reindex" in second.refused("Patient", ("_revinclude", "Observation:*"))
    assert second.found("Observation", ("status", "final")) == sorted([old, new])
    assert second.reindex() == ["Observation"]
    assert second.found("Observation", ("annotated", "calm")) == sorted([old, new])
    assert second.registries.current().awaited() == {}


def test_a_condition_on_what_is_not_indexed_is_refused_instead_of_creating_twice(release: Releases) -> None:
    release().create(_noted("calm"))
    second = release(NOTE)
    for change in (create(_noted("calm"), "annotated=calm"), update(_noted("calm"), "annotated=calm")):
        with pytest.raises(BadRequest, match="infusion-records reindex"):
            commit(second.ctx, [change])
    assert len(second.found("Observation")) == 1


def test_what_belongs_to_a_patient_is_refused_while_references_are_not_indexed(release: Releases) -> None:
    (id,) = _id(release(), patient("1"))
    release().create(observation(f"Patient/{id}"))
    second = release(search_parameter("Observation", "subject", "Observation.subject | Observation.focus", "reference"))
    assert NOT_INDEXED in second.refused("Observation", ("subject", f"Patient/{id}"))
    with pytest.raises(BadRequest, match="infusion-records reindex"):
        find(second.ctx, "Observation", [], lenient=False, compartment=Compartment("Patient", id))
    with pytest.raises(BadRequest, match="infusion-records reindex"):
        second.registries.current().keys_of("Observation", "subject")


def test_a_chain_to_several_types_is_refused_when_one_of_them_is_not_indexed(release: Releases) -> None:
    release().create(patient("1"))
    parameters = [search_parameter(type, "known-as", f"{type}.name", "string") for type in ("Patient", "Device", "Location")]
    parameters[1]["expression"] = "Device.deviceName.name"
    assert "infusion-records reindex" in release(*parameters).refused("Observation", ("subject.known-as", "Example"))


def test_a_parameter_that_changed_its_meaning_is_refused_until_it_is_indexed_anew(release: Releases) -> None:
    (id,) = _id(release(NOTE), _noted("calm", device={"display": "pump"}))
    second = release(search_parameter("Observation", "annotated", "Observation.device.display", "string"))
    assert NOT_INDEXED in second.refused("Observation", ("annotated", "pump"))
    second.reindex()
    assert second.found("Observation", ("annotated", "pump")) == [id]
    assert second.found("Observation", ("annotated", "calm")) == []


def test_another_time_zone_means_other_days(release: Releases) -> None:
    (id,) = _id(release(), observation(effectiveDateTime="2026-03-14"))
    second = release(time_zone="America/New_York")
    assert NOT_INDEXED in second.refused("Observation", ("date", "2026-03-14"))
    second.reindex()
    assert second.found("Observation", ("date", "2026-03-14")) == [id]


def test_types_without_resources_need_no_reindex(release: Releases) -> None:
    release().create(patient("1"))
    second = release(NOTE, search_parameter("Patient", "tongue", "Patient.communication.language"))
    (id,) = _id(second, _noted("calm"))
    assert second.found("Observation", ("annotated", "calm")) == [id]
    assert NOT_INDEXED in second.refused("Patient", ("tongue", "en"))


def test_an_older_release_that_writes_disowns_what_it_does_not_keep_up(release: Releases) -> None:
    first, second = release(), release(NOTE)
    (seen,) = _id(second, _noted("calm"))
    assert second.found("Observation", ("annotated", "calm")) == [seen]
    (missed,) = _id(first, _noted("calm"))
    assert NOT_INDEXED in second.refused("Observation", ("annotated", "calm"))
    second.reindex()
    assert second.found("Observation", ("annotated", "calm")) == sorted([seen, missed])


def test_a_reindex_ends_when_an_older_release_writes_meanwhile(release: Releases) -> None:
    from service.search import adoption
    from service.search.reindex import reindex

    first = release()
    first.create(*(_noted("calm") for _ in range(3)))
    second = release(NOTE)
    adoption.prepare(second.registries)
    first.create(_noted("calm"))
    with pytest.raises(Conflict, match="Another version"):
        list(reindex(second.registries, "Observation"))
    assert NOT_INDEXED in second.refused("Observation", ("annotated", "calm"))


def test_a_posted_parameter_is_active_after_a_reindex_for_all_processes(release: Releases) -> None:
    one, other = release(), release()
    (old,) = _id(one, _noted("calm"))
    assert "no search parameter 'annotated'" in other.refused("Observation", ("annotated", "calm"))
    one.create(NOTE)
    for process in (one, other):
        assert "infusion-records reindex" in process.refused("Observation", ("annotated", "calm"))
    assert one.reindex() == ["Observation"]
    (new,) = _id(other, _noted("calm"))
    for process in (one, other):
        assert process.found("Observation", ("annotated", "calm")) == sorted([old, new])
        assert process.found("Observation", ("_sort", "annotated")) == sorted([old, new])
    assert one.registries.current().for_type("Observation")["annotated"].url == NOTE["url"]


def test_a_changed_posted_parameter_is_refused_at_once_and_answers_anew_after_a_reindex(release: Releases) -> None:
    one, other = release(), release()
    (posted,) = one.create(NOTE)
    (id,) = _id(one, _noted("calm", device={"display": "pump"}))
    one.reindex()
    assert one.found("Observation", ("annotated", "calm")) == [id]
    commit(one.ctx, [update({**NOTE, "id": posted.id, "expression": "Observation.device.display"})])
    assert "changed or retired" in other.refused("Observation", ("annotated", "calm"))
    (later,) = _id(other, _noted("calm", device={"display": "pump"}))
    one.reindex()
    assert other.found("Observation", ("annotated", "calm")) == []
    assert other.found("Observation", ("annotated", "pump")) == sorted([id, later])


def test_words_that_do_not_matter_to_the_index_need_no_reindex(release: Releases) -> None:
    one = release()
    (posted,) = one.create(NOTE)
    (id,) = _id(one, _noted("calm"))
    one.reindex()
    commit(one.ctx, [update({**NOTE, "id": posted.id, "description": "Said better."})])
    assert one.found("Observation", ("annotated", "calm")) == [id]


@pytest.mark.parametrize("retired", [True, False], ids=["retired", "deleted"])
def test_a_parameter_that_is_gone_leaves_nothing_behind(release: Releases, service: Service, retired: bool) -> None:
    one, other = release(), release()
    before = _rows(service)
    (posted,) = one.create(NOTE)
    one.reindex()
    one.create(_noted("calm"))
    assert other.found("Observation", ("annotated", "calm"))
    gone = update({**NOTE, "id": posted.id, "status": "retired"}) if retired else delete(f"SearchParameter/{posted.id}")
    commit(one.ctx, [gone])
    assert "changed or retired" in other.refused("Observation", ("annotated", "calm"))
    one.reindex()
    assert "no search parameter 'annotated'" in other.refused("Observation", ("annotated", "calm"))
    assert _rows(service) == before


def _rows(service: Service) -> int:
    """How many rows there are under the parameter's key."""
    from sqlalchemy import func, select

    from service.search.keys import parameter_key
    from service.storage.tables.search import string

    with service.database.read() as tx:
        counted = select(func.count()).where(string.c.param == parameter_key("Observation", "annotated"))
        return int(tx.connection.execute(counted).scalar_one())


@pytest.mark.parametrize(
    ("tree", "why"),
    [
        (search_parameter("Observation", "status", "Observation.status"), "has a parameter 'status' already"),
        (search_parameter("AdverseEvent", "outcome", "AdverseEvent.outcome"), "has a parameter 'outcome' already"),
        (search_parameter("Observation", "_mine", "Observation.status"), "begin with a letter"),
        (search_parameter("Observation", "odd", "Observation.note.where(text.length() > 3)"), "its expression uses"),
        (search_parameter("Observation", "odd", "Observation.nothing"), "its expression uses 'nothing' of Observation, which the"),
        (search_parameter("Observation", "odd", "Observation.note", "token"), "cannot read"),
        (search_parameter("Observation", "odd", "Observation", "composite"), "composite of nothing"),
    ],
)
def test_what_cannot_be_searched_is_refused_with_the_reason(release: Releases, tree: dict[str, Any], why: str) -> None:
    one = release()
    before = one.registries.current().parameter(tree["base"][0], tree["code"])
    posted, _ = one.create(tree, observation())
    assert why in " ".join(finding.diagnostics for finding in posted.findings)
    one.reindex()
    (refused,) = one.registries.current().proposed.refused()
    assert why in str(refused.refusal)
    if before is None:
        assert why in one.refused(tree["base"][0], (tree["code"], "x"))
    else:
        assert one.registries.current().parameter(tree["base"][0], tree["code"]) == before


def test_of_two_with_one_code_the_first_counts(release: Releases) -> None:
    one = release()
    one.create(NOTE)
    one.create({**NOTE, "url": NOTE["url"] + "-too", "expression": "Observation.device.display"})
    (id,) = _id(one, _noted("calm", device={"display": "pump"}))
    one.reindex()
    assert one.found("Observation", ("annotated", "calm")) == [id]
    (refused,) = one.registries.current().proposed.refused()
    assert refused.row["url"].endswith("-too")
    assert "already" in str(refused.refusal)


def test_a_posted_reference_is_followed_and_guarded(release: Releases) -> None:
    one = release()
    one.create(AUTHOR)
    (author,) = _id(one, patient("1"))
    (id,) = _id(one, observation(note=[{"text": "calm", "authorReference": {"reference": f"Patient/{author}"}}]))
    one.reindex()
    assert one.found("Observation", ("note-author", f"Patient/{author}")) == [id]
    assert one.found("Observation", ("note-author.family", "Example")) == [id]
    with pytest.raises(Conflict, match="is referred to"):
        commit(one.ctx, [delete(f"Patient/{author}")])
