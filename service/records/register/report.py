"""A report of the register: statements about the whole, columns with their basis in law or policy, rows of native cells, totals.

Cells are native, so that they can be counted and compared: whole micrograms and microlitres, instants as microseconds, text, None for
nothing. They become text in one place (`texts`): whatever shows a report (JSON, CSV, a workbook, paper, a page) shows these, so that all
of them show the same. Within a text cell white space and control characters are single blanks.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any

from service.ledger.amount import milligrams, millilitres

TEXT, DATE, INSTANT, REFERENCE, FLAG = "text", "date", "instant", "reference", "flag"
UG, UL, NUMBER, PERCENT = "ug", "ul", "number", "percent"
NUMERIC = frozenset({UG, UL, NUMBER, PERCENT})
"""Kinds whose texts are numbers: milligrams, millilitres, whole numbers, percents."""
LAW, POLICY = "law", "policy"

Cell = str | int | None
Texts = Callable[[Sequence[Any]], Sequence[str]]
"""From the cells of a column to their texts."""

LONGEST = 32_000
"""Characters of one cell: a workbook holds no more. What is longer ends with an ellipsis."""
CHUNK = 500
"""Rows that are turned into text at once."""
_BLANK = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]+")
_BETWEEN = "|"
_ODD = ("  ", "| ", " |")
"""Blanks that are not single or stand at an end."""
_SECOND = 1_000_000
_QUARTER = 15 * 60 * _SECOND
_MOST_QUARTERS = 200_000
_CLOCK = tuple(f"{minute:02d}:{second:02d}" for minute in range(60) for second in range(60))


class Shared(tuple[Cell, ...]):
    """Cells of several columns, side by side, that many rows have in common: what is made of them is made once. Equal to itself alone."""

    __slots__ = ()
    __hash__ = object.__hash__
    __eq__ = object.__eq__


Row = tuple[Cell | Shared, ...]


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

    `rows` and `totals` have a cell for each column; a total says what it sums in its first cells. Rows may hold `Shared` cells, all in the
    same places. `zone`: in which instants are written.
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

    def cells(self) -> Iterator[tuple[Cell, ...]]:
        """The rows, cell by cell."""
        for row in self.rows:
            yield flat(row)

    def texts(self) -> Iterator[tuple[str, ...]]:
        """The rows as every format shows them."""
        return self._as_texts(self.rows)

    def total_texts(self) -> Iterator[tuple[str, ...]]:
        """The totals as every format shows them."""
        return self._as_texts(self.totals)

    def _as_texts(self, rows: Sequence[Row]) -> Iterator[tuple[str, ...]]:
        makers = [texts(column.kind, self.zone) for column in self.columns]
        for start in range(0, len(rows), CHUNK):
            columns = spread(rows[start : start + CHUNK])
            yield from zip(*(made(cells) for made, cells in zip(makers, columns, strict=True)), strict=True)


def flat(row: Row) -> tuple[Cell, ...]:
    """A row without shared cells."""
    return tuple(cell for held in row for cell in (held if isinstance(held, Shared) else (held,)))


def spread(rows: Sequence[Row]) -> Iterator[Sequence[Any]]:
    """The cells of rows, column by column."""
    for cells in zip(*rows, strict=True):
        if isinstance(cells[0], Shared):
            yield from zip(*cells, strict=True)
        else:
            yield cells


def text(column: Column, cell: Cell, zone: tzinfo) -> str:
    """A cell as every format shows it; empty for nothing."""
    return texts(column.kind, zone)((cell,))[0]


def texts(kind: str, zone: tzinfo) -> Texts:
    """What turns the cells of a column of this kind into their texts; empty for nothing."""
    match kind:
        case "instant":
            return _instants(zone)
        case "ug":
            return _kept(lambda cell: str(milligrams(cell)))
        case "ul":
            return _kept(lambda cell: str(millilitres(cell)))
        case "percent":
            return _kept(lambda cell: f"{Decimal(cell).scaleb(-2):f}")
        case "flag":
            return _kept(lambda cell: "yes" if cell else "no")
        case "number":
            return _kept(str)
        case _:
            return _plain


@lru_cache(maxsize=4)
def _instants(zone: tzinfo) -> Texts:
    """As `local`, with the calendar asked once for each quarter of an hour, in which no zone changes its offset."""
    quarters: dict[int, tuple[str, int, str]] = {}

    def learnt(quarter: int) -> tuple[str, int, str]:
        if len(quarters) >= _MOST_QUARTERS:
            quarters.clear()
        found = quarters[quarter] = _split(local(quarter * _QUARTER, zone))
        return found

    def one(cell: int) -> str:
        quarter, rest = divmod(cell, _QUARTER)
        before, seconds, after = quarters.get(quarter) or learnt(quarter)
        return f"{before}{_CLOCK[seconds + rest // _SECOND]}{after}" if after else local(cell, zone)

    return lambda cells: ["" if cell is None else one(cell) for cell in cells]


def _split(text: str) -> tuple[str, int, str]:
    """The text of a quarter's beginning up to the hour, the seconds of the hour, the offset; no offset where it begins no quarter there."""
    before, minutes, seconds, after = text[:14], text[14:16], text[17:19], text[19:]
    is_usual = len(after) == len("+00:00") and int(minutes) % 15 == 0 and seconds == "00"
    return before, int(minutes) * 60, after if is_usual else ""


def _kept(write: Callable[[Any], str]) -> Texts:
    """A text that comes again is made once."""
    known: dict[Any, str] = {None: ""}

    def made(cells: Sequence[Any]) -> Sequence[str]:
        for cell in set(cells) - known.keys():
            known[cell] = write(cell)
        return [known[cell] for cell in cells]

    return made


def _plain(cells: Sequence[Any]) -> Sequence[str]:
    """Most columns need no change at all, which one look at all of their letters tells."""
    found = [cell or "" for cell in cells]
    joined = _BETWEEN.join(found)
    is_usual = joined.isprintable() and (" " not in joined or not any(odd in f"|{joined}|" for odd in _ODD))
    if is_usual and (len(joined) <= LONGEST or max(map(len, found)) <= LONGEST):
        return found
    return [plain(one) for one in found]


def plain(value: str) -> str:
    """Text in one line, without characters that are none."""
    cut = value if len(value) <= LONGEST else f"{value[: LONGEST - 1]}…"
    return (cut if cut.isprintable() and "  " not in cut else _BLANK.sub(" ", cut)).strip()


def local(instant: int, zone: tzinfo) -> str:
    """An instant (microseconds) to the second with its offset, as FHIR writes a dateTime; one out of reach of calendars as the last one."""
    try:
        return datetime.fromtimestamp(instant // _SECOND, zone).isoformat()
    except (OverflowError, ValueError, OSError):
        return datetime.max.replace(tzinfo=UTC, microsecond=0).isoformat()


def titles(columns: Iterable[Column]) -> list[str]:
    """What stands above the columns."""
    return [column.title for column in columns]
