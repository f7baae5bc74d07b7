"""What an electronic health record asks: charts of patients, the day's list, and pulls of what is new."""

from benchmarks.search.asking import Ask
from benchmarks.search.dataset.charts import BEGINNING
from benchmarks.search.dataset.clinic import DAY, DAYS, FIRST_DAY
from benchmarks.search.dataset.elements import LOINC, SID, day, instant
from benchmarks.search.dataset.identity import uid
from benchmarks.search.dataset.people import mrn, registered
from benchmarks.search.dataset.readings import MOOD, readings
from benchmarks.search.expected import any_of, counted, exactly, holding, page, with_total
from benchmarks.search.shapes.shape import PAGE, Shape, search
from benchmarks.search.world import (
    World,
    all_readings,
    dose,
    encounter,
    encounter_id,
    kind_readings,
    observation_id,
    observed,
    patient_id,
)

_PULLED = 100
_VISITS_OF_A_PULL = 400
_DELAY = 20
_WEEKS = 35 * DAY


def _read(world: World, draw: int) -> Ask:
    reading = next(readings(world.visit(draw)))
    return Ask(("Observation", observation_id(reading)), (), exactly([observed(reading)]))


def _by_ids(world: World, draw: int) -> Ask:
    some = all_readings([world.visit(draw)])[:5]
    return search("Observation", exactly(map(observed, some)), ("_id", ",".join(map(observation_id, some))))


def _by_mrn(world: World, draw: int) -> Ask:
    number = world.patient(draw)[0].patient
    return search("Patient", exactly([("Patient", number)]), ("identifier", f"{SID}mrn|{mrn(number)}"))


def _encounters_of_patient(world: World, draw: int) -> Ask:
    visits = world.patient(draw)
    begun = {encounter(visit): visit.start if visit.status != "planned" else 0 for visit in visits}
    return search("Encounter", page(begun, PAGE, True), ("patient", f"Patient/{patient_id(visits[0])}"), ("_sort", "-date"))


def _finished_since(world: World, draw: int) -> Ask:
    visits = world.patient(draw)
    since = visits[len(visits) // 2].start // DAY * DAY
    found = [encounter(one) for one in visits if one.status == "finished" and one.start + 7200 >= since]
    pairs = (("patient", f"Patient/{patient_id(visits[0])}"), ("status", "finished"), ("date", f"ge{day(since)}"))
    return search("Encounter", exactly(found), *pairs)


def _encounters_of_weeks(world: World, draw: int) -> Ask:
    begin = world.day(draw)
    pairs = (("date", f"ge{day(begin)}"), ("date", f"lt{day(begin + _WEEKS)}"), ("_count", str(PAGE)))
    return search("Encounter", any_of(world.encounters_between(begin, begin + _WEEKS), PAGE), *pairs)


def _count_of_day(world: World, draw: int) -> Ask:
    begin = world.day(draw)
    pairs = (("date", f"ge{day(begin)}"), ("date", f"lt{day(begin + DAY)}"), ("_summary", "count"))
    return search("Encounter", counted(len(world.encounters_between(begin, begin + DAY))), *pairs)


def _pull(world: World, draw: int) -> Ask:
    since = world.day(draw) + 12 * 3600
    visits = world.between(since - 3 * 3600, FIRST_DAY + DAYS * DAY)[:_VISITS_OF_A_PULL]
    stamps = {observed(one): one.at for one in all_readings(visits) if one.at + _DELAY >= since}
    pairs = (("_lastUpdated", f"ge{instant(since)}"), ("_count", str(_PULLED)))
    return search("Observation", page(stamps, _PULLED), *pairs)


def _newest(world: World, _draw: int) -> Ask:
    stamps = {observed(one): one.at for one in all_readings(world.clinic.visits[-_VISITS_OF_A_PULL:])}
    return search("Observation", page(stamps, PAGE, True), ("_sort", "-_lastUpdated"), ("_count", str(PAGE)))


def _everything(world: World, draw: int) -> Ask:
    visits = world.patient(draw)
    names = [("Patient", visits[0].patient), *map(encounter, visits), *map(dose, visits), *map(observed, all_readings(visits))]
    return Ask(("Patient", patient_id(visits[0]), "$everything"), (("_count", "1000"),), holding(names))


def _chart_of_visit(world: World, draw: int) -> Ask:
    visit = world.visit(draw)
    return Ask(("Encounter", encounter_id(visit), "$everything"), (("_count", "1000"),), holding(map(observed, readings(visit))))


def _patient_compartment(world: World, draw: int) -> Ask:
    visits = world.patient(draw)
    found = exactly(map(observed, kind_readings(visits, MOOD)))
    return Ask(("Patient", patient_id(visits[0]), "Observation"), (("code", f"{LOINC}|44261-6"),), found)


def _encounter_compartment(world: World, draw: int) -> Ask:
    visit = world.visit(draw)
    return Ask(("Encounter", encounter_id(visit), "*"), (), holding([encounter(visit), dose(visit), *map(observed, readings(visit))]))


def _revincluded(world: World, draw: int) -> Ask:
    visits = world.patient(draw)
    check = exactly(map(encounter, visits), map(observed, all_readings(visits)))
    return search("Encounter", check, ("patient", f"Patient/{patient_id(visits[0])}"), ("_revinclude", "Observation:encounter"))


def _total_of_patient(world: World, draw: int) -> Ask:
    visits = world.patient(draw)
    some = all_readings(visits)
    check = with_total(any_of(map(observed, some), 5), len(some))
    pairs = (("patient", f"Patient/{patient_id(visits[0])}"), ("_total", "accurate"), ("_count", "5"))
    return search("Observation", check, *pairs)


def _doses_of_order(world: World, draw: int) -> Ask:
    visits = world.patient(draw)
    order = uid("MedicationRequest", visits[0].patient, registered(visits[0]))
    begun = {dose(visit): visit.start + BEGINNING for visit in visits}
    return search("MedicationAdministration", page(begun, PAGE), ("request", f"MedicationRequest/{order}"), ("_sort", "effective-time"))


SHAPES = (
    Shape("read", _read),
    Shape("by-ids", _by_ids),
    Shape("patient-by-mrn", _by_mrn),
    Shape("encounters-of-patient", _encounters_of_patient),
    Shape("finished-of-patient-since", _finished_since),
    Shape("encounters-of-weeks", _encounters_of_weeks),
    Shape("count-encounters-of-day", _count_of_day, bounded=False),
    Shape("pull-since", _pull),
    Shape("newest-updated", _newest, same=True),
    Shape("everything-of-patient", _everything),
    Shape("everything-of-encounter", _chart_of_visit),
    Shape("patient-compartment", _patient_compartment),
    Shape("encounter-compartment", _encounter_compartment),
    Shape("encounters-with-observations", _revincluded),
    Shape("total-of-patient", _total_of_patient),
    Shape("doses-of-order", _doses_of_order),
)
