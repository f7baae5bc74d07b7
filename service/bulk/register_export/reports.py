"""The reports in an export, as CSV and PDF."""

from service.bulk.register_export.content import Making


def write(making: Making, place: str, schedules: frozenset[str]) -> None:
    """Write the reports about what is of `schedules` into the directory `place`."""
