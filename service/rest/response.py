"""What a stored resource or a committed change looks like on the wire (https://hl7.org/fhir/R4/http.html#ops)."""

from base64 import b64encode
from dataclasses import dataclass, replace

from service.errors import ServiceError
from service.fhir import outcome
from service.fhir.document import encode
from service.fhir.document import stored as stored_document
from service.records import write
from service.records.context import Context
from service.records.write import Committed, Mark
from service.rest.exchange import FhirResponse
from service.rest.precondition import etag, http_date
from service.rest.preference import Preference, Return, applied

AUDIT_ENTRY = "X-Audit-Entry"
"""The header of a write's answer: `id;leaf=base64` of each entry of the audit trail that tells of it (docs/audit.md)."""
_MOST_MARKS = 20
_STATUS = {write.CREATED: 201, write.UPDATED: 200, write.UNCHANGED: 200, write.EXISTING: 200}


@dataclass(frozen=True, slots=True)
class Named:
    """One version of a resource, enough to write its header fields."""

    type: str
    id: str
    version: int
    last_updated: int


def url(ctx: Context, *segments: str) -> str:
    """An absolute URL below the FHIR base, which comes from the settings and never from the request."""
    return "/".join((ctx.service.settings.base_url.rstrip("/"), *segments))


def version_url(ctx: Context, named: Named) -> str:
    """The URL of one version."""
    return url(ctx, named.type, named.id, "_history", str(named.version))


def validators(named: Named) -> dict[str, str]:
    """ETag and Last-Modified."""
    return {"ETag": etag(named.version), "Last-Modified": http_date(named.last_updated)}


def stored(ctx: Context, named: Named, text: str) -> FhirResponse:
    """A resource that was read."""
    return FhirResponse(200, text, {**validators(named), "Content-Location": version_url(ctx, named)}, last_updated=named.last_updated)


def not_modified(named: Named) -> FhirResponse:
    """304: the client's copy is current."""
    return FhirResponse(304, None, validators(named), last_updated=named.last_updated)


def committed(ctx: Context, done: Committed, preference: Preference, default: Return = Return.REPRESENTATION) -> FhirResponse:
    """The answer to one change, with the body that the client prefers, and where the audit trail tells of it."""
    answer = _committed(ctx, done, preference, default)
    return replace(answer, headers={**answer.headers, AUDIT_ENTRY: ", ".join(map(_mark, done.marks[:_MOST_MARKS]))})


def _mark(mark: Mark) -> str:
    return f"{mark.audit_id};leaf={b64encode(mark.leaf).decode()}"


def _committed(ctx: Context, done: Committed, preference: Preference, default: Return) -> FhirResponse:
    if done.outcome in (write.DELETED, write.ABSENT):
        return _deleted(done, preference)
    assert done.id is not None
    named = Named(done.type, done.id, done.version, done.last_updated)
    returned = preference.returning(default)
    if returned is Return.REPRESENTATION and not _is_readable(ctx, done):
        returned = Return.MINIMAL
    headers = {**validators(named), **applied(preference, returned)}
    if done.outcome in (write.CREATED, write.EXISTING):
        headers["Location"] = version_url(ctx, named)
    if returned is Return.REPRESENTATION:
        headers["Content-Location"] = version_url(ctx, named)
    return FhirResponse(_STATUS[done.outcome], _body(done, returned), headers, last_updated=done.last_updated)


def _is_readable(ctx: Context, done: Committed) -> bool:
    """Whether who wrote it may be given it back."""
    return ctx.access.is_plain("r", done.type) or (
        done.text is not None and ctx.access.sees("r", done.type, stored_document(done.text).tree)
    )


def refused(error: ServiceError) -> FhirResponse:
    """The answer to a request that was refused: its status and an OperationOutcome with every issue."""
    return FhirResponse(error.status, encode(outcome.tree(error.issues)), error.headers)


def _body(done: Committed, returned: Return) -> str | None:
    match returned:
        case Return.REPRESENTATION:
            return done.text
        case Return.OUTCOME:
            return encode(outcome.tree(done.findings))
        case Return.MINIMAL:
            return None


def _deleted(done: Committed, preference: Preference) -> FhirResponse:
    headers = {"ETag": etag(done.version)} if done.id is not None and done.version else {}
    if preference.returns is Return.OUTCOME:
        return FhirResponse(200, encode(outcome.tree(done.findings)), {**headers, **applied(preference, Return.OUTCOME)})
    return FhirResponse(204, None, headers)
