"""A naive search: plain Python over plain resources, slow and obvious. It shares nothing with the service.

Dates are half-open ranges of datetimes here (the service has closed ranges of integers), values are found by hand-written
accessors, and every resource is tested against every clause.
"""

import operator
import unicodedata
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("America/New_York")
BASE = "http://clinic.example/fhir"
FIRST, LAST = datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 29, tzinfo=UTC)
STATUS_SYSTEMS = {
    "Observation": "http://hl7.org/fhir/observation-status",
    "Encounter": "http://hl7.org/fhir/encounter-status",
    "Patient": "http://hl7.org/fhir/administrative-gender",
}

Json = Any
Range = tuple[datetime, datetime]
Clause = tuple[str, str | None, str]
"""(parameter, modifier, text)"""


def moment(text: str) -> Range:
    """The half-open range that a partial date covers."""
    if "T" in text:
        day, _, clock = text.partition("T")
        stated = clock.endswith("Z") or "+" in clock or "-" in clock
        bare = clock.removesuffix("Z").split("+")[0].split("-")[0]
        width = timedelta(minutes=1) if bare.count(":") == 1 else timedelta(seconds=1)
        if "." in bare:
            width = timedelta(milliseconds=1)
        start = datetime.fromisoformat(f"{day}T{bare}{clock[len(bare) :].replace('Z', '+00:00')}")
        start = (start if stated else start.replace(tzinfo=ZONE)).astimezone(UTC)
        return start, start + width
    numbers = [int(part) for part in text.split("-")]
    year, month, day = (*numbers, 1, 1)[:3]
    following = {1: (year + 1, 1, 1), 2: (year + month // 12, month % 12 + 1, 1)}.get(len(numbers))
    start = datetime(year, month, day, tzinfo=ZONE)
    end = datetime(*following, tzinfo=ZONE) if following else start + timedelta(days=1)
    return start.astimezone(UTC), end.astimezone(UTC)


def period(value: Json) -> Range:
    """A Period; what it leaves open has no end."""
    return (moment(value["start"])[0] if "start" in value else FIRST, moment(value["end"])[1] if "end" in value else LAST)


def dates(resource: Json, name: str) -> list[Range]:
    """The dates of a choice element `name`."""
    found = [moment(resource[key]) for key in (name, f"{name}DateTime", f"{name}Instant") if isinstance(resource.get(key), str)]
    return found + [period(resource[key]) for key in (name, f"{name}Period") if isinstance(resource.get(key), dict)]


def codings(*concepts: Json) -> list[tuple[str, str]]:
    """(system, code) of CodeableConcepts."""
    return [(one.get("system", ""), one["code"]) for concept in concepts if concept for one in concept["coding"]]


def quantities(*holders: Json) -> list[Json]:
    """The valueQuantity of each that has one."""
    return [holder["valueQuantity"] for holder in holders if "valueQuantity" in holder]


def folded(text: str) -> str:
    """Without case and accents."""
    plain = unicodedata.normalize("NFD", text.casefold())
    return "".join(one for one in plain if unicodedata.category(one) != "Mn")


def names(resource: Json) -> list[str]:
    """Every part of every name."""
    return [part for name in resource.get("name", ()) for part in (name["family"], *name["given"])]


def coded(resource: Json, name: str) -> list[tuple[str, str]]:
    """A code element with the system of its value set."""
    return [(STATUS_SYSTEMS[resource["resourceType"]], resource[name])] if name in resource else []


VALUES: dict[tuple[str, str], tuple[str, Callable[[Json], list[Any]]]] = {
    ("Patient", "name"): ("string", names),
    ("Patient", "family"): ("string", lambda one: [name["family"] for name in one.get("name", ())]),
    ("Patient", "gender"): ("code", lambda one: coded(one, "gender")),
    ("Patient", "birthdate"): ("date", lambda one: dates(one, "birthDate")),
    ("Patient", "identifier"): ("token", lambda one: [(id.get("system", ""), id["value"]) for id in one.get("identifier", ())]),
    ("Encounter", "date"): ("date", lambda one: dates(one, "period")),
    ("Encounter", "status"): ("code", lambda one: coded(one, "status")),
    ("Encounter", "patient"): ("reference", lambda one: _references(one, "subject", "Patient")),
    ("Encounter", "subject"): ("reference", lambda one: _references(one, "subject")),
    ("Observation", "date"): ("date", lambda one: dates(one, "effective")),
    ("Observation", "status"): ("code", lambda one: coded(one, "status")),
    ("Observation", "code"): ("token", lambda one: codings(one["code"])),
    ("Observation", "combo-code"): ("token", lambda one: codings(one["code"], *(part["code"] for part in one.get("component", ())))),
    ("Observation", "value-quantity"): ("quantity", quantities),
    ("Observation", "combo-value-quantity"): ("quantity", lambda one: quantities(one, *one.get("component", ()))),
    ("Observation", "patient"): ("reference", lambda one: _references(one, "subject", "Patient")),
    ("Observation", "encounter"): ("reference", lambda one: _references(one, "encounter")),
    ("Observation", "_tag"): ("token", lambda one: codings({"coding": one.get("meta", {}).get("tag", [])})),
    ("Observation", "_profile"): ("uri", lambda one: one.get("meta", {}).get("profile", [])),
}


def _references(resource: Json, name: str, type: str | None = None) -> list[str]:
    literal = resource.get(name, {}).get("reference", "").removeprefix(BASE + "/")
    return [literal] if literal and (type is None or literal.startswith(type + "/")) else []


def split(text: str, separator: str) -> list[str]:
    """Parts between unescaped separators, unescaped."""
    parts = [""]
    characters = iter(text)
    for one in characters:
        if one == "\\":
            parts[-1] += next(characters)
        elif one == separator:
            parts.append("")
        else:
            parts[-1] += one
    return parts


def by_date(found: Range, text: str) -> bool:
    """All nine prefixes on half-open ranges."""
    prefix, text = (text[:2], text[2:]) if text[:2].isalpha() else ("eq", text)
    (start, end), (first, after) = found, moment(text)
    inside = first <= start and end <= after
    return {
        "eq": inside,
        "ne": not inside,
        "gt": end > after,
        "lt": start < first,
        "ge": end > first,
        "le": start < after,
        "sa": start >= after,
        "eb": end <= first,
    }[prefix]


def by_quantity(found: Json, text: str) -> bool:
    """Number, system and code; a comparator makes a half-line."""
    number, *unit = split(text, "|")
    prefix, number = (number[:2], number[2:]) if number[:2].isalpha() else ("eq", number)
    if unit and unit[0] and unit[0] != found.get("system"):
        return False
    if unit and unit[1] != found.get("code") and (unit[0] or unit[1] != found.get("unit")):
        return False
    at, value = Decimal(number), Decimal(str(found["value"]))
    if found.get("comparator") == "<":
        return {"eq": False, "ne": True, "gt": value > at, "lt": True, "ge": value > at, "le": True, "sa": False, "eb": value <= at}[prefix]
    half = Decimal(5) * Decimal(10) ** (at.as_tuple().exponent - 1)  # type: ignore[operator]
    near = at - half <= value < at + half
    exact = {"gt": operator.gt, "lt": operator.lt, "ge": operator.ge, "le": operator.le, "sa": operator.gt, "eb": operator.lt}
    return near if prefix == "eq" else not near if prefix == "ne" else exact[prefix](value, at)


def by_token(found: tuple[str, str], text: str, implied: bool = False) -> bool:
    """The four forms."""
    parts = split(text, "|")
    if len(parts) == 1:
        return found[1] == parts[0]
    if implied and parts[0] == "":
        return found[1] == parts[1]
    return found[0] == parts[0] and parts[1] in ("", found[1])


def by_string(found: str, text: str, modifier: str | None) -> bool:
    """Beginning, :exact and :contains."""
    if modifier == "exact":
        return found == text
    return folded(text) in folded(found) if modifier == "contains" else folded(found).startswith(folded(text))


def by_reference(found: str, text: str) -> bool:
    """By id, Type/id and own URL."""
    text = text.removeprefix(BASE + "/")
    return found == text or (found.count("/") == 1 and found.split("/")[1] == text)


def holds(everything: Iterable[Json], resource: Json, clause: Clause) -> bool:
    """Whether the resource satisfies the clause."""
    name, modifier, text = clause
    if "." in name:
        outer, inner = name.split(".", 1)
        ends = {f"{one['resourceType']}/{one['id']}" for one in everything if _ends(everything, one, (inner, modifier, text))}
        return bool(ends & set(VALUES[resource["resourceType"], outer][1](resource)))
    if name == "_id":
        return resource["id"] in text.split(",")
    kind, values = VALUES[resource["resourceType"], name]
    found = values(resource)
    if modifier == "missing":
        return (not found) == (text == "true")
    tests: dict[str, Callable[[Any, str], bool]] = {
        "date": by_date,
        "quantity": by_quantity,
        "token": by_token,
        "code": lambda one, asked: by_token(one, asked, implied=True),
        "reference": by_reference,
        "string": lambda one, asked: by_string(one, split(asked, "|")[0] if "\\" in asked else asked, modifier),
        "uri": lambda one, asked: asked in (one, one.split("|")[0]),
    }
    matches = any(tests[kind](one, asked) for one in found for asked in _values(text))
    return not matches if modifier == "not" else matches


def _ends(everything: Iterable[Json], resource: Json, clause: Clause) -> bool:
    return (resource["resourceType"], clause[0]) in VALUES and holds(everything, resource, clause)


def _values(text: str) -> list[str]:
    """Parts between unescaped commas, still escaped."""
    parts = [""]
    characters = iter(text)
    for one in characters:
        if one == "\\":
            parts[-1] += one + next(characters)
        elif one == ",":
            parts.append("")
        else:
            parts[-1] += one
    return parts


def search(everything: list[Json], type: str, clauses: Iterable[Clause]) -> set[str]:
    """The ids of the matches."""
    listed = list(clauses)
    return {one["id"] for one in everything if one["resourceType"] == type and all(holds(everything, one, clause) for clause in listed)}


def sort_key(resource: Json, name: str, descending: bool) -> Any:
    """What the resource sorts by: (missing, value); None for a parameter that it has no value of."""
    if name == "_id":
        return resource["id"]
    kind, values = VALUES[resource["resourceType"], name]
    found = values(resource)
    if not found:
        return None
    plain = [_plain(kind, one) for one in found]
    return max(plain) if descending else min(plain)


def _plain(kind: str, value: Any) -> Any:
    if kind == "date":
        return value[0]
    if kind in ("token", "code"):
        return value[1]
    return folded(value) if kind == "string" else value
