"""A report as CSV (https://www.rfc-editor.org/rfc/rfc4180): the heading, then the rows and the totals; the statements stand after them.

A spreadsheet takes a cell that begins like a formula for one, and runs it. Such a cell gets an apostrophe in front, which spreadsheets
show as text (https://owasp.org/www-community/attacks/CSV_Injection). The text begins with a byte order mark, so that they read it as UTF-8.
A number may begin with its sign: the cells of numeric columns are left as they are.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from service.records.register.report import FLAG, INSTANT, NUMERIC, Column, Report, titles
from service.reports.pieces import Piece, Style, Wrap, joined
from service.reports.table import Table

MEDIA_TYPE = "text/csv; charset=utf-8"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_QUOTED = re.compile(r"[\",\r\n]")
_BETWEEN = "\0"
_ODD = ('"', ",", *(_BETWEEN + sign for sign in ("=", "+", "-", "@")))
"""What makes a cell need a change; white space other than single blanks is not in the texts of a report."""
_NEVER = NUMERIC | {INSTANT, FLAG}
"""Kinds whose texts never need one."""
_MARK = "\ufeff"
_END = "\r\n"


def written(table: Table) -> str:
    """The report as text."""
    rows = (",".join(_cell(cell, place in table.numeric) for place, cell in enumerate(row)) + _END for row in (*table.rows, *table.totals))
    return "".join((_MARK, *_lines((table.columns,)), *rows, _END, *_statements(table.title, table.statements)))


def of_report(report: Report) -> Iterator[str]:
    """A report of the register as text, piece by piece; the same as `written`."""
    yield _MARK
    yield from _lines((titles(report.columns),))
    for rows in (report.rows, report.totals):
        yield from joined(report, rows, Style("", _wrap, _END))
    yield _END
    yield from _statements(report.title, report.header)


def inert(cell: str) -> str:
    """The cell, so that no spreadsheet calculates it."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA) or cell.startswith(_FORMULA) else cell


def _statements(title: str, statements: Sequence[tuple[str, str]]) -> Iterator[str]:
    return _lines((("Report", title), *statements))


def _lines(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    return (",".join(map(_cell, row)) + _END for row in rows)


def _cell(cell: str, is_number: bool = False) -> str:
    """A cell as it stands in a line."""
    safe = cell if is_number else inert(cell)
    if _QUOTED.search(safe) is None:
        return safe
    doubled = safe.replace('"', '""')
    return f'"{doubled}"'


def _wrap(place: int, column: Column) -> Wrap:
    before = "," if place else ""
    return (lambda texts: (before, texts, "")) if column.kind in _NEVER else (lambda texts: _texts(before, texts))


def _texts(before: str, texts: Sequence[str]) -> Piece:
    """Cell by cell only where one look at all of them finds something to change."""
    joint = _BETWEEN + _BETWEEN.join(texts)
    if not any(odd in joint for odd in _ODD):
        return before, texts, ""
    return before, [_cell(text) for text in texts], ""
