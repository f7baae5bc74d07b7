"""The register as a file: the report of the page, in the format that was asked for."""

from flask import Response

from service.records.register.report import Report
from service.reports import csv_text, json_text, pdf, xlsx
from service.reports.table import of


def answer(report: Report, wanted: str) -> Response:
    """The file."""
    headers = {"Content-Disposition": f'attachment; filename="{report.name}.{wanted}"', "X-Content-Type-Options": "nosniff"}
    if wanted == "json":
        return Response(json_text.written(report), headers=headers, content_type=json_text.MEDIA_TYPE)
    writer = {"csv": csv_text, "xlsx": xlsx, "pdf": pdf}[wanted]
    return Response(writer.written(of(report)), headers=headers, content_type=writer.MEDIA_TYPE)
