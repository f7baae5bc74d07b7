"""What auditors ask about controlled drugs: which doses came from a lot, who gave and who saw them, when, and how much."""

from benchmarks.search.asking import Ask
from benchmarks.search.dataset.clinic import DAY, VISITS_OF_A_LOT, VISITS_OF_A_VIAL
from benchmarks.search.dataset.elements import ACT_CODE, NPI, RXNORM, SID, SNOMED, UCUM, day
from benchmarks.search.dataset.premises import is_ketamine, lot_number, npi
from benchmarks.search.expected import any_of, exactly
from benchmarks.search.shapes.shape import PAGE, Shape, search
from benchmarks.search.world import World, dose, encounter, shared_id

_MONTH, _SEASON = 30 * DAY, 120 * DAY
_FEW = 10


def _window(first: int, length: int) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("effective-time", f"ge{day(first)}"), ("effective-time", f"lt{day(first + length)}")


def _lot(world: World, draw: int) -> Ask:
    visit = world.visit(draw)
    lot = visit.rank // VISITS_OF_A_LOT
    return search("MedicationAdministration", exactly(map(dose, world.clinic.of_lot(lot))), ("medication.lot-number", lot_number(lot)))


def _vial_with_doses(world: World, draw: int) -> Ask:
    lot = world.visit(draw).rank // VISITS_OF_A_LOT
    visits = world.clinic.of_lot(lot)
    vials = {("Medication", visit.rank // VISITS_OF_A_VIAL) for visit in visits}
    pairs = (("lot-number", lot_number(lot)), ("_revinclude", "MedicationAdministration:medication"))
    return search("Medication", exactly(vials, map(dose, visits)), *pairs)


def _performer(world: World, draw: int) -> Ask:
    visit = world.visit(draw)
    begin = visit.start // DAY * DAY - 3 * DAY
    found = [one for one in world.infusions_between(begin, begin + _MONTH) if visit.nurse in (one.nurse, one.witness)]
    who = f"Practitioner/{shared_id('Practitioner', visit.nurse)}"
    return search("MedicationAdministration", exactly(map(dose, found)), ("performer", who), *_window(begin, _MONTH))


def _witness(world: World, draw: int) -> Ask:
    visit = world.visit(draw)
    begin = visit.start // DAY * DAY - 3 * DAY
    found = [one for one in world.infusions_between(begin, begin + _MONTH) if one.witness == visit.witness]
    who = f"Practitioner/{shared_id('Practitioner', visit.witness)}"
    return search("MedicationAdministration", exactly(map(dose, found)), ("witness", who), *_window(begin, _MONTH))


def _drug(world: World, draw: int) -> Ask:
    begin = world.day(draw)
    found = [dose(one) for one in world.infusions_between(begin, begin + _SEASON) if not is_ketamine(one.vial)]
    pairs = (("medication.code", f"{RXNORM}|26225"), *_window(begin, _SEASON), ("_count", str(_FEW)))
    return search("MedicationAdministration", any_of(found, _FEW), *pairs)


def _controlled(world: World, draw: int) -> Ask:
    begin = world.day(draw)
    visits = [one for one in world.infusions_between(begin, begin + _MONTH + 5 * DAY) if is_ketamine(one.vial)]
    vials = {("Medication", one.vial) for one in visits}
    pairs = (("_tag", f"{ACT_CODE}|CTLSUB"), *_window(begin, _MONTH + 5 * DAY), ("_include", "MedicationAdministration:medication"))

    def check(answer):  # type: ignore[no-untyped-def]
        wrong = any_of(map(dose, visits), PAGE)(answer)
        foreign = set(answer.included) - vials
        return wrong or (f"included {foreign}" if foreign or (visits and not answer.included) else None)

    return search("MedicationAdministration", check, *pairs, ("_count", str(PAGE)))


def _large(world: World, draw: int) -> Ask:
    begin = world.day(draw)
    found = [dose(one) for one in world.infusions_between(begin, begin + _SEASON) if one.micrograms > 55_000]
    pairs = (("dose", f"gt55.05|{UCUM}|mg"), *_window(begin, _SEASON), ("_count", str(_FEW)))
    return search("MedicationAdministration", any_of(found, _FEW), *pairs)


def _stopped(world: World, draw: int) -> Ask:
    begin = world.day(draw)
    found = [dose(one) for one in world.infusions_between(begin, begin + _SEASON) if one.given == "stopped"]
    pairs = (("status", "stopped"), *_window(begin, _SEASON), ("_count", "5"))
    return search("MedicationAdministration", any_of(found, 5), *pairs)


def _by_colleague(world: World, draw: int) -> Ask:
    visit = world.visit(draw)
    begin = visit.start // DAY * DAY - 3 * DAY
    found = [one for one in world.infusions_between(begin, begin + _MONTH) if visit.physician == one.physician]
    pairs = (("context:Encounter.participant:Practitioner.identifier", f"{NPI}|{npi(visit.physician)}"), *_window(begin, _MONTH))
    return search("MedicationAdministration", exactly(map(dose, found)), *pairs)


def _having_dose(world: World, draw: int) -> Ask:
    visit = world.visit(draw)
    asked = ("_has:MedicationAdministration:context:identifier", f"{SID}mar|V-{visit.rank:08d}/dose")
    return search("Encounter", exactly([encounter(visit)]), asked)


def _having_event(world: World, draw: int) -> Ask:
    begin = world.day(draw)
    names = world.encounters_between(begin, begin + _SEASON)
    found = [name for name in names if world.clinic.visits[name[1]].adverse == 0]
    pairs = (
        ("date", f"ge{day(begin)}"),
        ("date", f"lt{day(begin + _SEASON)}"),
        ("_has:AdverseEvent:encounter:event", f"{SNOMED}|422587007"),
    )
    return search("Encounter", any_of(found, 5), *pairs, ("_count", "5"))


def _patients_with_event(world: World, _draw: int) -> Ask:
    names = {("Patient", one.patient) for one in world.clinic.visits if one.adverse == 0}
    asked = ("_has:AdverseEvent:subject:event", f"{SNOMED}|422587007")
    return search("Patient", any_of(names, 20), asked, ("_count", "20"))


SHAPES = (
    Shape("doses-of-lot", _lot),
    Shape("vials-of-lot-with-doses", _vial_with_doses),
    Shape("doses-of-performer", _performer),
    Shape("doses-of-witness", _witness),
    Shape("doses-of-drug", _drug),
    Shape("controlled-doses-of-month", _controlled),
    Shape("large-doses", _large),
    Shape("stopped-doses", _stopped),
    Shape("doses-of-visits-of-physician", _by_colleague),
    Shape("visit-having-dose", _having_dose),
    Shape("visits-of-season-having-event", _having_event),
    Shape("patients-having-event", _patients_with_event, same=True),
)
