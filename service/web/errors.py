"""Whatever goes wrong leaves as an OperationOutcome (https://hl7.org/fhir/R4/operationoutcome.html)."""

from flask import Flask, Response, g
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from service.errors import Issue, ServiceError
from service.fhir import outcome
from service.fhir.document import encode
from service.rest import failure, response
from service.rest.exchange import FhirResponse
from service.storage.failures import Collision, overloaded
from service.web import negotiation

_CODES = {400: "invalid", 404: "not-found", 405: "not-supported", 413: "too-long"}


def answered(error: Exception) -> FhirResponse:
    """The answer to a request that ended in `error`."""
    if isinstance(error, ServiceError):
        return response.refused(error)
    if isinstance(error, Collision):
        return response.refused(overloaded("busy", "Other writes got in the way. Nothing was written; send it again."))
    return failure.unexpected(error, g.get("request_id", ""))


def register(app: Flask) -> None:
    """Lets what happens outside the FHIR routes end the same way."""
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, lambda error: negotiation.presented(answered(error), negotiation.Look()))


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    issue = Issue(
        "error", _CODES.get(status, "processing"), "http", f"{error.name}. The FHIR API and its pages are linked from the home page."
    )
    plain = FhirResponse(status, encode(outcome.tree([issue])), _allow(error))
    return negotiation.presented(plain, negotiation.Look())


def _allow(error: HTTPException) -> dict[str, str]:
    methods = error.valid_methods if isinstance(error, MethodNotAllowed) else None
    return {"Allow": ", ".join(sorted(methods))} if methods else {}
