"""A report as a workbook (Office Open XML): one sheet with the heading, the rows and the totals, one with the statements.

Numbers are numbers, everything else is text: no cell is taken for a formula, a link or a date, whatever it begins with. Rows go to a file
of this process alone while they are made, so that a long report takes little memory; it is gone when the workbook is.
"""

import io
import tempfile
from collections.abc import Iterable, Sequence
from decimal import Decimal

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from service.reports.table import Table

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_TEXT_ONLY = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_CHARACTERS = 1.2
_WIDEST = 60


def written(table: Table) -> bytes:
    """The report as the bytes of a file."""
    content = io.BytesIO()
    with tempfile.TemporaryDirectory(prefix="report-") as folder:
        book = Workbook(content, {"constant_memory": True, "tmpdir": folder, **_TEXT_ONLY})
        bold = book.add_format({"bold": True})
        _fill(book.add_worksheet("Rows"), table, bold)
        _tell(book.add_worksheet("About"), table, bold)
        book.close()
    return content.getvalue()


def _fill(sheet: Worksheet, table: Table, bold: Format) -> None:
    for place, share in enumerate(table.widths):
        sheet.set_column(place, place, min(share * _CHARACTERS, _WIDEST))
    sheet.freeze_panes(1, 0)
    sheet.set_landscape()
    sheet.repeat_rows(0)
    sheet.set_footer("&L&A&Rpage &P of &N")
    _rows(sheet, (table.columns,), frozenset(), 0, bold)
    after = _rows(sheet, table.rows, table.numeric, 1, None)
    _rows(sheet, table.totals, table.numeric, after, bold)


def _rows(sheet: Worksheet, rows: Iterable[Sequence[str]], numeric: frozenset[int], first: int, look: Format | None) -> int:
    """Write the rows from the line `first` on; the line after them."""
    line = first
    for row in rows:
        for place, cell in enumerate(row):
            if not cell:
                continue
            if place in numeric:
                sheet.write_number(line, place, Decimal(cell), look)
            else:
                sheet.write_string(line, place, cell, look)
        line += 1
    return line


def _tell(sheet: Worksheet, table: Table, bold: Format) -> None:
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 120)
    for line, (name, told) in enumerate((("Report", table.title), *table.statements)):
        sheet.write_string(line, 0, name, bold)
        sheet.write_string(line, 1, told)
