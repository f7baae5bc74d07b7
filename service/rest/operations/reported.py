"""The answer of an operation that reports: Parameters, or a file of the same rows when the request asks for one.

The name of the file tells the operation and when it was made, and nothing of anybody.
"""

from service.clock import to_datetime
from service.records.context import Context
from service.records.register.report import Report
from service.reports import writing
from service.rest.exchange import Call, FhirResponse


def answer(ctx: Context, call: Call, report: Report) -> FhirResponse:
    """The report as the request wants it. An entry of a Bundle has Parameters, whatever it asks for."""
    wanted = writing.FORMATS.get(call.request.format)
    if wanted is None:
        return FhirResponse(200, writing.parameters(report))
    made = to_datetime(ctx.service.clock()).astimezone(report.zone)
    name = f"{report.name}-{made:%Y%m%dT%H%M%S}.{call.request.format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return FhirResponse(200, wanted.written(report), headers, content_type=wanted.media_type)
