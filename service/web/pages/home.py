"""The home page: the questions that people come with, as links and forms of plain FHIR searches."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from service.web.pages import summary
from service.web.pages.site import Site

CONTROLLED = "http://terminology.hl7.org/CodeSystem/v3-ActCode|CTLSUB"
"""The tag of controlled substances."""

Pairs = tuple[tuple[str, str], ...]

_VISITS: Pairs = (("_include", "Encounter:subject"),)
_DOSES: Pairs = (("_include", "MedicationAdministration:medication"), ("_include", "MedicationAdministration:subject"))
_EVENTS: Pairs = (("_include", "AdverseEvent:subject"),)
_OBSERVED: Pairs = (("_include", "Observation:subject"),)


@dataclass(frozen=True, slots=True)
class Example:
    """One search: what it answers, and the link to it."""

    words: str
    link: str
    query: str
    type: str


@dataclass(frozen=True, slots=True)
class Form:
    """One search with a blank: `parameter` takes what is typed, `fixed` goes along with it."""

    words: str
    type: str
    parameter: str
    kind: str
    value: str
    fixed: Pairs


def examples(site: Site, today: date) -> list[Example]:
    """The searches of a clinic day, of an auditor and of a program that pulls, dated `today` in the clinic's zone."""
    since = f"ge{today - timedelta(days=30)}"
    return [
        _example(site, "The latest visits", "Encounter", ("_sort", "-date"), *_VISITS),
        _example(site, "The latest infusions and doses", "MedicationAdministration", ("_sort", "-effective-time"), *_DOSES),
        _example(site, "The latest adverse events", "AdverseEvent", ("_sort", "-date"), *_EVENTS),
        _example(
            site,
            "Controlled substances given in the last 30 days",
            "MedicationAdministration",
            *(("_tag", CONTROLLED), ("effective-time", since), *_DOSES),
        ),
        _example(
            site, "Blood pressures, latest first", "Observation", ("code", "http://loinc.org|85354-9"), ("_sort", "-date"), *_OBSERVED
        ),
    ]


def latest_visit(today: date) -> list[tuple[str, str]]:
    """The search in Encounter for the latest visit until `today`."""
    return [("date", f"le{today}"), ("_sort", "-date"), ("_count", "1")]


def day_of(encounter: str, site: Site) -> str:
    """The day on which the visit with the JSON `encounter` began, in the clinic's zone."""
    return summary.when(json.loads(encounter, parse_float=str, parse_int=str), site)[:10]


def forms(day: str) -> list[Form]:
    """The searches that ask for one word or one day; `day` is what they propose."""
    return [
        Form("Visits on the day", "Encounter", "date", "date", day, _VISITS),
        Form("Infusions and doses on the day", "MedicationAdministration", "effective-time", "date", day, _DOSES),
        Form("Adverse events on the day", "AdverseEvent", "date", "date", day, _EVENTS),
        Form("Patients by name", "Patient", "name", "search", "", ()),
        Form("What was given from a vial, by lot number", "MedicationAdministration", "medication.lot-number", "search", "", _DOSES),
    ]


def types(site: Site, names: Iterable[str]) -> list[tuple[str, str]]:
    """Every served resource type with the link to its resources."""
    return [(name, f"{site.base}/{name}") for name in sorted(names)]


def _example(site: Site, words: str, type_name: str, *query: tuple[str, str]) -> Example:
    asked = f"{type_name}?{urlencode(query, safe=':|/,')}"
    return Example(words, f"{site.base}/{asked}", asked, type_name)
