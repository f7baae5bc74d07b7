"""The ids of AuditEvents: an entry of the trail that names one patient or none has one, of several patients each has one of its own."""

import re

_NAME = re.compile(r"(?P<entry>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:-(?P<place>[1-9][0-9]{0,8}))?")


def written(entry: str, place: int, places: int) -> str:
    """The id of the AuditEvent of the patient at `place` (from 1) among `places` of the entry."""
    return f"{entry}-{place}" if places > 1 else entry


def parsed(text: str) -> tuple[str, int | None] | None:
    """The entry and the place that an id stands for; None for what can be no such id."""
    found = _NAME.fullmatch(text)
    return (found["entry"], int(found["place"]) if found["place"] else None) if found else None
