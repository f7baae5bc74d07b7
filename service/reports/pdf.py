"""A report as PDF: the title and the statements, then a table over as many pages as it takes, with its heading and "page n of m" on each.

A table that is too wide for the page is folded: each row has some lines, one below the other, and so has the heading. The pages are drawn
without looking for a layout, as a report may have thousands of them.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from service.reports.letters import BOLD, PLAIN, Letters, known
from service.reports.pages import ACROSS, BOTTOM, HEIGHT, MARGIN, TOP, WIDTH, Pages
from service.reports.table import Table

MEDIA_TYPE = "application/pdf"
_MOST_SHARES = 190
"""Shares of columns that stand side by side; about the letters of a line."""
_GAP = 4
_SIZE, _TITLE, _TOLD = 6.5, 13, 8
_LEADING = 1.25
_LINE = _SIZE * _LEADING
_WHOLE = TOP - BOTTOM - 40 * mm
"""A row that is taller is broken over pages."""
_MOST_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a column stands: which line of the row, from where, how wide."""

    band: int
    left: float
    width: float


def written(table: Table) -> bytes:
    """The report as the bytes of a file."""
    content = io.BytesIO()
    canvas = Canvas(content, pagesize=(WIDTH, HEIGHT), invariant=True)
    canvas.setTitle(known(table.title))
    canvas.setAuthor("Infusion Records")
    pages = Pages()
    _head(pages, table, canvas._doc)  # type: ignore[attr-defined]
    _Grid(pages, table, canvas._doc).draw()  # type: ignore[attr-defined]
    pages.bind(canvas, known(table.title))
    canvas.save()
    return content.getvalue()


def _head(pages: Pages, table: Table, document: Any) -> None:
    """The title and the statements."""
    for letters, text in _said(table, document):
        for line in letters.lines(known(text), ACROSS):
            pages.make_room(letters.size * _LEADING)
            pages.at -= letters.size * _LEADING
            pages.show(letters, line)
    pages.at -= 4 * mm


def _said(table: Table, document: Any) -> Iterator[tuple[Letters, str]]:
    yield Letters(document, BOLD, _TITLE), table.title
    plain = Letters(document, PLAIN, _TOLD)
    yield from ((plain, f"{name}: {told}") for name, told in table.statements)


_Drawn = tuple[int, str]
"""The lines of a cell: how many, and the operators that show them, one below the other."""
_NOTHING: _Drawn = (0, "")


class _Grid:
    """The table on its pages. A text that comes again is broken into lines once."""

    def __init__(self, pages: Pages, table: Table, document: Any) -> None:
        self._pages, self._table = pages, table
        self._plain, self._bold, self._note = (Letters(document, *one) for one in ((PLAIN, _SIZE), (BOLD, _SIZE), (PLAIN, _TOLD)))
        self._places = _placed(table)
        self._bands = [[at for at, place in enumerate(self._places) if place.band == band] for band in range(self._places[-1].band + 1)]
        self._kept: list[dict[str, _Drawn]] = [{"": _NOTHING} for _ in self._places]
        self._titles = [_drawn(self._broken(place, one, self._bold)) for place, one in enumerate(table.columns)]

    def draw(self) -> None:
        """All rows and totals; where there are no rows, what that means."""
        self._heading()
        drawn = 0
        for row in self._table.rows:
            self._row(row, self._plain)
            drawn += 1
        if not drawn:
            self._pages.at -= 14
            self._pages.show(self._note, known(self._table.nothing))
            self._pages.at -= 6
        for row in self._table.totals:
            self._row(row, self._bold)

    def _heading(self) -> None:
        self._lay(self._titles, self._bold)
        self._pages.rule(0.8)

    def _row(self, row: Sequence[str], letters: Letters) -> None:
        is_plain = letters is self._plain
        cells = [self._cell(at, text) if is_plain else _drawn(self._broken(at, text, letters)) for at, text in enumerate(row)]
        height = sum(max(cells[at][0] for at in band) or 1 for band in self._bands) * _LINE + 3
        if height > _WHOLE:
            self._long(row, letters)
            return
        if self._pages.make_room(height):
            self._heading()
        self._lay(cells, letters)
        self._pages.rule(0.25)

    def _long(self, row: Sequence[str], letters: Letters) -> None:
        """A row that is taller than a page, in pieces."""
        broken = [self._broken(at, text, letters) for at, text in enumerate(row)]
        piece = max(int(_WHOLE / _LINE) // len(self._bands), 1)
        for start in range(0, max(map(len, broken)), piece):
            self._pages.turn()
            self._heading()
            self._lay([_drawn(lines[start : start + piece]) for lines in broken], letters)
            self._pages.rule(0.25)

    def _cell(self, at: int, text: str) -> _Drawn:
        kept = self._kept[at]
        found = kept.get(text)
        if found is None:
            found = _drawn(self._broken(at, text, self._plain))
            if len(kept) < _MOST_KEPT:
                kept[text] = found
        return found

    def _broken(self, at: int, text: str, letters: Letters) -> list[str]:
        return [letters.shown(line) for line in letters.lines(known(text), self._places[at].width)] if text else []

    def _lay(self, cells: Sequence[_Drawn], letters: Letters) -> None:
        """Draw the cells, one after the other, so that who reads the text of the file finds each in one piece."""
        drawn = [f"BT {letters.select} {_LINE} TL"]
        for band in self._bands:
            first = f"{self._pages.at - _LINE:.1f}"
            drawn += [f"1 0 0 1 {self._places[at].left} {first} Tm {cells[at][1]}" for at in band if cells[at][0]]
            self._pages.at -= (max(cells[at][0] for at in band) or 1) * _LINE
        drawn.append("ET")
        self._pages.drawn.append("\n".join(drawn))
        self._pages.at -= 2


def _drawn(lines: Sequence[str]) -> _Drawn:
    return len(lines), " T* ".join(f"{line} Tj" for line in lines)


def _placed(table: Table) -> list[_Place]:
    """Side by side, as many as go on a line."""
    shares = table.widths or (1,) * len(table.columns)
    is_folded = sum(shares) > _MOST_SHARES
    point = ACROSS / (_MOST_SHARES if is_folded else sum(shares))
    found, band, used = [], 0, 0
    for share in shares:
        if used + share > _MOST_SHARES and used:
            band, used = band + 1, 0
        across = min(share, _MOST_SHARES) * point
        found.append(_Place(band, round(MARGIN + used * point, 1), across - _GAP))
        used += share
    return found
