"""What a report of the register is asked for: a period, and what narrows it."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from service.errors import BadRequest

MOST = 100_000
"""Rows of one report, and entries of the record that it may look at."""

One = TypeVar("One")


@dataclass(frozen=True, slots=True)
class Question:
    """A period (`since` <= happened < `before`, microseconds) and what narrows it; None means all.

    `site` is the id of a Location, `vial` of a Medication, `substance` the code of the ingredient; `performer`, `witness`, `patient` are
    `Type/id`; `flags` are of `ledger.entry.FLAGS`, all of which a line must have. `as_of` is the instant that is asked about, where a
    report has one. `told` are the parameters as they were given, and the period where none was.
    """

    since: int
    before: int
    as_of: int | None = None
    site: str | None = None
    substance: str | None = None
    lot: str | None = None
    vial: str | None = None
    performer: str | None = None
    witness: str | None = None
    patient: str | None = None
    flags: Collection[str] = ()
    told: Sequence[tuple[str, str]] = ()


def few(found: Iterable[One]) -> Iterator[One]:
    """What was found. Raises BadRequest as soon as it is more than `MOST`."""
    for number, one in enumerate(found):
        if number >= MOST:
            told = f"This concerns more than {MOST} entries. Narrow it: a shorter period (start, end), or a site, substance, lot or person."
            raise BadRequest.of("too-costly", "report-size", told, "http.start")
        yield one
