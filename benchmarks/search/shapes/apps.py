"""What apps at the bedside and on phones ask: the latest values of one patient, one visit, one monitor."""

from benchmarks.search.asking import Ask
from benchmarks.search.dataset.charts import EVENTS
from benchmarks.search.dataset.clinic import DAY
from benchmarks.search.dataset.elements import LOINC, SID, SNOMED, UCUM, day
from benchmarks.search.dataset.people import mrn
from benchmarks.search.dataset.readings import HEART, MOOD, OXYGEN, PAIN, PRESSURE, WEIGHT, readings
from benchmarks.search.expected import counted, exactly, page
from benchmarks.search.shapes.shape import HEART_RATE, PAGE, Shape, search
from benchmarks.search.world import World, all_readings, encounter_id, kind_readings, observed, patient_id, shared_id

_FAST = 104


def _latest(world: World, draw: int) -> Ask:
    visits = world.patient(draw)
    at = {observed(one): one.at for one in kind_readings(visits, HEART)}
    pairs = (("patient", f"Patient/{patient_id(visits[0])}"), ("code", HEART_RATE), ("_sort", "-date"), ("_count", "20"))
    return search("Observation", page(at, 20, True), *pairs)


def _since(world: World, draw: int) -> Ask:
    visits = world.patient(draw)
    since = visits[-1].start // DAY * DAY
    at = {observed(one): one.at for one in kind_readings(visits, HEART) if one.at >= since}
    pairs = (("patient", f"Patient/{patient_id(visits[0])}"), ("code", HEART_RATE), ("date", f"ge{day(since)}"), ("_sort", "-date"))
    return search("Observation", page(at, PAGE, True), *pairs)


def _by_category(world: World, draw: int) -> Ask:
    visits = world.patient(draw)
    at = {observed(one): one.at for one in all_readings(visits) if one.kind in (MOOD, PAIN)}
    pairs = (("patient", f"Patient/{patient_id(visits[0])}"), ("category", "survey"), ("_sort", "-date"), ("_count", "20"))
    return search("Observation", page(at, 20, True), *pairs)


def _lastn(world: World, draw: int) -> Ask:
    visits = world.patient(draw)
    newest: dict[int, tuple[int, int]] = {}
    for one in all_readings(visits):
        newest[one.kind] = max(newest.get(one.kind, (0, 0)), (one.at, one.number))
    found = [("Observation", newest[kind][1]) for kind in (PRESSURE, HEART, OXYGEN, WEIGHT)]
    return Ask(("Observation", "$lastn"), (("patient", f"Patient/{patient_id(visits[0])}"), ("category", "vital-signs")), exactly(found))


def _of_encounter(world: World, draw: int) -> Ask:
    visit = world.visit(draw)
    return search("Observation", exactly(map(observed, readings(visit))), ("encounter", f"Encounter/{encounter_id(visit)}"))


def _of_device(world: World, draw: int) -> Ask:
    visit = world.visit(draw)
    begin = visit.start // DAY * DAY
    near = [one for one in world.between(begin - DAY, begin + DAY * 8) if one.room == visit.room]
    at = {observed(one): one.at for one in all_readings(near) if begin <= one.at < begin + 7 * DAY and one.kind not in (MOOD, PAIN)}
    pairs = (("date", f"ge{day(begin)}"), ("date", f"lt{day(begin + 7 * DAY)}"), ("_sort", "-date"))
    return search("Observation", page(at, PAGE, True), ("device", f"Device/{shared_id('Device', visit.room)}"), *pairs)


def _alarms(world: World, draw: int) -> Ask:
    visits = world.patient(draw)
    found = [one for one in kind_readings(visits, HEART) if one.value is not None and one.value > _FAST]
    pairs = (("patient", f"Patient/{patient_id(visits[0])}"), ("code", HEART_RATE), ("value-quantity", f"gt{_FAST}.5|{UCUM}|/min"))
    return search("Observation", exactly(map(observed, found)), *pairs)


def _high_pressure(world: World, draw: int) -> Ask:
    visits = world.patient(draw)
    found = [one for one in kind_readings(visits, PRESSURE) if one.value is not None and one.value >= 150]
    pairs = (("patient", f"Patient/{patient_id(visits[0])}"), ("component-code-value-quantity", f"{LOINC}|8480-6$gt149.5|{UCUM}|mm[Hg]"))
    return search("Observation", exactly(map(observed, found)), *pairs)


def _by_mrn(world: World, draw: int) -> Ask:
    visits = world.patient(draw)
    pairs = (("patient.identifier", f"{SID}mrn|{mrn(visits[0].patient)}"), ("code", HEART_RATE))
    return search("Observation", exactly(map(observed, kind_readings(visits, HEART))), *pairs)


def _unmeasured(world: World, draw: int) -> Ask:
    visits = world.patient(draw)
    found = [one for one in all_readings(visits) if one.value is None]
    pairs = (("patient", f"Patient/{patient_id(visits[0])}"), ("data-absent-reason:missing", "false"))
    return search("Observation", exactly(map(observed, found)), *pairs)


def _unfinished(world: World, draw: int) -> Ask:
    visits = world.patient(draw)
    found = [("Encounter", one.rank) for one in visits if one.status != "finished"]
    return search("Encounter", exactly(found), ("patient", f"Patient/{patient_id(visits[0])}"), ("status:not", "finished"))


def _count(world: World, draw: int) -> Ask:
    visits = world.patient(draw)
    pairs = (("patient", f"Patient/{patient_id(visits[0])}"), ("_summary", "count"))
    return search("Observation", counted(len(all_readings(visits))), *pairs)


def _events(world: World, draw: int) -> Ask:
    visits = world.patient(draw)
    found = [("AdverseEvent", one.rank) for one in visits if one.adverse in (0, 1)]
    codes = ",".join(f"{SNOMED}|{EVENTS[number]['code']}" for number in (0, 1))
    return search("AdverseEvent", exactly(found), ("subject", f"Patient/{patient_id(visits[0])}"), ("event", codes))


SHAPES = (
    Shape("latest-of-code", _latest),
    Shape("latest-of-code-since", _since),
    Shape("latest-of-category", _by_category),
    Shape("lastn", _lastn),
    Shape("observations-of-encounter", _of_encounter),
    Shape("observations-of-device", _of_device),
    Shape("fast-hearts-of-patient", _alarms),
    Shape("high-pressures-of-patient", _high_pressure),
    Shape("heart-rates-by-mrn", _by_mrn),
    Shape("unmeasured-of-patient", _unmeasured),
    Shape("unfinished-of-patient", _unfinished),
    Shape("count-of-patient", _count),
    Shape("events-of-patient", _events),
)
