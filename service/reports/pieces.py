"""Many rows of a report as one text, fast: column by column, with what stands between the cells put in once for all rows.

Fifty thousand rows are a hundred megabytes of JSON. What is done for each of their two million cells takes longer than everything else;
so a column that needs no change is taken as it is, and what rows share is written once.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

from service.records.register import report as reports
from service.records.register.report import CHUNK, Column, Report, Row, Shared

Piece = tuple[str, Sequence[str], str]
"""The texts of a column, and what stands before and after each of them."""
Wrap = Callable[[Sequence[str]], Piece]
"""From the texts of a column to what is written of them."""
_Make = Callable[[Sequence[Any]], Piece]


@dataclass(frozen=True, slots=True)
class Style:
    """How rows are written: what a row begins and ends with, and how a column is wrapped, by its place."""

    start: str
    wrap: Callable[[int, Column], Wrap]
    end: str


def joined(report: Report, rows: Sequence[Row], style: Style) -> Iterator[str]:
    """The rows as text, some at once."""
    makers = _makers(report, rows[0], style) if rows else []
    for place in range(0, len(rows), CHUNK):
        chunk = rows[place : place + CHUNK]
        made = [make(cells) for make, cells in zip(makers, zip(*chunk, strict=True), strict=True)]
        yield "".join(chain.from_iterable(zip(*_woven(style, made), strict=False)))


def _woven(style: Style, pieces: Iterable[Piece]) -> Iterator[Iterable[str]]:
    """The columns, and between them what always stands there, which never ends."""
    waiting = style.start
    for before, texts, after in pieces:
        if between := waiting + before:
            yield repeat(between)
        yield texts
        waiting = after
    yield repeat(waiting + style.end)


def _makers(report: Report, row: Row, style: Style) -> list[_Make]:
    waiting = (_column(report, column, style.wrap(place, column)) for place, column in enumerate(report.columns))
    return [_shared([next(waiting) for _ in held]) if isinstance(held, Shared) else next(waiting) for held in row]


def _column(report: Report, column: Column, wrap: Wrap) -> _Make:
    texts = reports.texts(column.kind, report.zone)
    return lambda cells: wrap(texts(cells))


def _shared(makers: Sequence[_Make]) -> _Make:
    known: dict[Shared, str] = {}

    def made(cells: Sequence[Any]) -> Piece:
        for shared in set(cells) - known.keys():
            known[shared] = "".join(_one(make, cell) for make, cell in zip(makers, shared, strict=True))
        return "", [known[shared] for shared in cells], ""

    return made


def _one(make: _Make, cell: Any) -> str:
    before, texts, after = make((cell,))
    return f"{before}{texts[0]}{after}"
