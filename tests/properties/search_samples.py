"""Strategies for a small clinic and for questions about it, from pools small enough that questions find something."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from hypothesis import strategies as st

from tests.properties.search_oracle import Clause

Json = Any
Question = tuple[str, list[Clause], list[tuple[str, bool]]]
"""(type, clauses, sort keys with descending)"""

NAMES = (
    "Müller",
    "Muller",
    "MULLER",
    "O'Brien",
    "van, Dam",
    "Ann|Lee",
    "Ångström",
    "Ann",
    "Bäcker-Ång",
    "a$b",
    "back\\slash",
    "Straße",
    "50%_off",
)
IDS = (("http://a", "1"), ("http://a", "2"), ("http://b", "1"), ("", "1"), ("http://a", "x,y"))
CODES = (
    ("http://loinc.org", "8480-6"),
    ("http://loinc.org", "8462-4"),
    ("http://local", "8480-6"),
    ("", "8480-6"),
    ("http://local", "a|b"),
)
TAGS = (("http://tags", "CTLSUB"), ("http://tags", "TEST"))
PROFILES = ("http://profiles/a", "http://profiles/a|1.0", "http://profiles/b")
NUMBERS = ("0", "1", "1.0", "1.05", "5.4", "5.40", "99.5", "100", "100.4999", "100.5", "-3", "-3.5", "0.001", "120", "1000000")
UNITS: tuple[dict[str, str], ...] = (
    {"unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"},
    {"unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"},
    {"unit": "mg"},
    {},
)
DATES = ("2025", "2026", "2026-03", "2026-03-08", "2026-03-09", "2026-11-01", "2026-02-28", "2024-02-29")
TIMES = (
    "2026-03-08T01:30:00-05:00",
    "2026-03-08T03:00:00-04:00",
    "2026-03-08T06:59:59Z",
    "2026-03-09T00:00:00.000-04:00",
    "2026-03-09T03:59:59.999Z",
    "2026-11-01T01:30:00-04:00",
    "2026-11-01T01:30:00-05:00",
    "2025-12-31T23:30:00-05:00",
)
PREFIXES = ("", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb")
STATUSES = {"Observation": ("final", "amended", "cancelled"), "Encounter": ("planned", "in-progress", "finished")}
UNKNOWN = "http://nowhere|nothing"


def escaped(text: str) -> str:
    """As a search value."""
    for one in "\\,|$":
        text = text.replace(one, "\\" + one)
    return text


def _coding(pair: tuple[str, str]) -> Json:
    return {"code": pair[1], **({"system": pair[0]} if pair[0] else {})}


_when = st.sampled_from(DATES + TIMES)
_period = st.fixed_dictionaries(
    {}, optional={"start": st.sampled_from(TIMES[:5]), "end": st.sampled_from(("2026-11-01T05:30:00Z", "2026-12", "2027"))}
)
_period = _period.filter(bool)
_concept = st.lists(st.sampled_from(CODES), min_size=1, max_size=2, unique=True).map(lambda pairs: {"coding": list(map(_coding, pairs))})
_quantity = st.builds(
    lambda number, unit, comparator: {"value": number, **unit, **({"comparator": "<"} if comparator else {})},
    st.sampled_from(NUMBERS),
    st.sampled_from(UNITS),
    st.integers(0, 9).map(lambda one: one == 0),
)
_name = st.fixed_dictionaries({"family": st.sampled_from(NAMES), "given": st.lists(st.sampled_from(NAMES), max_size=2)})
_meta = st.fixed_dictionaries(
    {},
    optional={
        "tag": st.lists(st.sampled_from(TAGS).map(_coding), min_size=1, max_size=2),
        "profile": st.lists(st.sampled_from(PROFILES), min_size=1, max_size=2, unique=True),
    },
)


@cache
def _patient(id: str) -> st.SearchStrategy[Json]:
    identifier = st.sampled_from(IDS).map(lambda pair: {"value": pair[1], **({"system": pair[0]} if pair[0] else {})})
    return st.fixed_dictionaries(
        {"resourceType": st.just("Patient"), "id": st.just(id)},
        optional={
            "name": st.lists(_name, min_size=1, max_size=2),
            "gender": st.sampled_from(("female", "male")),
            "birthDate": st.sampled_from(DATES),
            "identifier": st.lists(identifier, min_size=1, max_size=2),
        },
    )


def _subject(here: tuple[str, ...]) -> st.SearchStrategy[Json]:
    forms = [form for id in here for form in (f"Patient/{id}", f"http://clinic.example/fhir/Patient/{id}")]
    return st.sampled_from((*forms, "Group/g1", "http://elsewhere/fhir/Patient/p0")).map(lambda text: {"reference": text})


@cache
def _encounter(id: str, patients: tuple[str, ...]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries(
        {"resourceType": st.just("Encounter"), "id": st.just(id), "status": st.sampled_from(STATUSES["Encounter"])},
        optional={"period": _period, "subject": _subject(patients)},
    )


@cache
def _observation(id: str, patients: tuple[str, ...], encounters: tuple[str, ...]) -> st.SearchStrategy[Json]:
    component = st.fixed_dictionaries({"code": _concept}, optional={"valueQuantity": _quantity})
    timed = st.one_of(
        st.just({}),
        _when.map(lambda text: {"effectiveDateTime": text}),
        _period.map(lambda value: {"effectivePeriod": value}),
        st.sampled_from(TIMES).map(lambda text: {"effectiveInstant": text}),
    )
    whole = st.fixed_dictionaries(
        {"resourceType": st.just("Observation"), "id": st.just(id), "status": st.sampled_from(STATUSES["Observation"]), "code": _concept},
        optional={
            "meta": _meta,
            "subject": _subject(patients),
            "encounter": st.sampled_from(encounters).map(lambda one: {"reference": f"Encounter/{one}"}),
            "valueQuantity": _quantity,
            "component": st.lists(component, min_size=1, max_size=2),
        },
    )
    return st.builds(lambda one, date: {**one, **date}, whole, timed)


@st.composite
def clinics(draw: st.DrawFn, least: int = 1) -> list[Json]:
    """`least` to 8 observations, and up to that many patients and encounters, in an order of their own."""
    patients = tuple(f"p{number}" for number in range(draw(st.integers(min(least, 5), 5))))
    encounters = tuple(f"e{number}" for number in range(draw(st.integers(min(least, 5), 5))))
    observations = tuple(f"o{number}" for number in range(draw(st.integers(least, 8))))
    made = [draw(_patient(id)) for id in patients]
    made += [draw(_encounter(id, patients)) for id in encounters]
    made += [draw(_observation(id, patients, encounters)) for id in observations]
    return draw(st.permutations(made))


def _tokens(pool: tuple[tuple[str, str], ...]) -> list[str]:
    forms = {UNKNOWN}
    for pair in pool:
        system, code = map(escaped, pair)
        forms |= {code, f"{system}|{code}", f"|{code}", *((f"{system}|",) if system else ())}
    return sorted(forms)


_ASKED_DATES = [prefix + text for prefix in PREFIXES for text in (*DATES, *TIMES, "2026-03-08T12:00", "2026-11-01T01:15")]
_ASKED_UNITS = ("", "||mg", "||mmHg", "|http://unitsofmeasure.org|mg", "|http://unitsofmeasure.org|mm[Hg]")
_ASKED_NUMBERS = [prefix + number + unit for prefix in PREFIXES for number in NUMBERS for unit in _ASKED_UNITS]
_ASKED_NAMES = sorted({escaped(name[:length].strip()) for name in NAMES for length in (1, 2, 4, 20)})
_ASKED_PATIENTS = ["p0", "Patient/p0", "Patient/p1", "http://clinic.example/fhir/Patient/p1", "Patient/none", "p2"]
_GENDERS = ["female", "|male", "http://hl7.org/fhir/administrative-gender|male", "x|male"]


def _clauses(name: str, values: Iterable[str], *modifiers: str, missing: bool = True) -> list[Clause]:
    asked: list[Clause] = [(name, modifier, value) for modifier in (None, *modifiers) for value in values]
    return asked + ([(name, "missing", "true"), (name, "missing", "false")] if missing else [])


SINGLE: dict[str, list[Clause]] = {
    "Patient": [
        *_clauses("name", _ASKED_NAMES, "exact", "contains"),
        *_clauses("family", _ASKED_NAMES, "exact", "contains"),
        *_clauses("gender", _GENDERS, "not"),
        *_clauses("birthdate", _ASKED_DATES),
        *_clauses("identifier", _tokens(IDS), "not"),
    ],
    "Encounter": [
        *_clauses("date", _ASKED_DATES),
        *_clauses("status", STATUSES["Encounter"], "not"),
        *_clauses("patient", _ASKED_PATIENTS),
        *_clauses("subject", [*_ASKED_PATIENTS, "Group/g1", "g1"]),
        *_clauses("patient.identifier", _tokens(IDS), missing=False),
    ],
    "Observation": [
        *_clauses("date", _ASKED_DATES),
        *_clauses("status", [*STATUSES["Observation"], "|final", "http://hl7.org/fhir/observation-status|"], "not"),
        *_clauses("code", _tokens(CODES), "not"),
        *_clauses("combo-code", _tokens(CODES), "not"),
        *_clauses("value-quantity", _ASKED_NUMBERS),
        *_clauses("combo-value-quantity", _ASKED_NUMBERS),
        *_clauses("patient", _ASKED_PATIENTS),
        *_clauses("encounter", ["e0", "Encounter/e1"]),
        *_clauses("_tag", _tokens(TAGS), "not"),
        *_clauses("_profile", PROFILES),
        *_clauses("patient.name", _ASKED_NAMES, "contains", missing=False),
        *_clauses("encounter.status", STATUSES["Encounter"], missing=False),
        *_clauses("_id", ["o0", "o1,o2,o0", "none"], missing=False),
    ],
}
"""Every question of one clause, by type."""

_SORTS = {
    "Patient": ("birthdate", "family", "gender", "_id"),
    "Encounter": ("date", "status", "_id"),
    "Observation": ("date", "status", "code", "_id"),
}


def _by_parameter(clauses: list[Clause]) -> list[list[Clause]]:
    found: dict[tuple[str, str | None], list[Clause]] = {}
    for clause in clauses:
        found.setdefault((clause[0], clause[1]), []).append(clause)
    return list(found.values())


_GROUPS = {type: _by_parameter(clauses) for type, clauses in SINGLE.items()}


def _clause(type: str) -> st.SearchStrategy[Clause]:
    """One clause, each parameter as likely as the others."""
    return st.one_of([st.sampled_from(group) for group in _GROUPS[type]])


def _question(type: str) -> st.SearchStrategy[Question]:
    key = st.tuples(st.sampled_from(_SORTS[type]), st.booleans())
    keys = st.lists(key, max_size=2, unique_by=lambda one: one[0])
    return st.tuples(st.just(type), st.lists(st.one_of(_clause(type), _either(type)), max_size=3), keys)


def _either(type: str) -> st.SearchStrategy[Clause]:
    """Two values of one parameter, either of which will do."""
    groups = [group for group in _GROUPS[type] if group[0][1] != "missing"]
    pairs = st.one_of([st.tuples(st.sampled_from(group), st.sampled_from(group)) for group in groups])
    return pairs.map(lambda pair: (pair[0][0], pair[0][1], f"{pair[0][2]},{pair[1][2]}"))


def questions() -> st.SearchStrategy[Question]:
    """Up to three clauses and two sort keys."""
    return st.one_of([_question(type) for type in sorted(SINGLE)])


def _orders(type: str) -> list[list[tuple[str, bool]]]:
    """Every order of one and of two keys."""
    keys = [(name, descending) for name in _SORTS[type] for descending in (False, True)]
    return [[key] for key in keys] + [[one, other] for one in keys for other in keys if one[0] != other[0]]


EVERY: list[Question] = [
    *((type, [clause], []) for type, clauses in SINGLE.items() for clause in clauses),
    *((type, [], order) for type in SINGLE for order in _orders(type)),
]
"""Every question of one clause, and every order of a whole type."""
