"""A report of the register: statements about the whole, columns with their basis in law or policy, rows of native cells, totals.

Cells are native, so that they can be counted and compared: whole micrograms and microlitres, instants as microseconds, text, None for
nothing. `texts` turns them into text, in one place: whatever shows a report (JSON, CSV, a workbook, paper, a page) shows these, so that all
of them show the same. Within a text cell white space and control characters are single blanks.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from itertools import islice

from service.ledger.amount import milligrams, millilitres

TEXT, DATE, INSTANT, REFERENCE, FLAG = "text", "date", "instant", "reference", "flag"
UG, UL, NUMBER, PERCENT = "ug", "ul", "number", "percent"
NUMERIC = frozenset({UG, UL, NUMBER, PERCENT})
"""Kinds whose texts are numbers: milligrams, millilitres, whole numbers, percents."""
LAW, POLICY = "law", "policy"

Cell = str | int | None
Row = tuple[Cell, ...]

LONGEST = 32_000
"""Characters of one cell: a workbook holds no more. What is longer ends with an ellipsis."""
_CHUNK = 2_000
_BLANK = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]+")
_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `name` (kebab-case) is for programs, `title` for people.

    `kind` says what its cells are: text (str), date (str, as FHIR writes it), instant (int, microseconds), reference (str, `Type/id`),
    flag (bool), ug and ul (int, shown as mg and mL), number (int), percent (int, hundredths of a percent). Every cell may be None. `basis`:
    law or policy, where a source asks for the column; `width` is its share on paper.
    """

    name: str
    title: str
    kind: str = TEXT
    basis: str = ""
    width: int = 8


@dataclass(frozen=True, slots=True)
class Report:
    """`name` is that of the operation, without the `$`; `header` are (name, text) about the whole: of where, of when, made by whom.

    `rows` and `totals` have a cell for each column; a total says what it sums in its first cells. `zone`: in which instants are written.
    """

    name: str
    title: str
    header: tuple[tuple[str, str], ...]
    columns: tuple[Column, ...]
    rows: Sequence[Row]
    zone: tzinfo
    totals: Sequence[Row] = ()
    nothing: str = "Nothing to report. That is an answer: the service looked and found none."
    """What stands in the place of the rows where there are none."""

    def texts(self) -> Iterator[tuple[str, ...]]:
        """The rows as every format shows them."""
        return self._as_texts(self.rows)

    def total_texts(self) -> Iterator[tuple[str, ...]]:
        """The totals as every format shows them."""
        return self._as_texts(self.totals)

    def _as_texts(self, rows: Sequence[Row]) -> Iterator[tuple[str, ...]]:
        """Column by column: a text that comes again is made once."""
        made = [_Texts(writer(column.kind, self.zone)) for column in self.columns]
        waiting = iter(rows)
        while chunk := list(islice(waiting, _CHUNK)):
            columns = [map(texts.__getitem__, cells) for texts, cells in zip(made, zip(*chunk, strict=True), strict=True)]
            yield from zip(*columns, strict=True)


class _Texts(dict[Cell, str]):
    """The texts of a column by cell. Bounded: instants and ids hardly come again."""

    _MOST = 20_000

    def __init__(self, write: Callable[[Cell], str]) -> None:
        super().__init__()
        self.write = write

    def __missing__(self, cell: Cell) -> str:
        if len(self) >= self._MOST:
            self.clear()
        made = self[cell] = self.write(cell)
        return made


def text(column: Column, cell: Cell, zone: tzinfo) -> str:
    """A cell as every format shows it; empty for nothing."""
    return writer(column.kind, zone)(cell)


def writer(kind: str, zone: tzinfo) -> Callable[[Cell], str]:
    """What turns the cells of a column of this kind into text."""
    match kind:
        case "instant":
            return lambda cell: "" if cell is None else local(int(cell), zone)
        case "ug":
            return lambda cell: "" if cell is None else str(milligrams(int(cell)))
        case "ul":
            return lambda cell: "" if cell is None else str(millilitres(int(cell)))
        case "percent":
            return lambda cell: "" if cell is None else f"{Decimal(int(cell)).scaleb(-2):f}"
        case "flag":
            return lambda cell: "" if cell is None else "yes" if cell else "no"
        case "number":
            return lambda cell: "" if cell is None else str(int(cell))
        case _:
            return lambda cell: "" if cell is None else plain(str(cell))


def plain(value: str) -> str:
    """Text in one line, without characters that are none."""
    cut = value if len(value) <= LONGEST else f"{value[: LONGEST - 1]}…"
    return (cut if cut.isprintable() and "  " not in cut else _BLANK.sub(" ", cut)).strip()


def local(instant: int, zone: tzinfo) -> str:
    """An instant (microseconds) to the second with its offset, as FHIR writes a dateTime; a date out of reach of calendars in UTC."""
    try:
        return datetime.fromtimestamp(instant // _SECOND, zone).isoformat()
    except (OverflowError, ValueError, OSError):
        return datetime.max.replace(tzinfo=UTC, microsecond=0).isoformat()
