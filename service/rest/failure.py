"""An exception that nobody expected: 500 without detail for the client, and where it happened for the log.

The message of an exception may hold values of the record, so the log gets its class and the lines of code alone.
"""

import logging
import traceback

from service.errors import Issue
from service.fhir import outcome
from service.fhir.document import encode
from service.rest.exchange import FhirResponse

_LOG = logging.getLogger("infusion_records.failure")


def unexpected(error: BaseException, request_id: str) -> FhirResponse:
    """The answer to a request that failed; logs where."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    _LOG.error("unexpected failure", extra={"request_id": request_id, "exception": type(error).__name__, "frames": lines})
    told = f"The server failed on this request. Quote request id {request_id} to its operator."
    return FhirResponse(500, encode(outcome.tree([Issue("fatal", "exception", "unexpected", told)])))
