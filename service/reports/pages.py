"""The pages of a PDF: what is drawn on each, from the top down, and at the end the number of each and of all."""

import zlib
from typing import Any

from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfdoc import PDFStream
from reportlab.pdfgen.canvas import Canvas

from service.reports.letters import PLAIN, Letters

WIDTH, HEIGHT = landscape(A4)
MARGIN = 14 * mm
ACROSS = WIDTH - 2 * MARGIN
TOP, BOTTOM = HEIGHT - MARGIN, 15 * mm
_FOOT = 8 * mm
_SMALL = 7


class _Quick:
    """Compresses fast rather than best: a report may have thousands of pages (the filter is that of ISO 32000-1, 7.4.4)."""

    pdfname = "FlateDecode"

    def encode(self, text: str) -> bytes:
        """The compressed content of a page."""
        return zlib.compress(text.encode("latin-1"), 1)


class Pages:
    """What is drawn so far; `at` is where the page stands, in points from below."""

    def __init__(self) -> None:
        self.drawn: list[str] = []
        self.at = TOP
        self._done: list[str] = []

    def turn(self) -> None:
        """The next page."""
        self._done.append("\n".join(self.drawn))
        self.drawn, self.at = [], TOP

    def make_room(self, needed: float) -> bool:
        """Turn the page when it has no more room; whether it was turned."""
        if self.at - needed >= BOTTOM:
            return False
        self.turn()
        return True

    def show(self, letters: Letters, text: str) -> None:
        """A text of its own, at the left margin, where the page stands."""
        self.drawn.append(_text(letters, MARGIN, self.at, text))

    def rule(self, thickness: float) -> None:
        """A line across."""
        self.drawn.append(f"{thickness} w {MARGIN:.1f} {self.at:.1f} m {MARGIN + ACROSS:.1f} {self.at:.1f} l S")

    def bind(self, canvas: Canvas, title: str) -> None:
        """Put all pages into the document, each with the title and its number at its foot."""
        self.turn()
        document: Any = canvas._doc  # type: ignore[attr-defined]
        small = Letters(document, PLAIN, _SMALL)
        for number, drawn in enumerate(self._done, 1):
            canvas.showPage()
            content = f"{drawn}\n{_foot(small, title, number, len(self._done))} "
            document.Pages.pages[-1].Contents = PDFStream(content=content, filters=[_Quick()])


def _foot(letters: Letters, title: str, number: int, count: int) -> str:
    told = f"page {number} of {count}"
    return "\n".join((_text(letters, MARGIN, _FOOT, title), _text(letters, MARGIN + ACROSS - letters.width(told), _FOOT, told)))


def _text(letters: Letters, left: float, up: float, text: str) -> str:
    return f"BT {letters.select} {left:.1f} {up:.1f} Td {letters.shown(text)} Tj ET"
