"""Answers as entries of a batch-response or transaction-response (https://hl7.org/fhir/R4/http.html#transaction-response)."""

from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from service.clock import to_text
from service.fhir.bundle import Entry, bundle
from service.fhir.document import stored
from service.rest.exchange import FhirResponse
from service.rest.response import AUDIT_ENTRY

EXTENSION = "https://clinic.example/fhir/StructureDefinition/audit-entry"
_OUTCOME = '{"resourceType":"OperationOutcome"'
_HEADERS = {"location": "Location", "etag": "ETag"}


def bundled(type: str, responses: Sequence[FhirResponse]) -> FhirResponse:
    """The Bundle of `type` with one entry for each response, in their order."""
    failed = sum(response.status >= 400 for response in responses)
    return FhirResponse(200, bundle(type, map(_entry, responses)), {"X-Entries-Failed": str(failed)} if failed else {})


def _entry(response: FhirResponse) -> Entry:
    status = HTTPStatus(response.status)
    told: dict[str, Any] = {"status": f"{status.value} {status.phrase}"}
    if entry := response.headers.get(AUDIT_ENTRY):
        told["extension"] = [{"url": EXTENSION, "valueString": entry}]
    told |= {member: response.headers[header] for member, header in _HEADERS.items() if header in response.headers}
    if modified := _modified(response):
        told["lastModified"] = modified
    body = response.body if isinstance(response.body, str) else None
    if body is not None and body.startswith(_OUTCOME):
        return Entry(response={**told, "outcome": stored(body).tree})
    return Entry(_full_url(response) if body else None, body, response=told)


def _modified(response: FhirResponse) -> str | None:
    if response.last_updated is not None:
        return to_text(response.last_updated)
    if header := response.headers.get("Last-Modified"):
        return to_text(int(parsedate_to_datetime(header).timestamp()) * 1_000_000)
    return None


def _full_url(response: FhirResponse) -> str | None:
    return response.headers.get("Content-Location", "").partition("/_history/")[0] or None
