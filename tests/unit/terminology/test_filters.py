"""Every operator of R4: https://hl7.org/fhir/R4/valueset-filter-operator.html."""

import pytest

from service.terminology import code_system, filters
from service.terminology.lookup import Unanswerable
from tests.unit.terminology.shelf import concept, system

DRUGS = system(
    concept("anaesthetic", concept("ketamine", concept("esketamine", schedule="III"), schedule="III"), concept("propofol")),
    concept("midazolam", schedule="IV", parent="sedative"),
    concept("sedative"),
    property=[{"code": "strength", "type": "decimal"}, {"code": "controlled", "type": "boolean"}],
)
DRUGS["concept"][1]["property"] += [{"code": "strength", "valueDecimal": 2.5}, {"code": "controlled", "valueBoolean": True}]
DRUGS["concept"][1]["property"] += [{"code": "kind", "valueCoding": {"system": "http://kinds", "code": "benzo"}}]
EVERY = {"anaesthetic", "ketamine", "esketamine", "propofol", "midazolam", "sedative"}


@pytest.mark.parametrize(
    ("name", "op", "value", "codes"),
    [
        ("schedule", "=", "III", {"ketamine", "esketamine"}),
        ("code", "=", "propofol", {"propofol"}),
        ("display", "=", "The propofol", {"propofol"}),
        ("parent", "=", "anaesthetic", {"ketamine", "propofol"}),
        ("parent", "=", "sedative", {"midazolam"}),
        ("child", "=", "esketamine", {"ketamine"}),
        ("strength", "=", "2.5", {"midazolam"}),
        ("controlled", "=", "true", {"midazolam"}),
        ("kind", "=", "benzo", {"midazolam"}),
        ("kind", "=", "http://kinds|benzo", {"midazolam"}),
        ("concept", "is-a", "ketamine", {"ketamine", "esketamine"}),
        ("concept", "is-a", "anaesthetic", {"anaesthetic", "ketamine", "esketamine", "propofol"}),
        ("concept", "descendent-of", "ketamine", {"esketamine"}),
        ("concept", "is-not-a", "anaesthetic", {"midazolam", "sedative"}),
        ("concept", "generalizes", "esketamine", {"esketamine", "ketamine", "anaesthetic"}),
        ("code", "in", "ketamine, propofol,unknown", {"ketamine", "propofol"}),
        ("schedule", "in", "III,IV", {"ketamine", "esketamine", "midazolam"}),
        ("schedule", "not-in", "III,V", EVERY - {"ketamine", "esketamine"}),
        ("code", "not-in", "ketamine", EVERY - {"ketamine"}),
        ("code", "regex", ".*ketamine", {"ketamine", "esketamine"}),
        ("display", "regex", "The [ms].*", {"midazolam", "sedative"}),
        ("schedule", "exists", "true", {"ketamine", "esketamine", "midazolam"}),
        ("schedule", "exists", "false", {"anaesthetic", "propofol", "sedative"}),
        ("parent", "exists", "false", {"anaesthetic", "sedative"}),
    ],
)
def test_an_operator(name: str, op: str, value: str, codes: set[str]) -> None:
    found = filters.selected(code_system.read(DRUGS), [{"property": name, "op": op, "value": value}])
    assert {one.code for one in found.values()} == codes


def test_all_filters_must_hold() -> None:
    rows = [{"property": "concept", "op": "is-a", "value": "anaesthetic"}, {"property": "schedule", "op": "exists", "value": "true"}]
    assert set(filters.selected(code_system.read(DRUGS), rows)) == {"ketamine", "esketamine"}


def test_codes_are_the_same_where_case_does_not_count() -> None:
    drugs = code_system.read({**DRUGS, "caseSensitive": False})
    for op in ("=", "in"):
        assert set(filters.selected(drugs, [{"property": "code", "op": op, "value": "KETAMINE"}])) == {"ketamine"}


@pytest.mark.parametrize(
    ("name", "op", "value", "code"),
    [
        ("colour", "=", "red", "invalid"),
        ("schedule", "is-a", "III", "not-supported"),
        ("concept", "is-a", "unknown", "not-found"),
        ("schedule", "exists", "yes", "invalid"),
        ("code", "like", "x", "not-supported"),
        ("code", "regex", "(", "invalid"),
    ],
)
def test_what_has_no_meaning_is_refused(name: str, op: str, value: str, code: str) -> None:
    with pytest.raises(Unanswerable) as error:
        filters.selected(code_system.read(DRUGS), [{"property": name, "op": op, "value": value}])
    assert error.value.code == code
