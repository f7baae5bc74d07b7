"""The main clinical date of each resource type: the one by which people look for it. It orders the postings of the index.

The first of these date parameters that a type has; a type with none of them takes its only date parameter, or has none.
A resource without the date has `lo` MISSING, before everything.
"""

from collections.abc import Collection

MISSING = -(2**63)
_PREFERRED = (
    "effective-time",
    "authoredon",
    "authored-on",
    "whenhandedover",
    "sent",
    "identified",
    "onset-date",
    "date",
    "effective",
    "occurrence",
    "authored",
    "collected",
    "created",
    "started",
    "start",
    "start-date",
    "issued",
    "period",
    "birthdate",
    "recorded",
)


def main_date(codes: Collection[str]) -> str | None:
    """Which of a type's date parameters is the main one."""
    preferred = next((code for code in _PREFERRED if code in codes), None)
    return preferred or (next(iter(codes)) if len(codes) == 1 else None)
