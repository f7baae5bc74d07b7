"""Writes: what each kind of change does to the record, on both databases."""

import json
import re

import pytest

from service.clock import to_text
from service.errors import BadRequest, Conflict, Gone, NotFound, PreconditionFailed, Unprocessable
from service.records import commit as commits
from service.records import read
from service.records.commit import commit
from service.records.context import Context
from service.records.read import HistoryQuery
from service.storage.failures import Collision
from tests.records.samples import address, create, delete, observation, one, patch, patient, tree, update

TOKENS = (
    '{"resourceType":"Observation","extension":[{"url":"http://clinic.example/e","valueDecimal":0.120}],'
    '"status":"final","code":{"text":"caf\\u00e9 \\"x\\" ü"},"effectiveDateTime":"2026-03",'
    '"valueQuantity":{"value":1.10,"unit":"mg"},"component":[{"code":{"text":"a"},"valueQuantity":{"value":1.0e2}},'
    '{"code":{"text":"b"},"valueQuantity":{"value":-0.00}}]}'
)


def _spaced(text: str) -> str:
    """The same JSON with white space wherever it means nothing."""
    return re.sub(r'("(?:[^"\\]|\\.)*")|([{}\[\],:])', lambda found: found[1] or f" \n{found[2]}\t ", text)


def _versions(ctx: Context, type: str, id: str) -> list[read.Version]:
    return list(reversed(read.history(ctx, HistoryQuery(type, id)).versions))


def test_a_create_gets_a_new_id_and_version_1(ctx: Context) -> None:
    done = one(ctx, create(patient(id="mine")))
    assert (done.outcome, done.version, done.type) == ("created", 1, "Patient")
    assert done.id not in (None, "mine")
    stored = tree(done)
    assert stored["id"] == done.id
    assert stored["meta"] == {"versionId": "1", "lastUpdated": to_text(done.last_updated)}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", stored["meta"]["lastUpdated"])


def test_every_token_keeps_its_characters_and_its_place(ctx: Context) -> None:
    done = one(ctx, create(_spaced(TOKENS)))
    stamp = f'"id":"{done.id}","meta":{{"versionId":"1","lastUpdated":"{to_text(done.last_updated)}"}},'
    assert done.text == TOKENS.replace('"extension"', stamp + '"extension"', 1)
    assert read.read(ctx, "Observation", str(done.id)).text == done.text


def test_what_the_client_wrote_into_meta_stays_in_place(ctx: Context) -> None:
    given = '{"meta":{"tag":[{"code":"t"}],"versionId":"77","source":"http://a.example"},"resourceType":"Patient","id":"p","active":true}'
    done = one(ctx, update(given))
    meta = f'{{"lastUpdated":"{to_text(done.last_updated)}","tag":[{{"code":"t"}}],"versionId":"1","source":"http://a.example"}}'
    assert done.text == f'{{"meta":{meta},"resourceType":"Patient","id":"p","active":true}}'


def test_an_update_makes_the_next_version_and_keeps_the_old_one(ctx: Context) -> None:
    first = one(ctx, update(patient(id="p", gender="male")))
    second = one(ctx, update(patient(id="p", gender="female")))
    assert [(done.outcome, done.version) for done in (first, second)] == [("created", 1), ("updated", 2)]
    assert second.last_updated > first.last_updated
    assert [version.text for version in _versions(ctx, "Patient", "p")] == [first.text, second.text]
    assert [version.method for version in _versions(ctx, "Patient", "p")] == ["PUT", "PUT"]


def test_an_update_that_changes_nothing_keeps_the_version(ctx: Context) -> None:
    first = one(ctx, update(patient(id="p")))
    assert first.text is not None
    for again in (patient(id="p"), json.loads(first.text), _spaced(first.text)):
        done = one(ctx, update(again))
        assert (done.outcome, done.version, done.text) == ("unchanged", 1, first.text)
    assert len(_versions(ctx, "Patient", "p")) == 1


@pytest.mark.parametrize(("before", "after"), [("1.0", "1.00"), ("100", "1E2"), ('"a"', '"\\u0061"')])
def test_another_way_of_writing_a_value_is_a_new_version(ctx: Context, before: str, after: str) -> None:
    text = '{"resourceType":"Basic","id":"b","code":{"text":"x"},"extension":[{"url":"http://e.example/v","%s":%s}]}'
    name = "valueString" if '"' in before else "valueDecimal"
    one(ctx, update(text % (name, before)))
    done = one(ctx, update(text % (name, after)))
    assert (done.outcome, done.version) == ("updated", 2)
    assert f'"{name}":{after}' in str(done.text)


def test_a_patch_changes_only_what_it_names(ctx: Context) -> None:
    first = one(ctx, create(TOKENS))
    done = one(ctx, patch(address(first), {"op": "replace", "path": "/status", "value": "amended"}))
    assert (done.outcome, done.version) == ("updated", 2)
    expected = str(first.text).replace('"final"', '"amended"').replace('"versionId":"1"', '"versionId":"2"')
    assert done.text == expected.replace(to_text(first.last_updated), to_text(done.last_updated))
    assert _versions(ctx, "Observation", str(first.id))[-1].method == "PATCH"


def test_a_patch_that_changes_nothing_keeps_the_version(ctx: Context) -> None:
    first = one(ctx, create(patient(active=True)))
    done = one(ctx, patch(address(first), {"op": "replace", "path": "/active", "value": True}))
    assert (done.outcome, done.version, done.text) == ("unchanged", 1, first.text)


def test_a_patch_passes_the_gate(ctx: Context) -> None:
    first = one(ctx, create(observation()))
    with pytest.raises(Unprocessable) as refused:
        one(ctx, patch(address(first), {"op": "replace", "path": "/status", "value": "wrong"}))
    assert refused.value.issues[0].expression == "Observation.status"
    assert read.read(ctx, "Observation", str(first.id)).version == 1


@pytest.mark.parametrize("meta", [5, "x", [], [{"tag": []}], None, True])
def test_a_patch_that_spoils_meta_is_refused(ctx: Context, meta: object) -> None:
    first = one(ctx, create(patient()))
    with pytest.raises(Unprocessable):
        one(ctx, patch(address(first), {"op": "replace", "path": "/meta", "value": meta}))


def test_a_patch_needs_something_to_patch(ctx: Context) -> None:
    operation = {"op": "add", "path": "/active", "value": True}
    with pytest.raises(NotFound):
        one(ctx, patch("Patient/nobody", operation))
    one(ctx, update(patient(id="p")))
    one(ctx, delete("Patient/p"))
    with pytest.raises(Gone):
        one(ctx, patch("Patient/p", operation))


def test_a_deletion_ends_the_resource_and_keeps_its_history(ctx: Context) -> None:
    first = one(ctx, update(patient(id="p")))
    done = one(ctx, delete("Patient/p"))
    assert (done.outcome, done.version, done.text, done.id) == ("deleted", 2, None, "p")
    with pytest.raises(Gone) as gone:
        read.read(ctx, "Patient", "p")
    assert gone.value.headers["ETag"] == 'W/"2"'
    assert read.vread(ctx, "Patient", "p", 1).text == first.text
    assert [(version.method, version.text is None) for version in _versions(ctx, "Patient", "p")] == [("PUT", False), ("DELETE", True)]


def test_deleting_what_is_not_there_writes_nothing(ctx: Context) -> None:
    never = one(ctx, delete("Patient/never"))
    assert (never.outcome, never.count) == ("absent", 0)
    one(ctx, update(patient(id="p")))
    one(ctx, delete("Patient/p"))
    again = one(ctx, delete("Patient/p"))
    assert (again.outcome, again.version) == ("absent", 2)
    assert len(_versions(ctx, "Patient", "p")) == 2


def test_an_update_brings_a_deleted_resource_back(ctx: Context) -> None:
    one(ctx, update(patient(id="p")))
    one(ctx, delete("Patient/p"))
    done = one(ctx, update(patient(id="p")))
    assert (done.outcome, done.version) == ("created", 3)
    assert read.read(ctx, "Patient", "p").version == 3
    stamps = [version.last_updated for version in _versions(ctx, "Patient", "p")]
    assert stamps == sorted(set(stamps))


def test_the_id_of_the_body_must_be_the_one_of_the_address(ctx: Context) -> None:
    for body in (patient(id="q"), patient()):
        change = update(patient(id="p"))
        with pytest.raises(BadRequest) as refused:
            one(ctx, type(change)("Patient", "p", create(body).document))
        assert refused.value.issues[0].expression == "Patient.id"


@pytest.mark.parametrize("kind", ["update", "patch", "delete"])
def test_if_match_lets_through_the_current_version_only(ctx: Context, kind: str) -> None:
    def change(version: int):
        return {
            "update": update(patient(id="p", active=version == 2), if_match=version),
            "patch": patch("Patient/p", {"op": "add", "path": "/active", "value": version == 2}, if_match=version),
            "delete": delete("Patient/p", if_match=version),
        }[kind]

    one(ctx, update(patient(id="p")))
    one(ctx, update(patient(id="p", gender="other")))
    for stale in (1, 3):
        with pytest.raises(PreconditionFailed, match="version 2 is current"):
            one(ctx, change(stale))
    assert one(ctx, change(2)).version == 3


@pytest.mark.parametrize("kind", ["update", "delete"])
def test_if_match_fails_where_nothing_is(ctx: Context, kind: str) -> None:
    def change(id: str):
        return update(patient(id=id), if_match=1) if kind == "update" else delete(f"Patient/{id}", if_match=1)

    with pytest.raises(PreconditionFailed):
        one(ctx, change("never"))
    one(ctx, update(patient(id="p")))
    one(ctx, delete("Patient/p"))
    with pytest.raises(PreconditionFailed):
        one(ctx, change("p"))


def test_if_none_match_makes_but_never_replaces(ctx: Context) -> None:
    assert one(ctx, update(patient(id="p"), if_none_match=True)).outcome == "created"
    with pytest.raises(PreconditionFailed):
        one(ctx, update(patient(id="p", active=True), if_none_match=True))
    one(ctx, delete("Patient/p"))
    assert one(ctx, update(patient(id="p"), if_none_match=True)).version == 3


def test_a_refused_resource_is_not_stored_and_all_its_faults_are_named(ctx: Context) -> None:
    with pytest.raises(Unprocessable) as refused:
        one(ctx, create({"resourceType": "Observation", "status": "fin", "shoe": 1}))
    assert {issue.expression for issue in refused.value.issues} >= {"Observation.status", "Observation.shoe", "Observation.code"}
    assert read.history(ctx, HistoryQuery()).versions == []


def test_a_list_without_changes_is_a_write_of_nothing(ctx: Context) -> None:
    assert commit(ctx, []) == []


def test_a_lost_race_is_run_again_and_sees_what_the_other_did(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts, append = [], commits.versions.append

    def lose_twice(tx, rows) -> None:
        attempts.append(rows)
        append(tx, rows)
        if len(attempts) < 3:
            raise Collision

    monkeypatch.setattr(commits.versions, "append", lose_twice)
    done = one(ctx, update(patient(id="p")))
    assert (done.outcome, done.version, len(attempts)) == ("created", 1, 3)
    assert len(_versions(ctx, "Patient", "p")) == 1


def test_a_race_that_is_always_lost_ends_as_a_conflict(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    def lose(_tx, _rows) -> None:
        raise Collision

    monkeypatch.setattr(commits.versions, "append", lose)
    with pytest.raises(Conflict, match="send it again"):
        one(ctx, update(patient(id="p")))
