"""A report as data: what every format shows, cell for cell."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """`statements` are (name, text) about the whole: of whom, of when, made by whom. `widths` are the shares of the columns on paper."""

    title: str
    statements: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[int, ...] = ()
    nothing: str = "Nothing to report. That is an answer: the service looked and found none."
    """What stands in the place of the rows where there are none."""
