"""A clinic with what the shapes look up in it: visits by time and by people, ids, and draws that differ from call to call."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property

from benchmarks.search.dataset import readings
from benchmarks.search.dataset.chance import chance
from benchmarks.search.dataset.charts import BEGINNING
from benchmarks.search.dataset.clinic import DAY, DAYS, FIRST_DAY, Clinic, Visit
from benchmarks.search.dataset.elements import OPENED
from benchmarks.search.dataset.identity import Name, uid
from benchmarks.search.dataset.people import registered
from benchmarks.search.dataset.readings import Reading


class World:
    """The clinic under search."""

    def __init__(self, clinic: Clinic) -> None:
        self.clinic = clinic
        self._starts = [visit.start for visit in clinic.visits]

    def visit(self, draw: int) -> Visit:
        """A visit, drawn."""
        return self.clinic.visits[chance(draw, 50) % len(self.clinic.visits)]

    def patient(self, draw: int) -> Sequence[Visit]:
        """The visits of a patient, drawn."""
        return self.clinic.of_patient[chance(draw, 51) % self.clinic.patients]

    def day(self, draw: int) -> int:
        """A day on which there were visits, drawn, as the second at which it begins (UTC)."""
        return FIRST_DAY + (120 + chance(draw, 52) % (DAYS - 300)) * DAY

    def between(self, first: int, last: int) -> Sequence[Visit]:
        """The visits that began at `first` or later and before `last`."""
        return self.clinic.visits[bisect_left(self._starts, first) : bisect_left(self._starts, last)]

    def encounters_between(self, first: int, last: int) -> list[Name]:
        """The Encounters whose period reaches into [first, last)."""
        within = [visit for visit in self.between(first - 7200, last) if visit.status not in ("planned", "in-progress")]
        return [encounter(visit) for visit in (*within, *(visit for visit in self.running if visit.start < last))]

    def infusions_between(self, first: int, last: int) -> list[Visit]:
        """The visits whose infusion reaches into [first, last)."""
        early = self.between(first - 3 * 3600, last)
        return [one for one in early if one.start + BEGINNING < last and one.start + BEGINNING + one.minutes * 60 >= first]

    @cached_property
    def running(self) -> list[Visit]:
        """The visits that have no end."""
        return [visit for visit in self.clinic.visits if visit.status == "in-progress"]

    @cached_property
    def of_staff(self) -> dict[int, list[Visit]]:
        """The visits at which each practitioner gave or verified the infusion."""
        found: dict[int, list[Visit]] = {}
        for visit in self.clinic.visits:
            found.setdefault(visit.nurse, []).append(visit)
            found.setdefault(visit.witness, []).append(visit)
        return found

    def of_kind(self, kind: int) -> Iterator[Reading]:
        """Every observation of a kind, in the order of the visits."""
        for visit in self.clinic.visits:
            yield from readings.of_kind(visit, kind)

    @cached_property
    def heart_rates(self) -> list[Reading]:
        """Every heart rate."""
        return list(self.of_kind(readings.HEART))

    @cached_property
    def pressures(self) -> list[Reading]:
        """Every blood pressure."""
        return list(self.of_kind(readings.PRESSURE))


def encounter(visit: Visit) -> Name:
    """The Encounter of a visit."""
    return "Encounter", visit.rank


def dose(visit: Visit) -> Name:
    """The infusion of a visit."""
    return "MedicationAdministration", visit.rank


def observed(reading: Reading) -> Name:
    """An observation."""
    return "Observation", reading.number


def all_readings(visits: Sequence[Visit]) -> list[Reading]:
    """Everything measured in some visits."""
    return [reading for visit in visits for reading in readings.readings(visit)]


def kind_readings(visits: Sequence[Visit], kind: int) -> list[Reading]:
    """The observations of a kind in some visits."""
    return [reading for visit in visits for reading in readings.of_kind(visit, kind)]


def patient_id(visit: Visit) -> str:
    """The id of the patient of a visit."""
    return uid("Patient", visit.patient, registered(visit))


def encounter_id(visit: Visit) -> str:
    """The id of its Encounter."""
    return uid("Encounter", visit.rank, visit.start)


def observation_id(reading: Reading) -> str:
    """The id of an observation."""
    return uid("Observation", reading.number, reading.at)


def shared_id(type: str, number: int) -> str:
    """The id of what was there before the first visit: a Practitioner, a Device, a Location."""
    return uid(type, number, OPENED)
