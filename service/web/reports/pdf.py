"""A report as PDF: a table over as many pages as it takes, its heading, its statements and "page n of m" on each.

The letters are in the file, so that it looks the same everywhere; a letter that the font does not have is written as its code point.
"""

import io
from functools import cache
from typing import Any

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, LongTable, Paragraph, SimpleDocTemplate, Spacer, TableStyle

from service.web.reports.table import Table

MEDIA_TYPE = "application/pdf"
_PLAIN, _BOLD = "Vera", "VeraBd"
_PAGE = landscape(A4)
_MARGIN = 14 * mm
_LINES = TableStyle(
    [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, 0), 0.8, colors.black),
        ("LINEBELOW", (0, 1), (-1, -1), 0.25, colors.grey),
        ("LEFTPADDING", (0, 0), (-1, -1), 2),
        ("RIGHTPADDING", (0, 0), (-1, -1), 4),
    ]
)


def written(table: Table) -> bytes:
    """The report as the bytes of a file."""
    _register()
    content = io.BytesIO()
    document = SimpleDocTemplate(
        content,
        pagesize=_PAGE,
        title=table.title,
        author="Infusion Records",
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN,
        invariant=True,
    )
    document.build(_content(table, document.width), canvasmaker=_numbered(table))
    return content.getvalue()


def _content(table: Table, width: float) -> list[Flowable]:
    heading = [Paragraph(_escaped(table.title), _style(13, bold=True)), Spacer(1, 2 * mm)]
    said = [Paragraph(_escaped(f"{name}: {told}"), _style(8)) for name, told in table.statements]
    if not table.rows:
        return [*heading, *said, Spacer(1, 4 * mm), Paragraph(_escaped(table.nothing), _style(9))]
    shares = table.widths or (1,) * len(table.columns)
    cells = [[Paragraph(_escaped(one), _style(8, bold=True)) for one in table.columns]]
    cells += [[Paragraph(_escaped(cell), _style(7.5)) for cell in row] for row in table.rows]
    columns = [width * share / sum(shares) for share in shares]
    return [*heading, *said, Spacer(1, 4 * mm), LongTable(cells, colWidths=columns, repeatRows=1, style=_LINES)]


def _numbered(table: Table) -> type[Canvas]:
    """A canvas that writes the number of every page, and of all, when the last one is done."""

    class Numbered(Canvas):
        """Keeps its pages until it knows how many they are."""

        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self._pages: list[dict[str, Any]] = []

        def showPage(self) -> None:  # noqa: N802 - reportlab's name
            self._pages.append(dict(self.__dict__))
            self._startPage()  # type: ignore[attr-defined]

        def save(self) -> None:
            for number, page in enumerate(self._pages, 1):
                self.__dict__.update(page)
                self.setFont(_PLAIN, 7)
                self.drawString(_MARGIN, 8 * mm, _known(table.title))
                self.drawRightString(_PAGE[0] - _MARGIN, 8 * mm, f"page {number} of {len(self._pages)}")
                super().showPage()
            super().save()

    return Numbered


@cache
def _register() -> None:
    for name in (_PLAIN, _BOLD):
        pdfmetrics.registerFont(TTFont(name, f"{name}.ttf"))


@cache
def _style(size: float, bold: bool = False) -> ParagraphStyle:
    return ParagraphStyle(
        f"{size}{bold}", fontName=_BOLD if bold else _PLAIN, fontSize=size, leading=size * 1.25, wordWrap="LTR", splitLongWords=1
    )


def _escaped(text: str) -> str:
    """Text without markup of its own."""
    return _known(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _known(text: str) -> str:
    letters = pdfmetrics.getFont(_PLAIN).face.charToGlyph  # type: ignore[attr-defined]
    return "".join(one if ord(one) in letters else f"[U+{ord(one):04X}]" for one in text)
