"""One table, four formats: whatever its cells hold, every format has the same rows, and no program takes a text for anything else."""

import csv
import io
import json
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pypdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from service.fhir.document import Limits, decode
from service.records.register import report as reports
from service.records.register.report import Column, Report, Shared
from service.reports import csv_text, table
from service.reports.writing import FORMATS, parameters

ZONE = ZoneInfo("America/Los_Angeles")
COLUMNS = (
    Column("record", "Record", "reference", width=30),
    Column("occurred", "Occurred", "instant", "law", 25),
    Column("name", "Name", "text", "law", 30),
    Column("born", "Born", "date", "", 12),
    Column("amount", "Amount mg", "ug", "law", 12),
    Column("volume", "Volume mL", "ul", "policy", 12),
    Column("count", "Count", "number", "", 8),
    Column("share", "Share", "percent", "", 8),
    Column("late", "Late", "flag", "policy", 8),
    Column("note", "Note", "text", "", 60),
)
HOSTILE = (
    *("=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=cmd|' /C calc'!A0", "'=1", "plain", "a,b", 'say "so"', "back\\slash", "line\r\nbreak"),
    *(
        "two  blanks",
        " led by one",
        "a\x00b\x01c",
        "Łódź 病院 Ω",
        "<b>&amp;</b> (x) \\)",
        "|bar |",
        "x" * 300,
        "]}",
        '"},',
        "\x00]}",
        "http://a.b",
    ),
)
INSTANT = 1_795_349_984_000_000


def made(notes: tuple[str | None, ...]) -> Report:
    """A report with a row for each note; what rows share stands in the middle."""
    shared = Shared(("1982-05-04", -32_200))
    rows = [
        (
            f"Observation/{number}",
            INSTANT + number * 1_000_000,
            notes[-1 - number],
            shared if number % 3 else Shared((None, 1_000_000)),
            644 if number % 2 else None,
            number,
            number * 7,
            bool(number % 2) if number % 5 else None,
            note,
        )
        for number, note in enumerate(notes)
    ]
    totals = [("Observation/0", None, "Total", None, 5, None, None, None, None, None)]
    return Report("cs-test", "A test", (("Site", "=evil()"), ("Filters", "none")), COLUMNS, rows, ZONE, totals)


def told(report: Report) -> list[list[str]]:
    """The rows as they should be, everywhere."""
    return [list(row) for row in report.texts()]


def of_json(report: Report) -> list[list[str]]:
    """The rows of the Parameters."""
    tree = json.loads(parameters(report), parse_float=str, parse_int=str)
    names = [column.name for column in report.columns]
    rows = []
    for one in tree["parameter"]:
        if one["name"] == "row":
            parts = {part["name"]: _value(part) for part in one["part"]}
            rows.append([parts.get(name, "") for name in names])
    return rows


def _value(part: dict[str, Any]) -> str:
    value = next(value for name, value in part.items() if name.startswith("value"))
    if isinstance(value, dict):
        return str(value["reference"])
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def of_csv(report: Report) -> list[list[str]]:
    """The rows of the CSV, without the apostrophe that keeps a spreadsheet from calculating."""
    lines = list(csv.reader(io.StringIO(FORMATS["csv"].written(report).decode("utf-8-sig"), newline="")))
    plain = [[_plain(cell, column) for cell, column in zip(row, report.columns, strict=True)] for row in lines[1 : 1 + len(report.rows)]]
    assert lines[0] == reports.titles(report.columns)
    return plain


def _plain(cell: str, column: Column) -> str:
    if column.kind in reports.NUMERIC:
        assert not cell.startswith("'")
        return cell
    assert not cell.lstrip(" ").startswith(("=", "+", "-", "@"))
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(("=", "+", "-", "@")) else cell


def of_workbook(report: Report) -> list[list[str]]:
    """The rows of the workbook: numbers are numbers there, everything else is text."""
    sheet = load_workbook(io.BytesIO(FORMATS["xlsx"].written(report))).worksheets[0]
    rows = []
    for row in sheet.iter_rows(min_row=2, max_row=1 + len(report.rows), max_col=len(report.columns)):
        for cell, column in zip(row, report.columns, strict=True):
            assert cell.value is None or cell.data_type == ("n" if column.kind in reports.NUMERIC else "s"), cell
            assert cell.hyperlink is None
        rows.append(
            [
                _number(cell.value) if column.kind in reports.NUMERIC else cell.value or ""
                for cell, column in zip(row, report.columns, strict=True)
            ]
        )
    return rows


def _number(value: Any) -> str:
    return "" if value is None else f"{Decimal(str(value)).normalize():f}"


def normal(rows: list[list[str]]) -> list[list[str]]:
    """Numbers without zeros at their end, as workbooks have them."""
    return [
        [_number(cell) if cell and column.kind in reports.NUMERIC else cell for cell, column in zip(row, COLUMNS, strict=True)]
        for row in rows
    ]


def test_every_format_has_the_same_rows() -> None:
    report = made(HOSTILE)
    rows = told(report)
    assert len(rows) == len(HOSTILE) > 20
    assert of_json(report) == rows
    assert of_csv(report) == [[cell.removeprefix("'") if cell == "'=1" else cell for cell in row] for row in rows]
    assert of_workbook(report) == normal(rows)
    assert of_paper(report, rows) == len(rows)


def of_paper(report: Report, rows: list[list[str]]) -> int:
    """How many of the rows stand on paper, cell for cell, one after the other."""
    text = "".join("".join(page.extract_text().split()) for page in pypdf.PdfReader(io.BytesIO(FORMATS["pdf"].written(report))).pages)
    found, at = 0, 0
    for row in rows:
        cells = ["".join(_known(cell).split()) for cell in row]
        for cell in cells:
            at = text.find(cell, at)
            assert at >= 0, cell
        found += 1
    return found


def _known(cell: str) -> str:
    from service.reports.letters import known

    return known(cell)


def test_text_is_in_one_line_and_has_no_control_characters() -> None:
    for note, cell in zip(HOSTILE, (row[-1] for row in made(HOSTILE).texts()), strict=True):
        assert cell == reports.plain(note)
        assert not set(cell) & set("\r\n\t\x00\x01")
    assert reports.plain("a\x00b\x01c") == "a b c"
    assert reports.plain(" x \n y ") == "x y"
    assert len(reports.plain("x" * 40_000)) == reports.LONGEST


@given(st.lists(st.none() | st.text(max_size=40), min_size=1, max_size=12))
def test_whatever_the_cells_hold_programs_read_the_same(notes: list[str | None]) -> None:
    report = made(tuple(notes))
    rows = told(report)
    assert of_json(report) == rows
    assert [row[:-1] for row in of_csv(report)] == [row[:-1] for row in rows]
    assert of_workbook(report) == normal(rows)


def test_the_texts_of_a_table_and_of_a_report_are_one_csv() -> None:
    report = made(HOSTILE)
    assert "".join(csv_text.of_report(report)) == csv_text.written(table.of(report))


@pytest.mark.parametrize("rows", [0, 1, 2500])
def test_parameters_are_valid(rows: int) -> None:
    report = made(tuple(f"note {number}" for number in range(rows)))
    tree = json.loads(parameters(report))
    assert tree["parameter"][-1] == {"name": "count", "valueInteger": rows}
    assert sum(one["name"] == "row" for one in tree["parameter"]) == rows
    assert sum(one["name"] == "total" for one in tree["parameter"]) == 1
    assert decode(parameters(report).encode(), Limits()).tree["resourceType"] == "Parameters"


def test_the_first_part_says_that_it_has_nothing() -> None:
    report = Report("cs-test", "A test", (), COLUMNS, [(None,) * 10], ZONE)
    [row] = [one for one in json.loads(parameters(report))["parameter"] if one["name"] == "row"]
    [part] = row["part"]
    assert part["name"] == "record"
    assert part["_valueString"]["extension"][0]["valueCode"] == "unknown"


def test_paper_numbers_its_pages_repeats_its_heading_and_folds_wide_tables() -> None:
    report = made(tuple(f"note {number}" for number in range(400)))
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(FORMATS["pdf"].written(report))).pages]
    assert len(pages) > 5
    for number, page in enumerate(pages, 1):
        assert f"page {number} of {len(pages)}" in page
        assert "Amount mg" in page
    assert "Total" in pages[-1]
    long = Report("cs-test", "A test", (), COLUMNS, [("Observation/1", INSTANT, "word " * 3000, *(None,) * 7)], ZONE)
    assert "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(FORMATS["pdf"].written(long))).pages).count("word") == 3000
    nothing = Report("cs-test", "A test", (), COLUMNS, [], ZONE)
    assert "Nothing to report" in pypdf.PdfReader(io.BytesIO(FORMATS["pdf"].written(nothing))).pages[0].extract_text()


def test_the_workbook_tells_what_it_is_on_a_sheet_of_its_own() -> None:
    book = load_workbook(io.BytesIO(FORMATS["xlsx"].written(made(("a",)))))
    assert book.sheetnames == ["Rows", "About"]
    assert [row[0].value for row in book["About"].iter_rows()] == ["Report", "Site", "Filters"]
    assert book["About"]["B2"].value == "=evil()"
    assert book["About"]["B2"].data_type == "s"
    assert book["Rows"].freeze_panes == "A2"
    assert book["Rows"]["C3"].value == "Total"


@pytest.mark.parametrize(
    ("kind", "cell", "text"),
    [
        ("instant", INSTANT, "2026-11-22T04:19:44-08:00"),
        ("instant", 10**18, "9999-12-31T23:59:59+00:00"),
        ("ug", 32_200, "32.2"),
        ("ug", -5, "-0.005"),
        ("ug", 0, "0"),
        ("ul", 50_000, "50"),
        ("percent", 3_333, "33.33"),
        ("number", 12, "12"),
        ("flag", True, "yes"),
        ("flag", False, "no"),
        ("text", "  a ", "a"),
        *((kind, None, "") for kind in ("text", "date", "instant", "reference", "flag", "ug", "ul", "number", "percent")),
    ],
)
def test_a_cell_is_one_text(kind: str, cell: Any, text: str) -> None:
    assert reports.text(Column("a", "A", kind), cell, ZONE) == text
