"""Which formats a report of the register comes in, and one function that writes it in any of them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from service.records.register.report import Report
from service.reports import csv_text, json_text, pdf, table, xlsx

JSON, CSV, XLSX, PDF = "json", "csv", "xlsx", "pdf"


@dataclass(frozen=True, slots=True)
class Format:
    """A format: its media type, what writes a report in it, and what does so piece by piece, where that can be done."""

    media_type: str
    written: Callable[[Report], bytes]
    pieces: Callable[[Report], Iterator[str]] | None = None


FORMATS: Mapping[str, Format] = {
    CSV: Format(csv_text.MEDIA_TYPE, lambda report: "".join(csv_text.of_report(report)).encode(), csv_text.of_report),
    XLSX: Format(xlsx.MEDIA_TYPE, lambda report: xlsx.written(table.of(report))),
    PDF: Format(pdf.MEDIA_TYPE, lambda report: pdf.written(table.of(report))),
}
"""By the word for `_format`, which is the ending of the file too."""


PARAMETERS = Format(json_text.MEDIA_TYPE, lambda report: parameters(report).encode(), json_text.written)
"""The format of FHIR itself."""


def parameters(report: Report) -> str:
    """The report as the JSON text of a Parameters resource."""
    return "".join(json_text.written(report))
