"""The register as a file: the report of the page, in the format that was asked for."""

from flask import Response

from service.records.register.report import Report
from service.reports import json_text, writing


def answer(report: Report, wanted: str) -> Response:
    """The file."""
    headers = {"Content-Disposition": f'attachment; filename="{report.name}.{wanted}"', "X-Content-Type-Options": "nosniff"}
    if wanted == "json":
        return Response(writing.parameters(report), headers=headers, content_type=json_text.MEDIA_TYPE)
    made = writing.FORMATS[wanted]
    return Response(made.written(report), headers=headers, content_type=made.media_type)
