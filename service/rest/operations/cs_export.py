"""`$cs-export`: everything about controlled substances of a period, in signed files (https://hl7.org/fhir/R4/async.html).

It is asked for with `Prefer: respond-async`. The answer is 202 with the URL of its state in Content-Location; that URL answers 202 with
X-Progress while the worker makes it, then 200 with the list of its files.
"""

from service.errors import BadRequest, Issue
from service.fhir import outcome
from service.fhir.document import encode
from service.records.context import Context
from service.records.register import exports
from service.rest import preference, site_url
from service.rest.exchange import Call, FhirResponse
from service.rest.operations.arguments import Arguments
from service.rest.operations.operation import CLINIC, SYSTEM, Operation, Parameter


def run(ctx: Context, call: Call, given: Arguments) -> FhirResponse:
    """Answers 202. BadRequest without `Prefer: respond-async`: it takes minutes, and its files are not one resource."""
    if not preference.parse(call.header("prefer")).is_async:
        told = "An export is made while you wait elsewhere. Send the header `Prefer: respond-async`."
        raise BadRequest.of("not-supported", "export-async", told)
    since, until = exports.period(ctx.service, given.text("start"), given.text("end"))
    asked = exports.ask(ctx, since, until)
    told = f"The export is waiting to be made. {site_url.export(ctx, asked.id)} says how it stands."
    body = encode(outcome.tree([Issue("information", "informational", "export", told)]))
    return FhirResponse(202, body, {"Content-Location": site_url.export(ctx, asked.id), "Preference-Applied": "respond-async"})


OPERATION = Operation(
    code="cs-export",
    levels=frozenset({SYSTEM}),
    types=frozenset(),
    changes_state=False,
    definition=CLINIC + "cs-export",
    documentation="Everything about controlled substances of a period, in files signed with the key of the audit log. Asynchronous.",
    parameters=(Parameter("start", "date"), Parameter("end", "date")),
    run=run,
)
