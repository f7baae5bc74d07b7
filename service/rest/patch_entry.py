"""A JSON Patch inside a Bundle travels as a Binary (https://hl7.org/fhir/R4/http.html#patch, "Patch in a Bundle")."""

import base64
import binascii
from dataclasses import replace

from service.errors import BadRequest
from service.fhir.document import Document
from service.rest.body import JSON_PATCH
from service.rest.exchange import FhirRequest


def unwrapped(where: str, request: FhirRequest, binary: Document) -> FhirRequest:
    """The request with the content of the Binary as its body. BadRequest when that is no base64 or no JSON Patch."""
    expression = f"{where}.resource"
    if binary.tree.get("contentType") != JSON_PATCH:
        raise BadRequest.of(
            "value",
            "patch-binary",
            f"A patch in a Bundle is a Parameters resource or a Binary with contentType {JSON_PATCH}.",
            f"{expression}.contentType",
        )
    try:
        body = base64.b64decode("".join(str(binary.tree.get("data", "")).split()), validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest.of("value", "patch-binary", "The data of the Binary is not base64.", f"{expression}.data") from None
    return replace(request, body=body, headers={**request.headers, "content-type": JSON_PATCH})
