"""`$meta`: the profiles, tags and security labels of a resource, of a version, of a type or of the whole record.

Of a resource or a version it is the `meta` that a read would give; of a type or the whole record it is everything in use there, each
once. https://hl7.org/fhir/R4/resource-operation-meta.html
"""

from collections.abc import Mapping
from typing import Any

from service.fhir.document import encode, stored
from service.records import labels
from service.records import read as records
from service.records.context import Context
from service.records.read import Version
from service.rest import response, version_number
from service.rest.exchange import Call, FhirResponse
from service.rest.operations.arguments import Arguments
from service.rest.operations.operation import INSTANCE, STANDARD, SYSTEM, TYPE, VERSION, Operation


def run(ctx: Context, call: Call, _: Arguments) -> FhirResponse:
    """Answers with Parameters whose `return` is a Meta."""
    if call.id is None:
        return FhirResponse(200, parameters(labels.in_use(ctx, call.type)))
    version = _version(ctx, call)
    assert version.text is not None
    ctx.trail.saw(version.type, version.text)
    return of_version(version.text, response.Named(version.type, version.id, version.version, version.last_updated))


def of_version(text: str, named: response.Named) -> FhirResponse:
    """The meta of one version."""
    return FhirResponse(200, parameters(stored(text).tree["meta"]), response.validators(named), last_updated=named.last_updated)


def parameters(meta: Mapping[str, Any]) -> str:
    """The Parameters that return `meta`; without content where there is nothing to return."""
    returned = {"parameter": [{"name": "return", "valueMeta": meta}]} if meta else {}
    return encode({"resourceType": "Parameters", **returned})


def _version(ctx: Context, call: Call) -> Version:
    if call.version is None:
        return records.read(ctx, call.named_type, call.named_id)
    return records.vread(ctx, call.named_type, call.named_id, version_number.of(call))


OPERATION = Operation(
    code="meta",
    levels=frozenset({SYSTEM, TYPE, INSTANCE, VERSION}),
    types=frozenset(),
    changes_state=False,
    definition=STANDARD + "Resource-meta",
    documentation="The profiles, tags and security labels of a resource, a version, a type or the whole record.",
    parameters=(),
    run=run,
)
