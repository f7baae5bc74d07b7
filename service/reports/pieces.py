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
        yield "".join(chain.from_iterable(zip(*_woven(style.start, made, style.end), strict=False)))


def _woven(start: str, pieces: Iterable[Piece], end: str) -> Iterator[Iterable[str]]:
    """The columns, and between them what always stands there, which never ends."""
    waiting = start
    for before, texts, after in pieces:
        if between := waiting + before:
            yield repeat(between)
        yield texts
        waiting = after
    yield repeat(waiting + end)


def _makers(report: Report, row: Row, style: Style) -> list[_Make]:
    waiting = (_column(report, column, style.wrap(place, column)) for place, column in enumerate(report.columns))
    return [_shared([next(waiting) for _ in held]) if isinstance(held, Shared) else next(waiting) for held in row]


def _column(report: Report, column: Column, wrap: Wrap) -> _Make:
    texts = reports.texts(column.kind, report.zone)
    return lambda cells: wrap(texts(cells))


def _shared(makers: Sequence[_Make]) -> _Make:
    known: dict[Shared, str] = {}

    def made(cells: Sequence[Any]) -> Piece:
        fresh = list(set(cells) - known.keys())
        if fresh:
            pieces = [make(column) for make, column in zip(makers, zip(*fresh, strict=True), strict=True)]
            known.update(zip(fresh, map("".join, zip(*_woven("", pieces, ""), strict=False)), strict=False))
        return "", [known[shared] for shared in cells], ""

    return made
