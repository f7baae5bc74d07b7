"""Strategies for a small clinic: resources of every kind that search tells apart, from pools small enough that questions find something.

Every id ends in TURN, which whoever stores a clinic replaces, so that one database can hold many clinics one after the other.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from tests.properties.search_units import UCUM

Json = Any
Made = st.SearchStrategy[Json]

TURN = "-TURN"
OWN = "http://clinic.example/fhir/"
ELSEWHERE = "http://elsewhere/fhir/Patient/p0"
MOST = {
    "Patient": 4,
    "Encounter": 4,
    "Observation": 7,
    "MedicationAdministration": 3,
    "Medication": 2,
    "Location": 4,
    "Organization": 3,
    "AdverseEvent": 2,
    "Condition": 2,
    "RiskAssessment": 2,
    "List": 2,
}
"""How many of a type a clinic has at most."""
LETTERS = {type: type[0].lower() + type[1] for type in MOST}

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
KINDS = (("http://kinds", "MR"), ("http://kinds", "SS"))
SYSTEM = "http://local"
"""Its codes form a tree: a1 and a2 below a, a11 below a1."""
CODES = (("http://loinc.org", "8480-6"), ("http://loinc.org", "8462-4"), (SYSTEM, "8480-6"), ("", "8480-6"), (SYSTEM, "a|b"))
TREE = ("a", "a1", "a11", "a2", "b")
TEXTS = ("Systolic pressure", "systolic", "Åderlass", "Up, down", "50% of $")
TAGS = (("http://tags", "CTLSUB"), ("http://tags", "TEST"))
PROFILES = ("http://profiles/a", "http://profiles/a|1.0", "http://profiles/b", "http://profiles/a/c")
NUMBERS = (
    "0",
    "1",
    "1.0",
    "1.05",
    "5.4",
    "5.40",
    "99.5",
    "100",
    "100.4999",
    "100.5",
    "-3",
    "-3.5",
    "0.001",
    "0.05",
    "50",
    "120",
    "1000000",
)
UNITS: tuple[dict[str, str], ...] = (
    *(
        {"unit": code, "system": UCUM, "code": code}
        for code in ("mg", "g", "ug", "mm[Hg]", "kPa", "Cel", "[degF]", "/min", "%", "mg/kg", "mL")
    ),
    *({"unit": code, "system": UCUM, "code": code} for code in ("s", "min", "h")),
    {"unit": "mmHg", "system": UCUM, "code": "mm[Hg]"},
    {"unit": "puff", "system": SYSTEM, "code": "puff"},
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
STATUSES = {
    "Observation": ("final", "amended", "cancelled"),
    "Encounter": ("planned", "in-progress", "finished"),
    "MedicationAdministration": ("completed", "stopped"),
    "Medication": ("active", "inactive"),
    "Location": ("active", "suspended"),
    "List": ("current", "retired"),
}
LOTS = ("K123", "K124", "k123")
SETS = ("http://sets/few", "http://sets/tree", "http://sets/joined", "http://sets/all")


def ids(type: str) -> list[str]:
    """Every id that a resource of the type may have."""
    return [f"{LETTERS[type]}{number}{TURN}" for number in range(MOST[type])]


def _coding(pair: tuple[str, str]) -> Json:
    return {"code": pair[1], **({"system": pair[0]} if pair[0] else {})}


_PAIRS = (*CODES, *((SYSTEM, one) for one in TREE))
_when = st.sampled_from(DATES + TIMES)
_period = st.fixed_dictionaries(
    {}, optional={"start": st.sampled_from(TIMES[:5]), "end": st.sampled_from(("2026-11-01T05:30:00Z", "2026-12", "2027"))}
).filter(bool)
_timing = st.one_of(
    st.lists(st.sampled_from(TIMES), min_size=1, max_size=3).map(lambda events: {"event": events}),
    _period.map(lambda bounds: {"repeat": {"boundsPeriod": bounds}}),
    st.just({"repeat": {"frequency": 1}}),
)
_displayed = st.one_of(st.none(), st.sampled_from(TEXTS))
_coded = st.builds(
    lambda pair, display: {**_coding(pair), **({"display": display} if display else {})}, st.sampled_from(_PAIRS), _displayed
)
_concept = st.builds(
    lambda coding, text: {"coding": coding, **({"text": text} if text else {})}, st.lists(_coded, min_size=1, max_size=2), _displayed
)
_measured = st.builds(
    lambda number, unit, comparator: {"value": number, **unit, **({"comparator": comparator} if comparator else {})},
    st.sampled_from(NUMBERS),
    st.sampled_from(UNITS),
    st.sampled_from((None,) * 8 + ("<", "<=", ">", ">=")),
)
_simple = st.builds(lambda number, unit: {"value": number, **unit}, st.sampled_from(NUMBERS), st.sampled_from(UNITS))
_name = st.fixed_dictionaries({"family": st.sampled_from(NAMES), "given": st.lists(st.sampled_from(NAMES), max_size=2)})
_address = st.fixed_dictionaries(
    {"city": st.sampled_from(NAMES)}, optional={"use": st.sampled_from(("home", "work")), "line": st.just(["1 Ann"])}
)
_typed = st.builds(lambda kind, text: {"coding": [_coding(kind)], **({"text": text} if text else {})}, st.sampled_from(KINDS), _displayed)
_identifier = st.builds(
    lambda pair, type: {"value": pair[1], **({"system": pair[0]} if pair[0] else {}), **({"type": type} if type else {})},
    st.sampled_from(IDS),
    st.one_of(st.none(), _typed),
)
_meta = st.fixed_dictionaries(
    {},
    optional={
        "tag": st.lists(st.sampled_from(TAGS).map(_coding), min_size=1, max_size=2),
        "profile": st.lists(st.sampled_from(PROFILES), min_size=1, max_size=2, unique=True),
    },
)


def _some(one: Made, most: int = 2) -> Made:
    return st.lists(one, min_size=1, max_size=most)


def _to(*types: str, more: Sequence[str] = ()) -> Made:
    """A reference to one of the ids, in any form; now and then with an identifier, or with nothing else."""
    forms = [
        form for type in types for id in ids(type) for form in (f"{type}/{id}",) * 3 + (f"{OWN}{type}/{id}", f"{type}/{id}/_history/1")
    ]
    literal = st.sampled_from((*forms, *more)).map(lambda text: {"reference": text})
    logical = _identifier.map(lambda one: {"identifier": one})
    return st.one_of(literal, literal, literal, literal, logical, st.builds(lambda one, other: {**one, **other}, literal, logical))


def _choice(name: str, **forms: Made) -> Made:
    """One form of a choice element, or none: a dictionary to merge."""
    return st.one_of(st.just({}), *(made.map(lambda value, form=form: {f"{name}{form}": value}) for form, made in forms.items()))


def _resource(type: str, id: str, optional: Mapping[str, Made], *choices: Made, **required: Made) -> Made:
    fixed = st.fixed_dictionaries({"resourceType": st.just(type), "id": st.just(id), **required}, optional=dict(optional))
    return st.builds(lambda whole, *parts: {**whole, **{name: value for part in parts for name, value in part.items()}}, fixed, *choices)


_PERSON = _to("Patient", more=("Group/g1", ELSEWHERE))
_values = _choice(
    "value",
    Quantity=_measured,
    CodeableConcept=_concept,
    String=st.sampled_from(NAMES),
    DateTime=_when,
    Period=_period,
    SampledData=st.builds(
        lambda unit, data: {"origin": {"value": "0", **unit}, "data": data}, st.sampled_from(UNITS), st.sampled_from(("1 2 3", "120"))
    ),
)
_component = st.builds(
    lambda code, value: {"code": code, **value}, _concept, _choice("value", Quantity=_measured, CodeableConcept=_concept)
)
_STATUS = {type: st.sampled_from(pool) for type, pool in STATUSES.items()}

_OPTIONAL: dict[str, dict[str, Made]] = {
    "Patient": {
        "name": _some(_name),
        "gender": st.sampled_from(("female", "male")),
        "birthDate": st.sampled_from(DATES),
        "identifier": _some(_identifier),
        "active": st.booleans(),
        "address": _some(_address),
        "telecom": _some(st.fixed_dictionaries({"value": st.sampled_from(("1", "2")), "system": st.sampled_from(("phone", "email"))})),
        "generalPractitioner": _some(_to("Organization")),
        "link": _some(_to("Patient").map(lambda other: {"other": other, "type": "seealso"})),
    },
    "Encounter": {
        "period": _period,
        "class": _coded,
        "subject": _PERSON,
        "partOf": _to("Encounter"),
        "location": _some(st.fixed_dictionaries({"location": _to("Location")}, optional={"period": _period})),
        "length": _simple,
        "serviceProvider": _to("Organization"),
        "identifier": _some(_identifier),
        "diagnosis": _some(_to("Condition").map(lambda one: {"condition": one})),
        "type": _some(_concept),
    },
    "Observation": {
        "meta": _meta,
        "category": _some(_concept),
        "subject": _PERSON,
        "encounter": _to("Encounter"),
        "performer": _some(_to("Organization", "Patient")),
        "partOf": _some(_to("MedicationAdministration")),
        "hasMember": _some(_to("Observation")),
        "component": _some(_component, 3),
        "identifier": _some(_identifier),
    },
    "MedicationAdministration": {
        "meta": _meta,
        "subject": _PERSON,
        "context": _to("Encounter"),
        "performer": _some(_to("Patient").map(lambda one: {"actor": one})),
        "reasonCode": _some(_concept),
        "identifier": _some(_identifier),
    },
    "Medication": {
        "code": _concept,
        "status": _STATUS["Medication"],
        "manufacturer": _to("Organization"),
        "batch": st.fixed_dictionaries({"lotNumber": st.sampled_from(LOTS)}, optional={"expirationDate": st.sampled_from(DATES)}),
        "ingredient": _some(_choice("item", CodeableConcept=_concept, Reference=_to("Medication"))),
    },
    "Location": {
        "name": st.sampled_from(NAMES),
        "alias": _some(st.sampled_from(NAMES)),
        "address": _address,
        "status": _STATUS["Location"],
        "partOf": _to("Location"),
        "managingOrganization": _to("Organization"),
        "type": _some(_concept),
        "identifier": _some(_identifier),
    },
    "Organization": {
        "name": st.sampled_from(NAMES),
        "alias": _some(st.sampled_from(NAMES)),
        "address": _some(_address),
        "active": st.booleans(),
        "partOf": _to("Organization"),
        "type": _some(_concept),
        "identifier": _some(_identifier),
    },
    "AdverseEvent": {
        "actuality": st.sampled_from(("actual", "potential")),
        "date": _when,
        "event": _concept,
        "location": _to("Location"),
        "severity": _concept,
        "suspectEntity": _some(_to("Medication", "MedicationAdministration").map(lambda one: {"instance": one})),
        "resultingCondition": _some(_to("Condition")),
    },
    "Condition": {
        "code": _concept,
        "clinicalStatus": _concept,
        "encounter": _to("Encounter"),
        "asserter": _to("Patient"),
        "recordedDate": _when,
        "evidence": _some(_to("Observation").map(lambda one: {"detail": [one]})),
    },
    "RiskAssessment": {
        "condition": _to("Condition"),
        "encounter": _to("Encounter"),
        "occurrenceDateTime": _when,
        "prediction": _some(
            st.builds(
                lambda risk, number: {**risk, **number},
                st.fixed_dictionaries({}, optional={"qualitativeRisk": _concept}),
                _choice(
                    "probability",
                    Decimal=st.sampled_from(("0.5", "0.50", "0.1", "1")),
                    Range=st.fixed_dictionaries({}, optional={"low": st.just({"value": "0.1"}), "high": st.just({"value": "0.9"})}).filter(
                        bool
                    ),
                ),
            )
        ),
    },
    "List": {
        "title": st.sampled_from(NAMES),
        "subject": _PERSON,
        "note": _some(st.sampled_from(NAMES).map(lambda text: {"text": text})),
        "date": _when,
        "entry": _some(
            st.builds(
                lambda item, gone: {"item": item, **({"deleted": True} if gone else {})}, _to("Patient", "Observation"), st.booleans()
            ),
            4,
        ),
    },
}
_CHOICES: dict[str, tuple[Made, ...]] = {
    "Observation": (_choice("effective", DateTime=_when, Period=_period, Instant=st.sampled_from(TIMES), Timing=_timing), _values),
    "MedicationAdministration": (
        _choice("medication", CodeableConcept=_concept, Reference=_to("Medication")),
        _choice("effective", DateTime=_when, Period=_period),
    ),
    "Condition": (
        _choice(
            "onset",
            Age=_simple,
            DateTime=_when,
            Period=_period,
            String=st.sampled_from(NAMES),
            Range=st.builds(
                lambda low, high, unit: {"low": {"value": low, **unit}, "high": {"value": high, **unit}},
                st.just("1"),
                st.just("100"),
                st.sampled_from(UNITS),
            ),
        ),
    ),
}
_REQUIRED: dict[str, dict[str, Made]] = {
    "Observation": {"status": _STATUS["Observation"], "code": _concept},
    "Encounter": {"status": _STATUS["Encounter"]},
    "MedicationAdministration": {"status": _STATUS["MedicationAdministration"]},
    "AdverseEvent": {"subject": _PERSON},
    "Condition": {"subject": _PERSON},
    "RiskAssessment": {"subject": _PERSON},
    "List": {"status": _STATUS["List"]},
}
_MAKERS: dict[str, list[Made]] = {
    type: [_resource(type, id, _OPTIONAL[type], *_CHOICES.get(type, ()), **_REQUIRED.get(type, {})) for id in ids(type)] for type in MOST
}

SYSTEMS: Json = {
    "resourceType": "CodeSystem",
    "id": f"tree{TURN}",
    "url": SYSTEM,
    "status": "active",
    "content": "complete",
    "concept": [
        {"code": "a", "concept": [{"code": "a1", "concept": [{"code": "a11"}]}, {"code": "a2"}]},
        {"code": "b"},
        {"code": "8480-6"},
    ],
}


def _value_set(number: int, include: list[Json], exclude: list[Json]) -> Json:
    compose = {"include": include, **({"exclude": exclude} if exclude else {})}
    return {
        "resourceType": "ValueSet",
        "id": f"vs{number}{TURN}",
        "url": SETS[number],
        "version": "1",
        "status": "active",
        "compose": compose,
    }


def _few(pairs: Sequence[tuple[str, str]]) -> list[Json]:
    return [{"system": system, "concept": [{"code": code}]} for system, code in pairs]


_known = st.lists(st.sampled_from([pair for pair in _PAIRS if pair[0]]), max_size=3, unique=True)
_below = st.builds(
    lambda op, code: [{"system": SYSTEM, "filter": [{"property": "concept", "op": op, "value": code}]}],
    st.sampled_from(("is-a", "descendent-of")),
    st.sampled_from(TREE),
)
_value_sets = st.tuples(
    st.builds(lambda pairs: _value_set(0, _few(pairs), []), _known.filter(bool)),
    st.builds(lambda include, pairs: _value_set(1, include, _few(pairs)), _below, _known),
    st.builds(lambda urls, pairs: _value_set(2, [{"valueSet": urls}], _few(pairs)), _some(st.sampled_from(SETS[:2])), _known),
    st.just(_value_set(3, [{"system": SYSTEM}], [])),
)


@st.composite
def clinics(draw: st.DrawFn, full: bool = False) -> list[Json]:
    """Up to MOST of every type (all of them when `full`) with the terminology they need, in an order of their own."""
    made = [SYSTEMS, *draw(_value_sets)]
    for makers in _MAKERS.values():
        number = len(makers) if full else draw(st.integers(0, len(makers)))
        made += [draw(one) for one in makers[:number]]
    return draw(st.permutations(made))
