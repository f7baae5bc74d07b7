"""A report of the register as Parameters (https://hl7.org/fhir/R4/parameters.html).

`title`, a `header` for each statement, a `column` for each column, a `row` for each row with a part for each cell that has something, a
`total` for each total, and `count`, the number of rows. The parts of a row have the names of the columns; the first one is always there.
They are made from the texts that all formats show.
"""

from collections.abc import Iterator, Sequence

from service.fhir.document import quoted
from service.records.register.report import Column, Report, plain
from service.reports.pieces import Piece, Style, Wrap, joined

MEDIA_TYPE = "application/fhir+json"
_TYPES = {
    "date": "valueDate",
    "instant": "valueDateTime",
    "flag": "valueBoolean",
    "ug": "valueDecimal",
    "ul": "valueDecimal",
    "percent": "valueDecimal",
    "number": "valueInteger",
}
_BARE = frozenset({"valueBoolean", "valueDecimal", "valueInteger"})
_REFERENCE = "reference"
_WORDS = {"yes": "true", "no": "false", "": ""}
_ABSENT = '"_valueString":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]}}'


def written(report: Report) -> Iterator[str]:
    """The resource, piece by piece."""
    yield f'{{"resourceType":"Parameters","parameter":[{_string("title", report.title)}'
    yield from (f",{_group('header', (_string('name', name), _string('text', told)))}" for name, told in report.header)
    yield from (f",{_column(column)}" for column in report.columns)
    for name, rows in (("row", report.rows), ("total", report.totals)):
        yield from joined(report, rows, Style(f',{{"name":"{name}","part":[', _wrap, "]}"))
    yield f',{{"name":"count","valueInteger":{len(report.rows)}}}]}}'


def _wrap(place: int, column: Column) -> Wrap:
    member = _TYPES.get(column.kind, "valueString")
    before = f'{"," if place else ""}{{"name":{quoted(column.name)},'
    absent = "" if place else before + _ABSENT
    if member in _BARE:
        is_flag = member == "valueBoolean"
        return lambda texts: _around(f'{before}"{member}":', [_WORDS[text] for text in texts] if is_flag else texts, "}", absent)
    if column.kind == _REFERENCE:
        return lambda texts: _quoted(f'{before}"valueReference":{{"reference":', texts, "}}", absent)
    return lambda texts: _quoted(f'{before}"{member}":', texts, "}", absent)


def _quoted(before: str, texts: Sequence[str], after: str, absent: str) -> Piece:
    joint = "".join(texts)  # texts of a report have no control characters
    if '"' not in joint and "\\" not in joint:
        return _around(f'{before}"', texts, f'"{after}', absent)
    return _around(before, [quoted(text) if text else "" for text in texts], after, absent)


def _around(before: str, texts: Sequence[str], after: str, absent: str) -> Piece:
    """Where some texts are empty, these have nothing around them."""
    if all(texts):
        return before, texts, after
    return "", [f"{before}{text}{after}" if text else absent for text in texts], ""


def _column(column: Column) -> str:
    told = (("name", column.name), ("title", column.title), ("kind", column.kind), ("basis", column.basis))
    return _group("column", [_string(name, text) for name, text in told if text])


def _group(name: str, parts: Sequence[str]) -> str:
    return f'{{"name":"{name}","part":[{",".join(parts)}]}}'


def _string(name: str, text: str) -> str:
    return f'{{"name":"{name}","valueString":{quoted(plain(text) or "-")}}}'
