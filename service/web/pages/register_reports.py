"""The other pages of the register: vials on hand, open discrepancies, and the reports that can be asked for with a form each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from service.errors import BadRequest, NotFound
from service.fhir import temporal
from service.records.context import Context
from service.records.register import open_issues, stock
from service.records.register.question import Question
from service.records.register.report import NUMERIC, REFERENCE, Report
from service.rest.operations.operation import Operation, Parameter
from service.rest.operations.table import OPERATIONS, REPORTS
from service.web.pages import register as book
from service.web.pages import register_fields as fields
from service.web.pages.site import Site

MADE: Mapping[str, Callable[[Context, Question], Report]] = {"/vials": stock.report, "/discrepancies": open_issues.report}
"""The report of each page, by the end of its path."""
FIELDS = ("drug", "site", "lot")
_INPUTS = {"date": "date", "integer": "number"}


@dataclass(frozen=True, slots=True)
class Form:
    """One report that can be asked for: name, what it tells, where its form goes, its fields as (name, words, kind of input, required)."""

    code: str
    words: str
    url: str
    inputs: tuple[tuple[str, str, str, bool], ...]


def question(given: MultiDict[str, str]) -> Question:
    """What a page is asked for. Raises BadRequest for a field that there is not."""
    for name in given:
        if name not in (*FIELDS, fields.FORMAT):
            raise BadRequest.of("invalid", "parameter-unknown", f"The page has no field {name[:40]!r}. It has: {', '.join(FIELDS)}.")
    told = fields.once(fields.asked(given))
    asked = {name: fields.text_of(name, value) or None for name, value in told}
    site = fields.id_of("site", "Location", asked.get("site") or "") or None
    return Question(temporal.BEGINNING, temporal.END, site=site, substance=asked.get("drug"), lot=asked.get("lot"), told=told)


def parts(report: Report, asked: Question, path: str, site: Site) -> dict[str, Any]:
    """What a page shows of its report."""
    names = [column.name for column in report.columns]
    told = list(asked.told)
    return {
        "report": report,
        "here": path,
        "numeric": {column.name for column in report.columns if column.kind in NUMERIC},
        "rows": [
            [(name, text, _link(report, name, text, site)) for name, text in zip(names, texts, strict=True)] for texts in report.texts()
        ],
        "given": {name: dict(told).get(name, "") for name in FIELDS},
        "files": [(name.upper(), book.link(site, told, (fields.FORMAT, name), path=path)) for name in fields.FORMATS[1:]],
    }


def _link(report: Report, name: str, text: str, site: Site) -> str | None:
    """To the resource that a cell names; from a vial and a lot to their lines."""
    if not text:
        return None
    if any(column.name == name and column.kind == REFERENCE for column in report.columns):
        return site.reference(text)
    return f"{site.root}{book.PATH}?{urlencode({name: text})}" if name in ("vial", "lot") else None


def forms(site: Site) -> list[Form]:
    """The reports, in the order of the table of operations."""
    return [_form(one, site) for one in OPERATIONS if one.reports]


def _form(one: Operation, site: Site) -> Form:
    inputs = tuple((each.name, _words(each), _INPUTS.get(each.type, "text"), each.required) for each in one.parameters)
    return Form(one.code, one.documentation, f"{site.root}{book.PATH}/reports/{one.code}", inputs)


def url(site: Site, code: str, given: MultiDict[str, str]) -> str:
    """The URL of a report with what was typed. Raises NotFound: only what is a report is led to."""
    if code not in REPORTS:
        raise NotFound.of("not-found", "unknown-id", "There is no such report. /register/reports lists those that are.")
    typed = urlencode([(name, value.strip()) for name, value in given.items(multi=True) if value.strip()])
    return f"{site.base}/${code}{'?' + typed if typed else ''}"


def _words(one: Parameter) -> str:
    """The name of a parameter as people read it: `asOf` is "as of"."""
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in one.name)
    return spaced[:1].upper() + spaced[1:]
