"""Ids that say what they name: UUIDs that begin with the time, as the service makes them, and end with a kind and a number.

A clinic's expected answers are sets of (resource type, number), and `named` reads those back from an answer.
"""

Name = tuple[str, int]

TYPES = (
    "Organization",
    "Practitioner",
    "Location",
    "Device",
    "Questionnaire",
    "Medication",
    "Patient",
    "Condition",
    "Flag",
    "AllergyIntolerance",
    "Consent",
    "RiskAssessment",
    "MedicationRequest",
    "Procedure",
    "Encounter",
    "MedicationAdministration",
    "Observation",
    "AdverseEvent",
)
_NUMBERS = {name: number for number, name in enumerate(TYPES, start=1)}


def uid(type: str, number: int, seconds: int) -> str:
    """The id of the `number`th resource of a type, which came about at `seconds` since the epoch."""
    milliseconds = seconds * 1000
    return f"{milliseconds >> 16:08x}-{milliseconds & 0xFFFF:04x}-7{_NUMBERS[type]:03x}-8000-{number:012x}"


def named(id: str) -> Name:
    """What an id of `uid` names."""
    return TYPES[int(id[15:18], 16) - 1], int(id[24:], 16)
