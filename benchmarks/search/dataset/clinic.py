"""What a clinic with a number of patients did in four years, as facts: who came when, who gave what, what was measured.

Whoever comes has one to five visits, three on average, some days apart. Sites grow with the number of patients, the four years do
not: ten times the patients are ten times the visits on the same days. Visits are numbered in the order of time (`rank`), in
which the record grows. Vials and lots are used up in that order. Every fact follows from numbers, so expectations need no database.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from benchmarks.search.dataset.chance import chance, one_in

DAY = 86_400
FIRST_DAY = 1_635_724_800
"""1 November 2021, in seconds since the epoch."""
DAYS = 1461
PATIENTS_OF_A_SITE = 250
NURSES, STAFF = 4, 6
"""Of each site: the first four are nurses, the others physicians."""
VISITS_OF_A_VIAL, VISITS_OF_A_LOT = 10, 40
_VISITS = (1, 2, 3, 3, 4, 5)
_LAST_FIRST_VISIT = DAYS - 90
_RECENT = FIRST_DAY + (DAYS - 60) * DAY
_STATUSES = ("finished",) * 58 + ("cancelled", "planned")
_GIVEN = ("completed",) * 36 + ("stopped", "stopped", "entered-in-error", "on-hold")


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit: its place in time, whose it is and which of theirs, when it and their first one began (seconds since the epoch)."""

    rank: int
    patient: int
    ordinal: int
    start: int
    first: int

    @property
    def site(self) -> int:
        """Where it took place."""
        return self.patient // PATIENTS_OF_A_SITE

    @property
    def nurse(self) -> int:
        """The number of the practitioner who gave the infusion."""
        return self.site * STAFF + chance(self.rank, 1) % NURSES

    @property
    def witness(self) -> int:
        """The practitioner who verified it: another nurse."""
        return self.site * STAFF + (chance(self.rank, 1) + 1 + chance(self.rank, 2) % (NURSES - 1)) % NURSES

    @property
    def physician(self) -> int:
        """The practitioner who ordered it."""
        return self.site * STAFF + NURSES + chance(self.rank, 3) % (STAFF - NURSES)

    @property
    def room(self) -> int:
        """The number of the location, which is that of its monitor too; every site has two."""
        return self.site * 2 + chance(self.rank, 4) % 2

    @property
    def status(self) -> str:
        """Of the Encounter. One that is planned has no period, one in progress no end: many of the last days, a few that nobody closed."""
        if one_in(20 if self.start > _RECENT else 2000, self.rank, 12):
            return "in-progress"
        return _STATUSES[chance(self.rank, 5) % len(_STATUSES)]

    @property
    def given(self) -> str:
        """The status of the infusion."""
        return _GIVEN[chance(self.rank, 6) % len(_GIVEN)]

    @property
    def minutes(self) -> int:
        """How long the infusion ran."""
        return 40 + chance(self.rank, 7) % 40

    @property
    def micrograms(self) -> int:
        """The dose: 20 to 60 mg in tenths."""
        return (200 + chance(self.rank, 8) % 401) * 100

    @property
    def dose_unit(self) -> str:
        """The unit that the dose is recorded in: most in mg."""
        return ("ug", "g", "mg", "mg", "mg", "mg", "mg", "mg")[chance(self.rank, 9) % 8]

    @property
    def vial(self) -> int:
        """The vial that it was drawn from."""
        return self.rank // VISITS_OF_A_VIAL

    @property
    def adverse(self) -> int | None:
        """Which adverse event happened, if one did."""
        return chance(self.rank, 10) % 6 if one_in(3, self.rank, 11) else None


class Clinic:
    """All visits of `patients` patients, in the order of time."""

    def __init__(self, patients: int) -> None:
        self.patients = patients
        self.sites = -(-patients // PATIENTS_OF_A_SITE)
        self.visits: Sequence[Visit] = [Visit(rank, *found) for rank, found in enumerate(_in_order(patients))]

    @cached_property
    def of_patient(self) -> Sequence[Sequence[Visit]]:
        """The visits of each patient, oldest first."""
        lists: list[list[Visit]] = [[] for _ in range(self.patients)]
        for visit in self.visits:
            lists[visit.patient].append(visit)
        return lists

    @cached_property
    def of_nurse(self) -> Sequence[Sequence[Visit]]:
        """The visits of each practitioner who gave the infusion."""
        lists: list[list[Visit]] = [[] for _ in range(self.sites * STAFF)]
        for visit in self.visits:
            lists[visit.nurse].append(visit)
        return lists

    @property
    def vials(self) -> int:
        """How many vials were opened."""
        return -(-len(self.visits) // VISITS_OF_A_VIAL)

    def opened(self, vial: int) -> int:
        """When a vial was opened: for the first visit that drew from it."""
        return self.visits[vial * VISITS_OF_A_VIAL].start

    def of_lot(self, lot: int) -> Sequence[Visit]:
        """The visits that used a lot."""
        return self.visits[lot * VISITS_OF_A_LOT : (lot + 1) * VISITS_OF_A_LOT]


def lot_of_vial(vial: int) -> int:
    """The lot of a vial."""
    return vial * VISITS_OF_A_VIAL // VISITS_OF_A_LOT


def _in_order(patients: int) -> list[tuple[int, int, int, int]]:
    """(patient, ordinal, start, first) of every visit, sorted by start."""
    found: list[tuple[int, int, int, int]] = []
    for patient in range(patients):
        starts = list(_starts(patient))
        found += [(start, patient, ordinal, starts[0]) for ordinal, start in enumerate(starts)]
    return [(patient, ordinal, start, first) for start, patient, ordinal, first in sorted(found)]


def _starts(patient: int) -> Iterator[int]:
    """When a patient's visits begin: between 8:00 and 17:00 UTC, in steps of five minutes."""
    day = chance(patient, 20) % _LAST_FIRST_VISIT
    for ordinal in range(_VISITS[chance(patient, 21) % len(_VISITS)]):
        mixed = chance(patient * 8 + ordinal, 22)
        yield FIRST_DAY + day * DAY + 8 * 3600 + mixed % 108 * 300
        day += 3 + (mixed >> 20) % 14
