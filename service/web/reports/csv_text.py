"""A report as CSV (https://www.rfc-editor.org/rfc/rfc4180): the heading, then the rows; the statements stand after them.

A spreadsheet takes a cell that begins like a formula for one, and runs it. Such a cell gets an apostrophe in front, which spreadsheets
show as text (https://owasp.org/www-community/attacks/CSV_Injection). The text begins with a byte order mark, so that they read it as UTF-8.
"""

import csv
import io

from service.web.reports.table import Table

MEDIA_TYPE = "text/csv; charset=utf-8"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_MARK = "\ufeff"


def written(table: Table) -> str:
    """The report as text."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(map(inert, table.columns))
    writer.writerows([inert(cell) for cell in row] for row in table.rows)
    writer.writerow([])
    writer.writerows([inert(name), inert(told)] for name, told in (("Report", table.title), *table.statements))
    return _MARK + text.getvalue()


def inert(cell: str) -> str:
    """The cell, so that no spreadsheet calculates it."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA) or cell.startswith(_FORMULA) else cell
