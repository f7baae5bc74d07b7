"""Hostile values: each is refused with a reason or finds exactly what holds it, in every parameter of every type.

Some resources hold the hostile texts themselves; who else finds them is told by the oracle of `tests.properties`. In `make test` a fixed
part of the pairs is asked, nightly all of them.
"""

import re
from collections.abc import Iterator
from itertools import count, product
from typing import Any
from urllib.parse import quote

import pytest

from service.errors import BadRequest
from service.search.type_plan import WITHOUT_ROWS
from service.search.types.protocol import Rows
from tests.faults.hostile import TEXTS
from tests.properties import search_oracle as oracle
from tests.properties.search_matching import folded
from tests.properties.search_oracle import Question
from tests.properties.search_questions import escaped
from tests.search.clinic import Clinic
from tests.search.conftest import REGISTRY
from tests.server import Live

VALUES = (
    *TEXTS,
    ":v0",
    ":at0",
    "%(v0)s",
    "%s",
    "$1",
    "?1",
    "@p0",
    "\ud800",
    "a\udfff",
    "\u200fabc\u2066",
    "\u0338",
    "ﬁ",
    "Å",
    "A\u030a",
    "ẞ",
    "a/b",
    "a//b%",
    "a\\%b",
    "a_b",
    "axb",
    "abc\U0010ffff",
    "|\\|",
    "\\\\\\",
    "(((((((((((a?){30}){30}){30}",
    '" or pr true or "',
    "[0-9]*",
    "x' || pg_sleep(10) || '",
    "1 UNION SELECT NULL--",
    "xmlns:x='a'",
    '{"$gt": ""}',
    "{% raw %}",
    "<%= 1 %>",
    "ge1e-999",
    "lt-9e999|a|b",
    "1e40000000",
    "5.4||%",
    "http://a.example/%2e%2e/",
    "http://a.example/a",
    "http://a.example/a/b",
)
ONE_IN = 7
"""Which part of the questions about the holders is asked in `make test`."""
ONE_IN_ALL = 307
"""Which part of all values in all parameters is asked in `make test`."""
ASKED: dict[str, tuple[tuple[str, str], ...]] = {
    "Patient": (
        *((f"family{modifier}", "{}") for modifier in ("", ":exact", ":contains")),
        ("address-city", "{}"),
        *(("identifier", form) for form in ("{}", "{}|{}", "|{}", "{}|")),
        ("identifier:not", "{}|{}"),
        ("identifier:text", "{}"),
        ("identifier:of-type", "{}|{}|{}"),
        ("telecom", "{}"),
        ("general-practitioner:identifier", "{}|{}"),
    ),
    "Observation": (
        *(("code", form) for form in ("{}", "{}|{}", "{}|")),
        ("code:text", "{}"),
        ("code:not", "{}"),
        ("value-quantity", "1||{}"),
        ("value-quantity", "1|{}|{}"),
        ("code-value-quantity", "{}|{}$1||{}"),
        ("value-string", "{}"),
        ("subject", "http://elsewhere/{}"),
        ("patient.family", "{}"),
        ("_tag", "{}|{}"),
        ("_profile", "{}"),
    ),
    "ValueSet": (*(("url" + modifier, "{}") for modifier in ("", ":below", ":above")), ("version", "{}"), ("name:contains", "{}")),
}
"""What is asked of the holders, with the escaped text in the places of `{}`."""


def _storable(text: str) -> bool:
    return bool(folded(text)) and "\x00" not in text and not any("\ud800" <= one <= "\udfff" for one in text)


def _holders(texts: list[str]) -> Iterator[Any]:
    """Three resources for every text, which hold it wherever a parameter looks."""
    for number, text in enumerate(texts):
        identifier = {"system": text, "value": text, "type": {"text": text, "coding": [{"system": text, "code": text}]}}
        yield {
            "resourceType": "Patient",
            "id": f"p{number}",
            "name": [{"family": text}],
            "address": [{"city": text}],
            "identifier": [identifier],
            "telecom": [{"system": "phone", "value": text}],
            "generalPractitioner": [{"identifier": identifier}],
        }
        yield {
            "resourceType": "Observation",
            "id": f"o{number}",
            "meta": {"tag": [{"system": text, "code": text}], "profile": [text]},
            "status": "final",
            "code": {"coding": [{"system": text, "code": text, "display": text}]},
            "subject": {"reference": f"http://elsewhere/{text}"} if number % 2 else {"reference": f"Patient/p{number}"},
            **({"valueString": text} if number % 2 else {"valueQuantity": {"value": "1", "unit": text, "system": text, "code": text}}),
        }
        yield {"resourceType": "ValueSet", "id": f"v{number}", "url": text, "version": text, "name": text, "status": "active"}


def _questions() -> Iterator[tuple[str, str, str, str]]:
    for type, forms in ASKED.items():
        for name, form in forms:
            for text in VALUES:
                yield type, name, text, form.replace("{}", escaped(text))


def _refused(clinic: Clinic, type: str, name: str, text: str) -> list[str] | None:
    """The ids of the matches; None when the value was refused, with a reason."""
    try:
        page = clinic.page(type, [(name, text), ("_count", "1000")])
    except BadRequest as error:
        return _reasoned(error, (type, name, text))
    return [one.id for one in page.matches]


def _reasoned(error: BadRequest, asked: tuple[str, str, str]) -> None:
    assert all(0 < len(issue.diagnostics) < 4000 for issue in error.issues), asked


def _require_exact(clinic: Clinic, part: int, one_in: int) -> None:
    holders = list(_holders([text for text in dict.fromkeys(VALUES) if _storable(text)]))
    clinic.put(*holders)
    refusals = 0
    for number, (type, name, text, asked) in enumerate(_questions()):
        if number % one_in != part:
            continue
        found = _refused(clinic, type, name, asked)
        if found is None:
            refusals += 1
            assert _is_meaningless(name, text) or not _storable(text), (type, name, asked)
        else:
            wanted = {one["id"] for one in oracle.search(holders, Question(type, ((name, asked),)))}
            assert set(found) == wanted, (type, name, asked)
    assert refusals


def _is_meaningless(name: str, text: str) -> bool:
    """What is refused although it can be stored: paths of what is no URL, and texts longer than the index can compare."""
    pathless = name in ("url:below", "url:above") and not re.match("[A-Za-z][A-Za-z0-9+.-]*://[^/]", text)
    return pathless or len(folded(text)) > (200 if name.endswith(":text") else 2000)


@pytest.mark.parametrize("part", [0])
def test_a_hostile_text_finds_exactly_what_holds_it(clinic: Clinic, part: int) -> None:
    _require_exact(clinic, part, ONE_IN)


@pytest.mark.nightly
@pytest.mark.parametrize("part", range(ONE_IN))
def test_every_hostile_text_finds_exactly_what_holds_it(clinic: Clinic, part: int) -> None:
    _require_exact(clinic, part, ONE_IN)


_CHUNKS = 6
_TYPES = sorted(REGISTRY.definitions.types)


def _keys(rows: Rows) -> set[int]:
    """The parameters that have a value."""
    return {row[0] for name in Rows.__slots__ if name != "literals" for row in getattr(rows, name)}


def _require_nothing(clinic: Clinic, types: list[str], one_in: int) -> None:
    """A resource without elements is found by no value, unless it is asked for what it is not."""
    turn = count()
    for type in types:
        bare = {"resourceType": type, "id": "one"}
        clinic.put(bare)
        held = _keys(REGISTRY.extract(type, bare, 0).rows)
        for code, parameter in REGISTRY.for_type(type).items():
            if code in WITHOUT_ROWS or not parameter.keys or held & set(parameter.keys):
                continue
            for text in VALUES:
                number = next(turn) % (one_in * 2)
                modifier = {0: "", one_in: ":not"}.get(number if parameter.kind == "token" else number % one_in)
                if modifier is not None:
                    found = _refused(clinic, type, code + modifier, text)
                    assert found in (None, ["one"] if modifier else []), (type, code, modifier, text)


@pytest.mark.parametrize("chunk", range(2))
def test_a_hostile_value_in_any_parameter_finds_nothing(clinic: Clinic, chunk: int) -> None:
    _require_nothing(clinic, _TYPES[chunk::2], ONE_IN_ALL)


@pytest.mark.nightly
@pytest.mark.parametrize("chunk", range(_CHUNKS))
def test_every_hostile_value_in_every_parameter_finds_nothing(clinic: Clinic, chunk: int) -> None:
    _require_nothing(clinic, _TYPES[chunk::_CHUNKS], 1)


NAMES = (
    "family:exact'--",
    "family:exact; DROP TABLE resource",
    "family:%00",
    "family:",
    "family:exact:exact",
    "family.name",
    "family[0]",
    ".",
    ":",
    "..",
    "_has",
    "_has:",
    "_has:::",
    "_has:Observation:patient",
    "_has:Observation:patient:",
    "_has:Observation:code:code",
    "_has:Shoe:patient:code",
    "_has:Observation:patient:_has:Observation:patient:code:not-there",
    "organization.",
    "organization..name",
    "organization:Patient.name",
    "organization:Organization.partof.partof.partof.partof.partof.partof.partof.partof.name" * 20,
    "__proto__",
    "constructor",
    "%(v0)s",
    ":v0",
    "\u202efamily",
    "fаmily",
    "FAMILY",
    " family",
    "x" * 5000,
    "name\n",
    "_filter:exact",
    "_list:missing",
    "_sort:missing",
    "_count:not",
    "_type:not",
    "_id:exact",
    "_lastUpdated:not",
)


def test_a_hostile_name_is_refused(clinic: Clinic) -> None:
    assert {name: _refused(clinic, "Patient", name, "a") for name in NAMES} == dict.fromkeys(NAMES)


SENT = ("'", "%", "%%", "\x00", "\\", "a|b|c", "$1", "%(v0)s", "\u202e", "😀", "x" * 3000, "1e999999999", "ge", "../x", "\r\nX: y")
RAW = ("%", "%zz", "%00", "%ff%fe", "%c0%af", "%ed%a0%80", "%u0041", "+", "%2b", "a=b=c", "%26", "%23", "'%20OR%201=1--")


PLACES = ("Patient?family", "Observation?code", "Observation?value-quantity", "Encounter?date", "Patient?_filter")


def test_over_http_hostile_values_are_answered_or_refused(live_server: Live) -> None:
    values = (*(quote(text, safe="") for text in SENT), *RAW)
    for parameter, value in product(PLACES, values):
        answer = live_server.send("GET", f"/{parameter}={value}")
        assert answer.status_code in (200, 400), (parameter, value, answer.text[:300])
        body = answer.json()
        assert body["resourceType"] == ("Bundle" if answer.status_code == 200 else "OperationOutcome")
        if answer.status_code == 200:
            assert not [entry for entry in body.get("entry", ()) if entry["search"]["mode"] == "match"]
