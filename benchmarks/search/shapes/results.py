"""Sorts, counts and deep pages over results that grow with the record."""

from typing import Any

from benchmarks.search.asking import Ask
from benchmarks.search.dataset.clinic import STAFF
from benchmarks.search.dataset.identity import Name
from benchmarks.search.dataset.people import family, gender
from benchmarks.search.expected import any_of, counted, page
from benchmarks.search.shapes.parameters import folded
from benchmarks.search.shapes.shape import HEART_RATE, PAGE, Shape, search
from benchmarks.search.world import World, dose, encounter, observed, shared_id

_DEEP, _DEEP_PAGE = 39, 20


def _newest(world: World, _draw: int) -> Ask:
    at = _heart_times(world)
    return search("Observation", page(at, PAGE, True), ("code", HEART_RATE), ("_sort", "-date"), ("_count", str(PAGE)))


def _deep(world: World, _draw: int) -> Ask:
    check = page(_heart_times(world), _DEEP_PAGE, True, _DEEP * _DEEP_PAGE)
    return search("Observation", check, ("code", HEART_RATE), ("_sort", "-date"), ("_count", str(_DEEP_PAGE)))


def _deep_unsorted(world: World, _draw: int) -> Ask:
    names = map(observed, world.heart_rates)
    return search("Observation", any_of(names, _DEEP_PAGE), ("code", HEART_RATE), ("_count", str(_DEEP_PAGE)))


def _heart_times(world: World) -> dict[Name, Any]:
    return {observed(one): one.at for one in world.heart_rates}


def _oldest(world: World, _draw: int) -> Ask:
    begun = {encounter(one): one.start for one in world.clinic.visits if one.status == "finished"}
    return search("Encounter", page(begun, PAGE), ("status", "finished"), ("_sort", "date"), ("_count", str(PAGE)))


def _by_family(world: World, _draw: int) -> Ask:
    names = {("Patient", number): folded(family(number)) for number in range(world.clinic.patients)}
    return search("Patient", page(names, PAGE), ("_sort", "family"), ("_count", str(PAGE)))


def _women_by_family(world: World, _draw: int) -> Ask:
    names = {("Patient", number): folded(family(number)) for number in range(world.clinic.patients) if gender(number) == "female"}
    return search("Patient", page(names, PAGE), ("gender", "female"), ("_sort", "family"), ("_count", str(PAGE)))


def _patients_of_physician(world: World, draw: int) -> Ask:
    number = world.visit(draw).site * STAFF + STAFF - 1
    known = {visits[0].patient for visits in world.clinic.of_patient if visits[0].site * STAFF + STAFF - 1 == number}
    names = {("Patient", one): folded(family(one)) for one in known}
    who = f"Practitioner/{shared_id('Practitioner', number)}"
    return search("Patient", page(names, PAGE), ("general-practitioner", who), ("_sort", "family"), ("_count", str(PAGE)))


def _by_status(world: World, _draw: int) -> Ask:
    statuses = {dose(one): one.given for one in world.clinic.visits}
    return search("MedicationAdministration", page(statuses, PAGE), ("_sort", "status"), ("_count", str(PAGE)))


def _highest(world: World, _draw: int) -> Ask:
    values = {observed(one): -1 if one.value is None else one.value for one in world.heart_rates}
    pairs = (("code", HEART_RATE), ("_sort", "-value-quantity"), ("_count", str(PAGE)))
    return search("Observation", page(values, PAGE, True), *pairs)


def _count_of_code(world: World, _draw: int) -> Ask:
    return search("Observation", counted(len(world.heart_rates)), ("code", HEART_RATE), ("_summary", "count"))


SHAPES = (
    Shape("newest-of-code", _newest, same=True),
    Shape("page-40-of-newest", _deep, same=True, pages=_DEEP),
    Shape("page-40-of-code", _deep_unsorted, same=True, pages=_DEEP),
    Shape("oldest-encounters", _oldest, same=True),
    Shape("patients-by-family", _by_family, same=True),
    Shape("women-by-family", _women_by_family, same=True),
    Shape("patients-of-physician-by-family", _patients_of_physician),
    Shape("doses-by-status", _by_status, same=True),
    Shape("highest-heart-rates", _highest, same=True),
    Shape("count-of-code", _count_of_code, same=True, bounded=False),
)
