"""The clinic's day as data: who comes when, to which room, for what, and what happens.

The example visit (example-visit.json) holds room 3 from 09:30 to 11:25; everything here leaves it free.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a patient comes for; the value is the clinic's own code of the visit type."""

    MOOD = "ketamine-infusion-mood"
    PAIN = "ketamine-infusion-pain"
    BOOSTER = "ketamine-booster"
    CONSULT = "ketamine-consult"
    FOLLOW_UP = "ketamine-followup"


class Incident(StrEnum):
    """What happens during a visit that its plan did not foresee."""

    BLOOD_PRESSURE = "blood-pressure"
    NAUSEA = "nausea"
    ANXIETY = "anxiety"
    DESATURATION = "desaturation"
    DIZZINESS = "dizziness"
    NO_SHOW = "no-show"


class Irregularity(StrEnum):
    """What an auditor is to find in the register. No rule refuses it, and none of it is hidden."""

    UNWITNESSED = "unwitnessed-waste"
    CORRECTED = "corrected-waste"
    RESIDUAL = "residual"
    UNRECEIVED = "vial-without-receipt"
    LATE = "late-entry"


@dataclass(frozen=True, slots=True)
class Plan:
    """One appointment: the patient's number (1 to 12), the visit type, room, arrival (local time), and `earlier` infusions."""

    number: int
    kind: Kind
    room: int
    arrival: str
    indication: str
    earlier: int = 0
    incident: Incident | None = None
    irregularity: Irregularity | None = None

    @property
    def mrn(self) -> str:
        """The patient's medical record number."""
        return f"KET-{200 + self.number:06d}"

    @property
    def infusion(self) -> bool:
        """Whether ketamine is given at this visit."""
        return self.kind in {Kind.MOOD, Kind.PAIN, Kind.BOOSTER} and self.incident is not Incident.NO_SHOW


DAY = (
    Plan(1, Kind.MOOD, 1, "08:00", "treatment-resistant-depression", earlier=1, irregularity=Irregularity.CORRECTED),
    Plan(2, Kind.PAIN, 2, "08:15", "complex-regional-pain", earlier=1),
    Plan(3, Kind.CONSULT, 3, "08:20", "generalized-anxiety"),
    Plan(4, Kind.MOOD, 1, "10:15", "major-depression", incident=Incident.NAUSEA),
    Plan(
        5,
        Kind.MOOD,
        3,
        "11:45",
        "treatment-resistant-depression",
        earlier=3,
        incident=Incident.BLOOD_PRESSURE,
        irregularity=Irregularity.RESIDUAL,
    ),
    Plan(6, Kind.BOOSTER, 2, "15:50", "major-depression", earlier=1, irregularity=Irregularity.UNRECEIVED),
    Plan(7, Kind.MOOD, 1, "13:00", "generalized-anxiety", earlier=2, incident=Incident.ANXIETY),
    Plan(8, Kind.MOOD, 3, "15:55", "obsessive-compulsive", earlier=4, incident=Incident.NO_SHOW),
    Plan(9, Kind.MOOD, 3, "14:00", "post-traumatic-stress", earlier=4, incident=Incident.DIZZINESS),
    Plan(10, Kind.MOOD, 1, "15:15", "treatment-resistant-depression", earlier=5, irregularity=Irregularity.UNWITNESSED),
    Plan(11, Kind.MOOD, 2, "13:45", "major-depression", earlier=1, incident=Incident.DESATURATION),
    Plan(12, Kind.FOLLOW_UP, 3, "17:00", "treatment-resistant-depression", earlier=6),
)

# Days before today on which a series' earlier infusions took place, latest first: twice a week, never at the weekend of the default day.
GAPS = (4, 7, 11, 14, 18, 21)

LATE = (9, 4)
"""The earlier infusion that was entered the day after: the patient's number, and which of the infusions it was."""
