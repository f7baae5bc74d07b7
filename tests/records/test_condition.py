"""Conditional create, update, patch and delete: none, one or many matches (https://hl7.org/fhir/R4/http.html#ccreate)."""

from dataclasses import replace

import pytest

from service.errors import BadRequest, Conflict, Gone, NotFound, PreconditionFailed, Unprocessable
from service.records import condition as condition_module
from service.records import plan, read
from service.records.context import Context
from service.records.read import HistoryQuery
from tests.access import TESTS
from tests.records.samples import address, condition, create, delete, observation, one, patch, patient, update

ACTIVE = {"op": "add", "path": "/active", "value": True}


@pytest.fixture
def several(ctx: Context) -> Context:
    """The same with conditional deletion of several switched on."""
    settings = replace(ctx.service.settings, conditional_delete_multiple=True, conditional_delete_max=3)
    return Context(replace(ctx.service, settings=settings), TESTS)


def _count(ctx: Context) -> int:
    return read.history(ctx, HistoryQuery()).total


def test_if_none_exist_makes_one_and_then_answers_with_it(ctx: Context) -> None:
    first = one(ctx, create(patient("1"), condition("1")))
    again = one(ctx, create(patient("1", active=True), condition("1")))
    assert (first.outcome, again.outcome) == ("created", "existing")
    assert (again.id, again.version, again.text, again.last_updated) == (first.id, 1, first.text, first.last_updated)
    assert _count(ctx) == 1


def test_if_none_exist_among_several_is_refused(ctx: Context) -> None:
    one(ctx, create(patient("1")))
    one(ctx, create(patient("1")))
    with pytest.raises(PreconditionFailed, match="more than one"):
        one(ctx, create(patient("1"), condition("1")))
    assert _count(ctx) == 2


def test_deleted_resources_do_not_match(ctx: Context) -> None:
    first = one(ctx, create(patient("1"), condition("1")))
    one(ctx, delete(address(first)))
    assert one(ctx, create(patient("1"), condition("1"))).outcome == "created"


def test_a_conditional_create_is_gated_before_anything_is_looked_up(ctx: Context) -> None:
    with pytest.raises(Unprocessable):
        one(ctx, create(patient("1", shoe=1), condition("1")))


def test_a_conditional_update_makes_what_is_not_there(ctx: Context) -> None:
    done = one(ctx, update(patient("1"), where=condition("1")))
    assert (done.outcome, done.version) == ("created", 1)
    assert done.id


def test_a_conditional_update_that_matches_nothing_takes_the_id_of_the_body(ctx: Context) -> None:
    assert one(ctx, update(patient("1", id="mine"), where=condition("1"))).id == "mine"


def test_a_conditional_update_that_matches_nothing_does_not_replace_another_resource(ctx: Context) -> None:
    mine = one(ctx, update(patient("1", id="mine"), where=condition("1")))
    with pytest.raises(Conflict, match="exists"):
        one(ctx, update(patient("2", id="mine"), where=condition("2")))
    assert read.read(ctx, "Patient", "mine").text == mine.text


def test_a_conditional_update_changes_the_one_that_matches(ctx: Context) -> None:
    first = one(ctx, create(patient("1")))
    done = one(ctx, update(patient("1", active=True), where=condition("1")))
    assert (done.outcome, done.id, done.version) == ("updated", first.id, 2)
    assert one(ctx, update(patient("1", active=True), where=condition("1"))).outcome == "unchanged"
    assert one(ctx, update(str(done.text), where=condition("1"))).outcome == "unchanged"


def test_a_conditional_update_refuses_another_id_in_the_body(ctx: Context) -> None:
    one(ctx, create(patient("1")))
    with pytest.raises(BadRequest) as refused:
        one(ctx, update(patient("1", id="other"), where=condition("1")))
    assert refused.value.issues[0].expression == "Patient.id"


@pytest.mark.parametrize("kind", ["update", "patch", "delete"])
def test_a_condition_that_matches_several_is_refused(ctx: Context, kind: str) -> None:
    one(ctx, create(patient("1")))
    one(ctx, create(patient("1")))
    changes = {
        "update": update(patient("1", active=True), where=condition("1")),
        "patch": patch(f"Patient?{condition('1')}", ACTIVE),
        "delete": delete(f"Patient?{condition('1')}"),
    }
    with pytest.raises(PreconditionFailed) as refused:
        one(ctx, changes[kind])
    assert refused.value.issues[0].code == "multiple-matches"
    assert _count(ctx) == 2


def test_a_conditional_patch(ctx: Context) -> None:
    with pytest.raises(NotFound):
        one(ctx, patch(f"Patient?{condition('1')}", ACTIVE))
    first = one(ctx, create(patient("1")))
    done = one(ctx, patch(f"Patient?{condition('1')}", ACTIVE))
    assert (done.id, done.version) == (first.id, 2)
    with pytest.raises(PreconditionFailed):
        one(ctx, patch(f"Patient?{condition('1')}", ACTIVE, if_match=1))


def test_a_conditional_delete(ctx: Context) -> None:
    none = one(ctx, delete(f"Patient?{condition('1')}"))
    assert (none.outcome, none.id, none.count) == ("absent", None, 0)
    first = one(ctx, create(patient("1")))
    done = one(ctx, delete(f"Patient?{condition('1')}"))
    assert (done.outcome, done.id, done.version, done.count) == ("deleted", first.id, 2, 1)
    with pytest.raises(Gone):
        read.read(ctx, "Patient", str(first.id))


def test_a_conditional_delete_of_several_where_the_setting_allows(several: Context) -> None:
    made = [one(several, create(patient("1"))) for _ in range(3)]
    kept = one(several, create(patient("2")))
    done = one(several, delete(f"Patient?{condition('1')}"))
    assert (done.outcome, done.id, done.count) == ("deleted", None, 3)
    for gone in made:
        with pytest.raises(Gone):
            read.read(several, "Patient", str(gone.id))
    assert read.read(several, "Patient", str(kept.id)).version == 1


def test_a_conditional_delete_of_more_than_the_limit_is_refused(several: Context) -> None:
    for _ in range(4):
        one(several, create(patient("1")))
    with pytest.raises(PreconditionFailed):
        one(several, delete(f"Patient?{condition('1')}"))
    assert _count(several) == 4


def test_if_match_on_a_condition_names_what_was_asked(ctx: Context) -> None:
    with pytest.raises(PreconditionFailed) as refused:
        one(ctx, update(patient("1"), where=condition("1"), if_match=1))
    assert "None" not in str(refused.value)
    one(ctx, create(patient("1")))
    assert one(ctx, update(patient("1", active=True), where=condition("1"), if_match=1)).version == 2


@pytest.mark.parametrize("wrong", ["shoe=1", "identifier:shoe=1", "_count=1", "", "_sort=family"])
def test_a_condition_that_cannot_be_understood_is_a_bad_request(ctx: Context, wrong: str) -> None:
    with pytest.raises(BadRequest):
        one(ctx, create(patient("1"), wrong))
    assert _count(ctx) == 0


def test_the_id_in_a_conditional_update_may_be_nonsense_but_never_breaks_the_service(ctx: Context) -> None:
    for id in (5, ["x"], {"a": 1}, True, "", "a/b", "x" * 65):
        body = patient("1", id=id, managingOrganization={"reference": "urn:uuid:00000000-0000-4000-8000-000000000001"})
        with pytest.raises((Unprocessable, BadRequest)):
            one(ctx, update(body, where=condition("1")))


def test_a_match_that_moved_on_before_it_was_locked_is_looked_up_again(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the search and the lock another writer takes the identifier away: the condition must be judged anew."""
    first = one(ctx, create(patient("1")))
    resolve, times = plan.condition.resolve, []

    def interrupted(*arguments):
        matches = resolve(*arguments)
        times.append(1)
        return {key: [replace(one, version=one.version - len(times) % 2) for one in found] for key, found in matches.items()}

    monkeypatch.setattr(plan.condition, "resolve", interrupted)
    done = one(ctx, update(patient("1", active=True), where=condition("1")))
    assert (len(times), done.id, done.version) == (2, first.id, 2)


def test_a_conditional_reference_to_an_unknown_type_is_refused(ctx: Context) -> None:
    with pytest.raises((BadRequest, Unprocessable)):
        one(ctx, create(observation("Nonsense?identifier=1")))


def test_more_conditions_than_a_write_may_ask_are_refused(ctx: Context) -> None:
    many = [{"reference": f"Practitioner?identifier={number}"} for number in range(condition_module.MOST_CONDITIONS + 1)]
    with pytest.raises(BadRequest, match="Split it"):
        one(ctx, create(patient(generalPractitioner=many)))


@pytest.mark.parametrize(
    ("type", "one", "other"),
    [
        ("Patient", "identifier=s|x", "identifier=x"),
        ("Patient", "identifier=s|x,s|y", "active=true&identifier=s|y"),
        ("Observation", "subject=Patient/p", "subject:Patient=p"),
        ("Observation", "subject=p", "subject=http://127.0.0.1:8080/fhir/Patient/p"),
        ("Observation", "subject:Patient.name=x", "subject:Patient.name=x&code=a"),
    ],
)
def test_one_condition_written_in_two_ways_is_one_lock(
    ctx: Context, monkeypatch: pytest.MonkeyPatch, type: str, one: str, other: str
) -> None:
    held: list[set[str]] = []
    monkeypatch.setattr(condition_module.locks, "hold", lambda _, names: held.append(set(names)))
    with ctx.service.database.read() as tx:
        for text in (one, other):
            condition_module.resolve(ctx, tx, {(type, text): 0})
    assert held[0] & held[1]
