"""A report as text: what every format shows, cell for cell."""

from collections.abc import Iterable
from dataclasses import dataclass

from service.records.register.report import NUMERIC, Report, titles


@dataclass(frozen=True, slots=True)
class Table:
    """`statements` are (name, text) about the whole: of whom, of when, made by whom. `widths` are the shares of the columns on paper.

    `rows` and `totals` are looked at once; `numeric` are the places of the columns whose texts are numbers.
    """

    title: str
    statements: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    rows: Iterable[tuple[str, ...]]
    widths: tuple[int, ...] = ()
    nothing: str = "Nothing to report. That is an answer: the service looked and found none."
    """What stands in the place of the rows where there are none."""
    totals: Iterable[tuple[str, ...]] = ()
    numeric: frozenset[int] = frozenset()


def of(report: Report) -> Table:
    """The report of the register as text."""
    return Table(
        title=report.title,
        statements=report.header,
        columns=tuple(titles(report.columns)),
        rows=report.texts(),
        widths=tuple(column.width for column in report.columns),
        nothing=report.nothing,
        totals=report.total_texts(),
        numeric=frozenset(place for place, column in enumerate(report.columns) if column.kind in NUMERIC),
    )
