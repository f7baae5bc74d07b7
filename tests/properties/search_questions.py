"""Strategies for questions about the clinics of `search_samples`: every parameter with every modifier, chains both ways, lists, filters,
orders, includes, compartments, and searches across types.

    GROUPS[type][name] is the strategy of the texts that can stand behind `name` (a parameter, perhaps with a modifier)
"""

from collections.abc import Iterator
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.properties import search_samples as samples
from tests.properties.search_filters import Both, Compare, Either, Filter, Negated, Tree
from tests.properties.search_matching import PREFIXES
from tests.properties.search_oracle import COMPARTMENTS, Clause, Include, Question, Sort
from tests.properties.search_samples import ELSEWHERE, LETTERS, OWN, SYSTEM, TURN, ids
from tests.properties.search_terminology import PARENTS
from tests.properties.search_units import FACTORS, TIMES, UCUM
from tests.properties.search_values import VALUES

Texts = st.SearchStrategy[str]
Named = tuple[str, str]

REFERS: dict[str, dict[str, tuple[str, ...]]] = {
    "Patient": {"general-practitioner": ("Organization",), "link": ("Patient",)},
    "Encounter": {
        "patient": ("Patient",),
        "subject": ("Patient",),
        "part-of": ("Encounter",),
        "location": ("Location",),
        "service-provider": ("Organization",),
        "diagnosis": ("Condition",),
    },
    "Observation": {
        "patient": ("Patient",),
        "subject": ("Patient",),
        "encounter": ("Encounter",),
        "performer": ("Organization", "Patient"),
        "part-of": ("MedicationAdministration",),
        "has-member": ("Observation",),
    },
    "MedicationAdministration": {
        "patient": ("Patient",),
        "subject": ("Patient",),
        "context": ("Encounter",),
        "performer": ("Patient",),
        "medication": ("Medication",),
    },
    "Medication": {"manufacturer": ("Organization",), "ingredient": ("Medication",)},
    "Location": {"partof": ("Location",), "organization": ("Organization",)},
    "Organization": {"partof": ("Organization",)},
    "AdverseEvent": {
        "subject": ("Patient",),
        "location": ("Location",),
        "substance": ("Medication", "MedicationAdministration"),
        "resultingcondition": ("Condition",),
    },
    "Condition": {
        "patient": ("Patient",),
        "subject": ("Patient",),
        "encounter": ("Encounter",),
        "asserter": ("Patient",),
        "evidence-detail": ("Observation",),
    },
    "RiskAssessment": {"patient": ("Patient",), "subject": ("Patient",), "condition": ("Condition",), "encounter": ("Encounter",)},
    "List": {"item": ("Patient", "Observation"), "patient": ("Patient",), "subject": ("Patient",)},
}
"""The types that the samples' references point to."""
TYPES = tuple(REFERS)
_IDENTIFIERS = {"identifier"}
_CLASSES = {"status", "gender", "actuality", "address-use"}


Made = TypeVar("Made")


def _pick(*forms: st.SearchStrategy[Made]) -> st.SearchStrategy[Made]:
    """One of the forms, each as likely as the others however many forms it has itself (`st.one_of` would flatten them)."""
    return st.sampled_from(forms).flatmap(lambda form: form)


def escaped(text: str) -> str:
    """As a search value."""
    for one in "\\,|$":
        text = text.replace(one, "\\" + one)
    return text


def _tokens(pool: tuple[tuple[str, str], ...]) -> Texts:
    forms = {"http://nowhere|nothing"}
    for pair in pool:
        system, code = map(escaped, pair)
        forms |= {code, f"{system}|{code}", f"|{code}", *((f"{system}|",) if system else ())}
    return st.sampled_from(sorted(forms))


_CODES = _tokens((*samples.CODES, *((SYSTEM, code) for code in samples.TREE)))
_IDENTIFIER = _tokens(samples.IDS)
_NAMES = st.sampled_from(sorted({escaped(name[:length].strip()) for name in samples.NAMES for length in (1, 2, 4, 20)}))
_PREFIX = st.sampled_from(("", "", *PREFIXES[:-1]))
_DATES = st.builds(
    lambda prefix, text: prefix + text, _PREFIX, st.sampled_from((*samples.DATES, *samples.TIMES, "2026-03-08T12:00", "2026-11-01T01:15"))
)
_NUMBERS = st.builds(
    lambda prefix, text: prefix + text, _PREFIX, st.sampled_from((*samples.NUMBERS, "5e-1", "1e2", "37", "98.6", "13.3322"))
)
_UNITS = st.sampled_from(("", "", "||mg", "||mmHg", f"|{SYSTEM}|puff", *(f"|{UCUM}|{unit}" for unit in FACTORS)))
_QUANTITIES = st.builds(lambda number, unit: number + unit, _NUMBERS, _UNITS)
_DURATIONS = st.builds(lambda number, unit: number + unit, _NUMBERS, st.sampled_from(("", "||mg", *(f"|{UCUM}|{unit}" for unit in TIMES))))
"""What measures time refuses the units of everything else."""
_FLAGS = st.sampled_from(("true", "false", "|true", "http://terminology.hl7.org/CodeSystem/special-values|true"))
_URLS = st.sampled_from(
    (*samples.PROFILES, *samples.SETS, SYSTEM, "http://profiles", "http://profiles/a/c/d", "http://sets/f", "http://sets/")
)
_LOTS = st.sampled_from((*samples.LOTS, "|K123", "x|K123"))
_TEXTS = st.sampled_from(sorted({escaped(text[:length].strip()) for text in samples.TEXTS for length in (1, 4, 30)} | {"pressure"}))
_SETS = st.sampled_from((*samples.SETS, "http://sets/few|1", f"ValueSet/vs1{TURN}", f"vs0{TURN}"))
_TREE = st.sampled_from([f"{SYSTEM}|{code}" for code in (*samples.TREE, "8480-6")])
_OF_TYPE = st.sampled_from(
    [escaped(system) + "|" + code + "|" + escaped(value) for system, code in samples.KINDS for value in ("1", "2", "x,y")]
)
_MISSING = st.sampled_from(("true", "false"))
_COMPOSITES = {"quantity": _QUANTITIES, "concept": _CODES, "string": _NAMES, "date": _DATES}


def _pointers(types: tuple[str, ...]) -> Texts:
    forms = [form for type in types for id in ids(type) for form in (id, f"{type}/{id}", f"{OWN}{type}/{id}", f"{type}/{id}/_history/1")]
    return st.sampled_from((*forms, ELSEWHERE, "none"))


def _codes(type: str, name: str) -> Texts:
    pools = {"gender": ("female", "male"), "actuality": ("actual", "potential"), "address-use": ("home", "work")}
    pool = pools.get(name, samples.STATUSES.get(type, ("final",)))
    return st.sampled_from(
        [*pool, f"|{pool[0]}", "http://hl7.org/fhir/observation-status|final", "http://hl7.org/fhir/observation-status|"]
    )


def _token_texts(type: str, name: str) -> Texts:
    if name == "active":
        return _FLAGS
    if type == "ValueSet" and name == "code":
        return st.sampled_from(("8480-6", "|8480-6", "a1", "x|a1"))
    if name in ("phone", "telecom", "version"):
        return st.sampled_from(("1", "|1", "x|1", "2"))
    pools = {"identifier": _IDENTIFIER, "lot-number": _LOTS, "_tag": _tokens(samples.TAGS), "_id": _own_ids(type)}
    return pools.get(name, _CODES)


def _own_ids(type: str) -> Texts:
    return st.sampled_from([*ids(type), "none"]) if type in LETTERS else st.just(f"vs0{TURN}")


def _groups(type: str, name: str, kind: str) -> Iterator[tuple[str, Texts]]:
    """Every form of one parameter."""
    if name != "_id":
        yield f"{name}:missing", _MISSING
    if kind == "string":
        yield from ((name + modifier, _NAMES) for modifier in ("", ":exact", ":contains"))
    elif kind == "code":
        yield from ((name + modifier, _codes(type, name)) for modifier in ("", ":not"))
    elif kind == "token":
        yield from _token_groups(type, name)
    elif kind == "reference":
        yield from _reference_groups(type, name)
    elif kind == "uri":
        yield from ((name + modifier, _URLS) for modifier in ("", ":above", ":below"))
    elif kind == "composite":
        second = _COMPOSITES[name.rpartition("-")[2]]
        yield name, st.builds(lambda one, other: f"{one}${other}", _CODES, second)
    else:
        quantities = _DURATIONS if name == "length" else _QUANTITIES
        yield name, {"date": _DATES, "number": _NUMBERS, "quantity": quantities}[kind]


def _token_groups(type: str, name: str) -> Iterator[tuple[str, Texts]]:
    texts = _token_texts(type, name)
    yield name, texts
    if name != "_id":
        yield f"{name}:not", texts
    if texts is _CODES:
        yield from ((f"{name}:{modifier}", _SETS) for modifier in ("in", "not-in"))
        yield from ((f"{name}:{modifier}", _TREE) for modifier in ("above", "below"))
    if texts in (_CODES, _IDENTIFIER):
        yield f"{name}:text", _TEXTS
    if texts is _IDENTIFIER:
        yield f"{name}:of-type", _OF_TYPE


def _reference_groups(type: str, name: str) -> Iterator[tuple[str, Texts]]:
    types = REFERS[type][name]
    yield name, _pointers(types)
    yield f"{name}:identifier", _IDENTIFIER
    for one in types:
        yield f"{name}:{one}", st.sampled_from([form for id in ids(one) for form in (id, f"{one}/{id}")])
        if one in PARENTS:
            yield from ((f"{name}:{modifier}", st.sampled_from([f"{one}/{id}" for id in ids(one)])) for modifier in ("above", "below"))


GROUPS: dict[str, dict[str, Texts]] = {
    type: dict(group for name, (kind, _) in VALUES[type].items() for group in _groups(type, name, kind))
    for type in (*TYPES, "ValueSet", "CodeSystem")
}
_SINGLE = {type: st.one_of([st.tuples(st.just(name), texts) for name, texts in groups.items()]) for type, groups in GROUPS.items()}


def _either(type: str) -> st.SearchStrategy[Named]:
    """Two or three values of one parameter, any of which will do."""
    groups = [(name, texts) for name, texts in GROUPS[type].items() if not name.endswith(":missing")]
    return st.one_of([st.tuples(st.just(name), st.lists(texts, min_size=2, max_size=3).map(",".join)) for name, texts in groups])


def _chained(type: str, depth: int) -> st.SearchStrategy[Named]:
    """Through one reference and on."""
    links = [(name, target) for name, targets in REFERS[type].items() for target in targets]

    def through(link: tuple[str, str]) -> st.SearchStrategy[Named]:
        name, target = link
        heads = st.sampled_from((f"{name}:{target}", name if name != "item" else f"{name}:{target}"))
        return st.builds(lambda head, end: (f"{head}.{end[0]}", end[1]), heads, _named(target, depth - 1))

    return st.sampled_from(links).flatmap(through)


def _reversed(type: str, depth: int) -> st.SearchStrategy[Named]:
    """What refers to it."""
    links = [(source, name) for source, names in REFERS.items() for name, targets in names.items() if type in targets]

    def back(link: tuple[str, str]) -> st.SearchStrategy[Named]:
        source, name = link
        return _named(source, depth - 1).map(lambda end: (f"_has:{source}:{name}:{end[0]}", end[1]))

    return st.sampled_from(links).flatmap(back)


def _named(type: str, depth: int) -> st.SearchStrategy[Named]:
    """A clause of at most `depth` links."""
    if depth == 0:
        return _SINGLE[type]
    forms = [_SINGLE[type], _SINGLE[type], _chained(type, depth)]
    if any(type in targets for names in REFERS.values() for targets in names.values()):
        forms.append(_reversed(type, depth))
    return _pick(*forms)


def _filter_test(type: str) -> st.SearchStrategy[Tree]:
    return _pick(*_filters(type))


def _filters(type: str) -> Iterator[st.SearchStrategy[Tree]]:
    """The comparisons of a filter that mean what a plain clause means."""
    for name, (kind, _) in VALUES[type].items():
        if name.startswith("_") or kind == "composite":
            continue
        yield _MISSING.map(
            lambda text, name=name: Compare(f"{name} pr {text}", (f"{name}:missing", {"true": "false", "false": "true"}[text]))
        )
        if kind == "date":
            plain = st.sampled_from(samples.DATES + samples.TIMES)
            yield st.builds(
                lambda prefix, text, name=name: Compare(f"{name} {prefix} {text}", (name, prefix + text)), st.sampled_from(PREFIXES), plain
            )
        if kind in ("number", "quantity"):
            yield from _filter_numbers(type, name)
        if kind == "reference":
            plain = GROUPS[type][name]
            yield plain.map(lambda text, name=name: Compare(f"{name} re {text}", (name, text)))
        if kind in ("token", "code") and name != "lot-number":
            yield from _filter_tokens(type, name)
        if kind == "string":
            yield from _filter_strings(name)


def _filter_numbers(type: str, name: str) -> Iterator[st.SearchStrategy[Tree]]:
    plain = GROUPS[type][name].map(lambda text: text[2:] if text[:2] in PREFIXES else text)
    yield st.builds(lambda prefix, text: Compare(f"{name} {prefix} {text}", (name, prefix + text)), st.sampled_from(PREFIXES[:-1]), plain)


def _filter_tokens(type: str, name: str) -> Iterator[st.SearchStrategy[Tree]]:
    plain = GROUPS[type][name].filter(lambda text: not set(text) & set("\\ ,$"))
    yield plain.map(lambda text: Compare(f"{name} eq {text}", (name, text)))
    yield plain.map(lambda text: Compare(f"{name} ne {text}", (name, text), unequal=True))
    if f"{name}:in" in GROUPS[type]:
        urls = st.sampled_from(samples.SETS)
        yield urls.map(lambda url: Compare(f"{name} in {url}", (f"{name}:in", url)))
        yield urls.map(lambda url: Compare(f"{name} ni {url}", (f"{name}:not-in", url)))
        yield _TREE.map(lambda text: Compare(f"{name} ss {text}", (f"{name}:below", text)))
        yield _TREE.map(lambda text: Compare(f"{name} sb {text}", (f"{name}:above", text)))


def _filter_strings(name: str) -> Iterator[st.SearchStrategy[Tree]]:
    plain = st.sampled_from(samples.NAMES)
    modifiers = {"eq": "whole", "co": "contains", "sw": "", "ew": "ends-with", "gt": "gt", "lt": "lt", "ge": "ge", "le": "le"}
    yield plain.map(lambda text: Compare(f"{name} ne {_quoted(text)}", (f"{name}:whole", escaped(text)), unequal=True))
    for operator, modifier in modifiers.items():
        yield plain.map(
            lambda text, operator=operator, modifier=modifier: Compare(
                f"{name} {operator} {_quoted(text)}", (f"{name}:{modifier}".rstrip(":"), escaped(text))
            )
        )


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _trees(type: str) -> st.SearchStrategy[Tree]:
    return st.recursive(
        _filter_test(type),
        lambda parts: st.one_of(st.builds(Both, parts, parts), st.builds(Either, parts, parts), st.builds(Negated, parts)),
        max_leaves=4,
    )


_FILTERS = {type: _trees(type).map(Filter) for type in TYPES}
_LISTS = st.sampled_from(ids("List")).map(lambda id: ("_list", id))
_SORTED = ("string", "token", "code", "date")


def _clause(type: str) -> st.SearchStrategy[Clause]:
    return _pick(
        _SINGLE[type],
        _SINGLE[type],
        _either(type),
        _chained(type, 1),
        _named(type, 3),
        _named(type, 2),
        _FILTERS[type],
        _FILTERS[type],
        _LISTS,
    )


def _sorts(type: str) -> st.SearchStrategy[tuple[Sort, ...]]:
    names = [name for name, (kind, _) in VALUES[type].items() if kind in _SORTED and name not in ("_tag", "_security")]
    keys = st.lists(st.tuples(st.sampled_from(names), st.booleans()), max_size=3, unique_by=lambda one: one[0])
    return keys.map(tuple)


def _includes(type: str) -> st.SearchStrategy[tuple[Include, ...]]:
    """Mostly what starts at the matches, now and then what can only be reached by iterating."""
    direct, further = [("_include", f"{type}:*")], []
    for source, names in REFERS.items():
        for name, targets in names.items():
            texts = [f"{source}:{name}", *(f"{source}:{name}:{target}" for target in targets)]
            further += [(f"{kind}:iterate", text) for kind in ("_include", "_revinclude") for text in texts]
            if source == type:
                direct += [("_include", text) for text in texts]
            if type in targets:
                direct += [("_revinclude", text) for text in (f"{source}:{name}", f"{source}:{name}:{type}")]
    forms = _pick(st.sampled_from(direct), st.sampled_from(direct), st.sampled_from(further))
    return st.lists(forms, min_size=1, max_size=3, unique=True).map(tuple)


def _question(type: str) -> st.SearchStrategy[Question]:
    return st.builds(
        Question,
        st.just(type),
        st.lists(_clause(type), max_size=3).map(tuple),
        _sorts(type),
        _pick(st.just(()), st.just(()), _includes(type)),
    )


def _compartment(kind: str, type: str) -> st.SearchStrategy[Question]:
    place = st.sampled_from(ids(kind)).map(lambda id: (kind, id))
    return st.builds(
        lambda clauses, sort, place: Question(type, clauses, sort, compartment=place),
        st.lists(_clause(type), max_size=1).map(tuple),
        _sorts(type),
        place,
    )


def _across() -> st.SearchStrategy[Question]:
    """Several types at once: by what all of them have."""
    types = st.lists(st.sampled_from(TYPES), min_size=1, max_size=3, unique=True)

    def asked(named: list[str]) -> st.SearchStrategy[Question]:
        shared = set.intersection(*({name for name in GROUPS[type] if name.split(":")[0] != "_id"} for type in named))
        groups = [st.tuples(st.just(name), GROUPS[named[0]][name]) for name in sorted(shared)]
        clauses = st.lists(st.one_of(groups), max_size=2).map(tuple)
        return st.builds(lambda some: Question(None, some, types=tuple(named)), clauses)

    return types.flatmap(asked)


def questions() -> st.SearchStrategy[Question]:
    """Up to three clauses, three sort keys and two includes; in a compartment; across types."""
    within = [_compartment(kind, type) for kind, types in COMPARTMENTS.items() for type in types]
    plain = [_question(type) for type in TYPES]
    return _pick(*plain, *plain, _question("Observation"), *([_pick(*within)] * 4), *([_across()] * 3))


def covering(number: int) -> list[Question]:
    """Every parameter of every type with every modifier, each with one of its texts: the same for the same number."""
    groups = [(type, name, texts) for type, groups in GROUPS.items() for name, texts in groups.items()]
    found: list[list[str]] = []

    @seed(number)
    @settings(max_examples=3, database=None, phases=[Phase.generate], deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.tuples(*(texts for _, _, texts in groups)))
    def draw(texts: tuple[str, ...]) -> None:
        found.append(list(texts))

    draw()
    return [Question(type, ((name, text),)) for (type, name, _), text in zip(groups, found[-1], strict=True)]
