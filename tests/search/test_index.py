"""The index follows the resources: by difference, under hostile values, and rebuilt while the service goes on."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import event

from service.search.adoption import prepare
from service.search.index import Entry, difference, referrers, rows, write
from service.search.registries import Registries
from service.search.reindex import STEP, reindex
from service.storage.database import Transaction
from tests.search.clinic import Clinic, Stored

OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "o",
    "status": "preliminary",
    "code": {"coding": [{"system": "http://c", "code": "bp"}]},
    "subject": {"reference": "Patient/p"},
    "effectiveDateTime": "2026-03-14T10:00:00Z",
    "valueQuantity": {"value": 120, "unit": "mmHg"},
}


def _expected(clinic: Clinic, stored: Stored, tree: Any) -> set[tuple[Any, ...]]:
    extracted = clinic.registry.extract(tree["resourceType"], tree, stored.created)
    return {(name, *row) for name, found in rows(extracted, stored.res_id).items() for row in found}


def _prepared(clinic: Clinic) -> Registries:
    registries = Registries(clinic.database, clinic.registry, grace_seconds=0)
    prepare(registries)
    return registries


def _change(tx: Transaction, clinic: Clinic, entries: list[Entry]) -> None:
    write(tx, difference(clinic.registry, entries))


@pytest.mark.parametrize(
    "changed",
    [
        {"status": "final"},
        {"effectiveDateTime": "2026-03-15"},
        {"valueQuantity": {"value": Decimal("120.5")}},
        {"subject": {"reference": "Patient/q"}, "component": [{"code": {"text": "x"}, "valueString": "Ünïcode"}]},
        {"code": {"text": "gone"}},
    ],
)
def test_an_update_leaves_the_rows_of_the_new_version(clinic: Clinic, changed: dict[str, Any]) -> None:
    (old,) = clinic.put(OBSERVATION)
    tree = {**OBSERVATION, **changed}
    with clinic.database.write() as tx:
        _change(tx, clinic, [Entry(old.res_id, "Observation", tree, OBSERVATION, old.created)])
    assert clinic.every_row() == _expected(clinic, old, tree)


def test_an_update_touches_only_what_differs(clinic: Clinic) -> None:
    (old,) = clinic.put(OBSERVATION)
    statements: list[Any] = []
    event.listen(clinic.database.engine, "before_cursor_execute", lambda *call: statements.append((call[2], call[3])))
    with clinic.database.write() as tx:
        _change(tx, clinic, [Entry(old.res_id, "Observation", {**OBSERVATION, "status": "final"}, OBSERVATION, old.created)])
    ours = [statement for statement, _ in statements if "search_" in statement and "search_generation" not in statement]
    assert len(ours) == (1 if clinic.database.dialect == "postgresql" else 2)
    assert all("search_token" in statement and "search_date" not in statement for statement in ours)


def test_an_unchanged_resource_writes_nothing(clinic: Clinic) -> None:
    (old,) = clinic.put(OBSERVATION)
    statements: list[str] = []
    event.listen(clinic.database.engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    with clinic.database.write() as tx:
        _change(tx, clinic, [Entry(old.res_id, "Observation", OBSERVATION, OBSERVATION, old.created)])
    assert not [statement for statement in statements if "search_" in statement and "search_generation" not in statement]


@pytest.mark.parametrize("text", ["x" * 5000, "日本" * 3000, "'; DROP TABLE search_token; --", "%_\\/", "\U0001f600", " "])
def test_any_text_can_be_indexed_and_found(clinic: Clinic, text: str) -> None:
    patient = {
        "resourceType": "Patient",
        "id": "p",
        "name": [{"family": text + "a"}],
        "identifier": [{"system": text, "value": text + "1"}],
    }
    clinic.put(patient)
    escaped = text.replace("\\", "\\\\").replace(",", "\\,").replace("|", "\\|")
    asked = (escaped + "a")[:2000]
    for modifier in ("", ":contains", *([":exact"] if len(escaped) < 2000 else [])):
        assert [one.id for one in clinic.page("Patient", [("family" + modifier, asked)]).matches] == ["p"], modifier
    assert [one.id for one in clinic.page("Patient", [("identifier", f"{escaped}|{escaped}1")]).matches] == ["p"]


@pytest.mark.parametrize("number", ["1E-999", "-1E+999", "0." + "1" * 900, "9" * 900])
def test_any_number_can_be_indexed(clinic: Clinic, number: str) -> None:
    clinic.put({**OBSERVATION, "valueQuantity": {"value": number}})
    assert clinic.ids("Observation", "value-quantity:missing=false") == ["o"]
    sign = "lt" if number.startswith("-") else "gt"
    assert clinic.ids("Observation", f"value-quantity={sign}0") == ["o"]


def test_referrers_are_found_under_any_parameter_or_none(clinic: Clinic) -> None:
    clinic.put(
        OBSERVATION,
        {"resourceType": "Observation", "id": "author", "note": [{"authorReference": {"reference": "Patient/p"}}]},
        {
            "resourceType": "Basic",
            "id": "extension",
            "extension": [{"url": "http://e", "valueReference": {"reference": "Patient/p/_history/1"}}],
        },
        {"resourceType": "Observation", "id": "elsewhere", "subject": {"reference": "http://elsewhere/Patient/p"}},
        {"resourceType": "Observation", "id": "group", "subject": {"reference": "Group/p"}},
    )
    with clinic.database.read() as tx:
        assert referrers(tx, clinic.registry, "Patient", "p", 10) == [
            ("Observation", "o"),
            ("Observation", "author"),
            ("Basic", "extension"),
        ]
        assert referrers(tx, clinic.registry, "Patient", "p", 1) == [("Observation", "o")]


def test_reindexing_restores_what_was_lost_and_removes_what_should_not_be_there(clinic: Clinic) -> None:
    trees = [{**OBSERVATION, "id": f"o{number}"} for number in range(STEP + 5)]
    stored = clinic.put(*trees)
    clinic.put({"resourceType": "Patient", "id": "p"})
    whole = clinic.every_row()
    wrong = {**OBSERVATION, "status": "amended", "subject": {"reference": "Patient/wrong"}}
    with clinic.database.write() as tx:
        _change(tx, clinic, [Entry(one.res_id, "Observation", wrong, one.tree, one.created) for one in stored])
    steps = list(reindex(_prepared(clinic), "Observation"))
    assert [(one.done, one.total) for one in steps] == [(STEP, STEP + 5), (STEP + 5, STEP + 5)]
    assert clinic.every_row() == whole


def test_reindexing_goes_on_where_it_was_interrupted(clinic: Clinic) -> None:
    clinic.put(*({**OBSERVATION, "id": f"o{number}"} for number in range(STEP + 5)))
    registries = _prepared(clinic)
    next(reindex(registries, "Observation"))
    (rest,) = reindex(registries, "Observation")
    assert (rest.done, rest.total) == (5, 5)
