"""Every kind of parameter where nothing else narrows the search: the matches grow with the record, the page does not."""

import unicodedata

from benchmarks.search.asking import Ask
from benchmarks.search.dataset.clinic import DAY
from benchmarks.search.dataset.elements import LOINC, UCUM, instant
from benchmarks.search.dataset.people import family, probability
from benchmarks.search.dataset.premises import questionnaire_url
from benchmarks.search.dataset.readings import readings
from benchmarks.search.expected import any_of, exactly
from benchmarks.search.shapes.shape import HEART_RATE, PAGE, Shape, search
from benchmarks.search.world import World, dose, encounter, observed

_FAST, _CRITICAL = 119, 180


def folded(text: str) -> str:
    """`text` without accents and case."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(character for character in plain if not unicodedata.combining(character))


def _patients(world: World, keep) -> list[tuple[str, int]]:  # type: ignore[no-untyped-def]
    return [("Patient", number) for number in range(world.clinic.patients) if keep(folded(family(number)))]


def _family(world: World, draw: int) -> Ask:
    name = folded(family(world.patient(draw)[0].patient))
    return search("Patient", any_of(_patients(world, lambda one: one.startswith(name)), PAGE), ("family", name))


def _family_beginning(world: World, draw: int) -> Ask:
    name = family(world.patient(draw)[0].patient)[:2]
    found = _patients(world, lambda one: one.startswith(folded(name)))
    return search("Patient", any_of(found, 10), ("family", name), ("_count", "10"))


def _family_containing(world: World, draw: int) -> Ask:
    name = folded(family(world.patient(draw)[0].patient))[-5:]
    return search("Patient", any_of(_patients(world, lambda one: name in one), 20), ("family:contains", name), ("_count", "20"))


def _code(world: World, _draw: int) -> Ask:
    return search("Observation", any_of(map(observed, world.heart_rates), PAGE), ("code", HEART_RATE), ("_count", str(PAGE)))


def _not_completed(world: World, _draw: int) -> Ask:
    found = [dose(one) for one in world.clinic.visits if one.given != "completed"]
    return search("MedicationAdministration", any_of(found, PAGE), ("status:not", "completed"), ("_count", str(PAGE)))


def _days(world: World, draw: int) -> Ask:
    begin = world.day(draw) + 10 * 3600
    end = begin + 5 * DAY
    found = [one for visit in world.between(begin - 6000, end) for one in readings(visit) if begin <= one.at < end]
    pairs = (("date", f"ge{instant(begin)}"), ("date", f"lt{instant(end)}"), ("_count", str(PAGE)))
    return search("Observation", any_of(map(observed, found), PAGE), *pairs)


def _number(world: World, _draw: int) -> Ask:
    found = [("RiskAssessment", number) for number in range(world.clinic.patients) if probability(number) > 970]
    return search("RiskAssessment", any_of(found, 20), ("probability", "gt0.9705"), ("_count", "20"))


def _quantity(world: World, _draw: int) -> Ask:
    found = [observed(one) for one in world.heart_rates if one.value is not None and one.value > _FAST]
    pairs = (("code", HEART_RATE), ("value-quantity", f"gt{_FAST}.5|{UCUM}|/min"), ("_count", str(PAGE)))
    return search("Observation", any_of(found, PAGE), *pairs)


def _uri(world: World, draw: int) -> Ask:
    site = world.visit(draw).site
    return search("Questionnaire", exactly([("Questionnaire", site)]), ("url", questionnaire_url(site)))


def _composite(world: World, _draw: int) -> Ask:
    found = [observed(one) for one in world.pressures if one.value is not None and one.value >= _CRITICAL]
    pairs = (("combo-code-value-quantity", f"{LOINC}|8480-6$ge{_CRITICAL - 1}.5|{UCUM}|mm[Hg]"), ("_count", str(PAGE)))
    return search("Observation", any_of(found, PAGE), *pairs)


def _without_date(world: World, _draw: int) -> Ask:
    found = [encounter(one) for one in world.clinic.visits if one.status == "planned"]
    return search("Encounter", any_of(found, PAGE), ("date:missing", "true"), ("_count", str(PAGE)))


SHAPES = (
    Shape("family", _family),
    Shape("family-beginning", _family_beginning),
    Shape("family-containing", _family_containing, bounded=False),
    Shape("code", _code, same=True),
    Shape("status-not", _not_completed, same=True),
    Shape("observations-of-days", _days),
    Shape("probability", _number, same=True),
    Shape("fast-hearts", _quantity, same=True),
    Shape("questionnaire-by-url", _uri),
    Shape("critical-pressures", _composite, same=True),
    Shape("date-missing", _without_date, same=True),
)
