"""The answer of an operation that reports: Parameters, or a file of the same rows when the request asks for one.

The name of the file tells the operation and when it was made, and nothing of anybody.
"""

from collections.abc import Mapping

from service.clock import to_datetime
from service.records.context import Context
from service.records.register.report import Report
from service.records.register.uncollected import uncollected
from service.reports import writing
from service.reports.writing import PARAMETERS, Format
from service.rest.exchange import Call, FhirResponse

LONG = 2_000
"""Rows of a report that is written while it is sent."""


def answer(ctx: Context, call: Call, report: Report) -> FhirResponse:
    """The report as the request wants it. An entry of a Bundle has Parameters, whatever it asks for."""
    asked = call.request.format
    if asked not in writing.FORMATS:
        is_long = asked == writing.JSON and len(report.rows) > LONG
        return _streamed(PARAMETERS, report, {}) if is_long else FhirResponse(200, writing.parameters(report))
    made = to_datetime(ctx.service.clock()).astimezone(report.zone)
    headers = {"Content-Disposition": f'attachment; filename="{report.name}-{made:%Y%m%dT%H%M%S}.{asked}"'}
    wanted = writing.FORMATS[asked]
    if wanted.pieces is not None and len(report.rows) > LONG:
        return _streamed(wanted, report, headers)
    with uncollected():
        return FhirResponse(200, wanted.written(report), headers, content_type=wanted.media_type)


def _streamed(wanted: Format, report: Report, headers: Mapping[str, str]) -> FhirResponse:
    assert wanted.pieces is not None
    pieces = (piece.encode() for piece in wanted.pieces(report))
    return FhirResponse(200, b"", headers, content_type=wanted.media_type, pieces=pieces)
