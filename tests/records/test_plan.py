"""Transactions: order, references between entries, duplicates, all or nothing (https://hl7.org/fhir/R4/http.html#transaction)."""

import json

import pytest

from service.errors import BadRequest, PreconditionFailed, ServiceError, Unprocessable
from service.records import read
from service.records.change import Change
from service.records.commit import commit
from service.records.context import Context
from service.records.read import HistoryQuery
from tests.records.samples import address, condition, create, delete, observation, one, patch, patient, tree, update

P1, P2, P3 = (f"urn:uuid:00000000-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))


def _subject(done) -> str:
    return tree(done)["subject"]["reference"]


def _refused(ctx: Context, *changes: Change) -> ServiceError:
    """The error of a transaction; nothing of it was written."""
    before = read.history(ctx, HistoryQuery()).total
    with pytest.raises(ServiceError) as refused:
        commit(ctx, changes)
    assert read.history(ctx, HistoryQuery()).total == before
    return refused.value


def test_results_come_in_the_order_of_the_changes_and_carry_one_instant(ctx: Context) -> None:
    one(ctx, update(patient(id="old")))
    one(ctx, update(patient(id="gone")))
    done = commit(
        ctx, [update(patient(id="old", active=True)), create(patient("1"), full_url=P1), delete("Patient/gone"), create(observation(P1))]
    )
    assert [found.outcome for found in done] == ["updated", "created", "deleted", "created"]
    assert [found.type for found in done] == ["Patient", "Patient", "Patient", "Observation"]
    assert len({found.last_updated for found in done}) == 1


def test_a_urn_is_replaced_wherever_it_stands_before_or_after_what_it_names(ctx: Context) -> None:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><p><a href="{P2}">x</a> {P2}</p></div>'
    about = observation(
        P1,
        focus=[{"reference": P2}, {"reference": P1}],
        text={"status": "generated", "div": div},
        extension=[{"url": "http://clinic.example/e", "valueUri": P2}, {"url": "http://clinic.example/s", "valueString": P2}],
    )
    done = commit(ctx, [create(about), create(patient("1"), full_url=P1), update(patient(id="b"), full_url=P2)])
    stored = tree(done[0])
    assert _subject(done[0]) == address(done[1])
    assert [item["reference"] for item in stored["focus"]] == ["Patient/b", address(done[1])]
    assert stored["text"]["div"] == div.replace(f'href="{P2}"', 'href="Patient/b"')
    assert [item.get("valueUri", item.get("valueString")) for item in stored["extension"]] == ["Patient/b", P2]


def test_only_references_change_in_the_stored_text(ctx: Context) -> None:
    text = '{"resourceType":"Observation","status":"final","code":{"text":"\\u00e9"},"subject":{"reference":"%s"},"valueInteger":1}'
    done = commit(ctx, [create(text % P1), create(patient(), full_url=P1)])
    head, rest = text.split('"status"')
    assert str(done[0].text).startswith(head + '"id":')
    assert str(done[0].text).endswith('"status"' + rest % address(done[1]))


def test_resources_may_refer_to_each_other_and_to_themselves(ctx: Context) -> None:
    first = {"resourceType": "Encounter", "status": "finished", "class": {"code": "AMB"}, "partOf": {"reference": P2}}
    second = {**first, "partOf": {"reference": P1}}
    third = {**first, "partOf": {"reference": P3}}
    done = commit(ctx, [create(first, full_url=P1), create(second, full_url=P2), create(third, full_url=P3)])
    assert [tree(found)["partOf"]["reference"] for found in done] == [address(done[1]), address(done[0]), address(done[2])]


def test_a_relative_reference_belongs_to_the_base_of_its_fullurl(ctx: Context) -> None:
    base = "https://other.example/fhir"
    done = commit(
        ctx,
        [
            create(observation("Patient/7"), full_url=f"{base}/Observation/9"),
            create(observation(f"{base}/Patient/7"), full_url=P1),
            create(patient("1"), full_url=f"{base}/Patient/7"),
        ],
    )
    assert _subject(done[0]) == address(done[2])
    assert _subject(done[1]) == address(done[2])


def test_a_relative_reference_of_an_urn_entry_stays_relative_to_the_server(ctx: Context) -> None:
    one(ctx, update(patient(id="7")))
    done = commit(
        ctx, [create(observation("Patient/7"), full_url=P1), create(patient("1"), full_url="https://other.example/fhir/Patient/7")]
    )
    assert _subject(done[0]) == "Patient/7"


def test_an_unknown_urn_is_refused_and_named_with_its_entry(ctx: Context) -> None:
    error = _refused(ctx, create(patient("1"), full_url=P1), create(observation(P2)))
    assert isinstance(error, Unprocessable)
    assert error.entry == 1
    assert P2 in error.issues[0].diagnostics
    assert error.issues[0].expression == "Observation.subject.reference"


def test_a_conditional_reference_finds_the_one_that_matches(ctx: Context) -> None:
    first = one(ctx, create(patient("1")))
    done = one(ctx, create(observation(f"Patient?{condition('1')}")))
    assert _subject(done) == address(first)


def test_a_conditional_reference_is_known_in_any_encoding(ctx: Context) -> None:
    first = one(ctx, create(patient("1")))
    encoded = condition("1").replace("|", "%7C").replace(":", "%3A").replace("/", "%2F")
    assert _subject(one(ctx, create(observation(f"Patient?{encoded}")))) == address(first)


@pytest.mark.parametrize("count", [0, 2])
def test_a_conditional_reference_that_does_not_match_one_is_refused(ctx: Context, count: int) -> None:
    for _ in range(count):
        one(ctx, create(patient("1")))
    error = _refused(ctx, create(patient("2")), create(observation(f"Patient?{condition('1')}")))
    assert isinstance(error, PreconditionFailed)
    assert error.entry == 1


def test_a_conditional_reference_finds_what_the_same_transaction_makes_under_that_condition(ctx: Context) -> None:
    for maker in (
        create(patient("1"), condition("1")),
        update(patient("2"), where=condition("2")),
        update(patient("3", id="p3"), where=condition("3")),
    ):
        where = maker.if_none_exist if hasattr(maker, "if_none_exist") else maker.condition
        done = commit(ctx, [create(observation(f"Patient?{where}")), maker])
        assert _subject(done[0]) == address(done[1])


def test_a_fullurl_of_a_conditional_create_leads_to_the_one_that_exists(ctx: Context) -> None:
    first = one(ctx, create(patient("1")))
    done = commit(ctx, [create(patient("1"), condition("1"), full_url=P1), create(observation(P1))])
    assert done[0].outcome == "existing"
    assert _subject(done[1]) == address(first)


def test_a_patch_brings_in_no_conditional_reference(ctx: Context) -> None:
    one(ctx, create(patient("1")))
    seen = one(ctx, create(observation()))
    operation = {"op": "add", "path": "/subject", "value": {"reference": f"Patient?{condition('1')}"}}
    assert isinstance(_refused(ctx, patch(address(seen), operation)), Unprocessable)


def test_a_conditional_reference_is_found_behind_escapes(ctx: Context) -> None:
    first = one(ctx, create(patient("1")))
    text = json.dumps(observation(f"Patient?{condition('1')}")).replace("?", "\\u003f")
    assert _subject(one(ctx, create(text))) == address(first)


@pytest.mark.parametrize(
    "pair",
    [
        (update(patient(id="p")), update(patient(id="p", active=True))),
        (update(patient(id="p")), delete("Patient/p")),
        (delete("Patient/p"), delete("Patient/p")),
        (update(patient(id="p")), patch("Patient/p", {"op": "add", "path": "/active", "value": True})),
        (create(patient("1"), condition("1")), create(patient("1"), condition("1"))),
        (update(patient("1"), where=condition("1")), create(patient("1"), condition("1"))),
        (update(patient("1", id="a"), where=condition("1")), update(patient("1", id="b"), where=condition("1"))),
        (update(patient("1"), where=condition("1")), update(patient("1"), where=condition("1").replace("|", "%7C"))),
    ],
)
def test_two_changes_of_one_resource_are_refused(ctx: Context, pair: tuple[Change, Change]) -> None:
    error = _refused(ctx, create(patient("9")), *pair)
    assert isinstance(error, BadRequest)
    assert error.entry == 2
    assert error.issues[0].code == "duplicate"


def test_a_condition_and_an_id_that_meet_are_a_duplicate(ctx: Context) -> None:
    one(ctx, update(patient("1", id="p")))
    assert _refused(ctx, delete("Patient/p"), update(patient("1"), where=condition("1"))).entry == 1


def test_conditions_are_judged_by_the_state_before_the_transaction(ctx: Context) -> None:
    one(ctx, update(patient("1", id="p")))
    done = commit(ctx, [update(patient("2", id="p")), create(patient("2"), condition("2"))])
    assert [found.outcome for found in done] == ["updated", "created"]


def test_the_change_that_stops_a_transaction_is_named_and_nothing_is_written(ctx: Context) -> None:
    one(ctx, update(patient(id="p")))
    failures: list[tuple[Change, int]] = [
        (create({"resourceType": "Observation", "status": "fin"}), 422),
        (update(patient(id="p"), if_match=7), 412),
        (patch("Patient/nobody", {"op": "add", "path": "/active", "value": True}), 404),
        (patch("Patient/p", {"op": "remove", "path": "/photo"}), 422),
        (create(observation("Patient/nobody")), 422),
        (create(patient("1"), "shoe=1"), 400),
        (create(observation("Patient?shoe=1")), 400),
        (delete("Patient?shoe=1"), 400),
    ]
    for change, status in failures:
        error = _refused(ctx, create(patient("1")), update(patient(id="new")), change, create(patient("2")))
        assert (error.status, error.entry) == (status, 2), change


def test_every_refused_entry_is_in_the_report(ctx: Context) -> None:
    wrong = create({"resourceType": "Observation", "status": "fin", "code": {"text": "x"}})
    error = _refused(ctx, create(patient("1")), wrong, create(patient("2")), wrong)
    assert sorted({issue.entry for issue in error.issues}) == [1, 3]
    assert error.entry == 1


def test_a_transaction_of_500_entries(ctx: Context) -> None:
    changes = [create(patient("1"), full_url=P1), *(create(observation(P1)) for _ in range(499))]
    done = commit(ctx, changes)
    assert len({found.id for found in done}) == 500
    assert {_subject(found) for found in done[1:]} == {address(done[0])}
    again = commit(ctx, [update({**tree(found), "status": "amended"}) for found in done[1:]])
    assert {(found.outcome, found.version) for found in again} == {("updated", 2)}
    gone = commit(ctx, [delete(address(found)) for found in done])
    assert {found.outcome for found in gone} == {"deleted"}
