"""The entries of a batch or transaction Bundle as requests (https://hl7.org/fhir/R4/http.html#transaction).

What an entry says in `request` is what a single request would say in its URL and header fields; so each entry becomes a
FhirRequest, and from there on nothing knows the difference. Each resource keeps its own slice of the Bundle's text.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from service.errors import BadRequest, Forbidden, Issue, PayloadTooLarge, ServiceError
from service.fhir.document import Document
from service.records import authority
from service.records.context import Context
from service.rest import patch_entry, query
from service.rest.exchange import Call, FhirRequest

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

_HEADERS = {"ifMatch": "if-match", "ifNoneMatch": "if-none-match", "ifModifiedSince": "if-modified-since", "ifNoneExist": "if-none-exist"}
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its place in the Bundle, its fullUrl, and the request that it makes."""

    index: int
    full_url: str | None
    request: FhirRequest


def sliced(ctx: Context, bundle: Document) -> list[Document]:
    """The entries of a Bundle, undecided yet. BadRequest when they are no list of objects, PayloadTooLarge when too many."""
    entries = bundle.tree.get("entry", [])
    if not isinstance(entries, list):
        raise _malformed("Bundle.entry", "Bundle.entry is a list of entries.")
    most = ctx.service.settings.bundle_entries
    if len(entries) > most:
        raise PayloadTooLarge.of(
            "too-costly", "bundle-entries", f"The Bundle has {len(entries)} entries; this server takes {most}. Split it.", "Bundle.entry"
        )
    return bundle.members()["entry"].elements() if entries else []


def parsed(ctx: Context, call: Call, index: int, document: Document) -> Entry:
    """The request of one entry; it inherits the Prefer header of the Bundle. BadRequest names what is missing."""
    where = f"Bundle.entry[{index}]"
    request = document.tree.get("request") if isinstance(document.tree, dict) else None
    if not isinstance(request, dict):
        raise _malformed(f"{where}.request", "Every entry needs a request with method and url.")
    method, url = request.get("method"), request.get("url")
    if method not in METHODS:
        raise _malformed(f"{where}.request.method", f"The method is one of {', '.join(METHODS)}.")
    if not isinstance(url, str) or not url:
        raise _malformed(f"{where}.request.url", "The url is a path below the base, as in Patient/123.")
    full_url = document.tree.get("fullUrl")
    if full_url is not None and (not isinstance(full_url, str) or not full_url):
        raise _malformed(f"{where}.fullUrl", "A fullUrl is a URL or urn:uuid.")
    path, _, search = _below_base(ctx, url).partition("?")
    made = FhirRequest(
        method=method,
        path=tuple(unquote(segment) for segment in path.split("/") if segment),
        query=query.decode(search),
        headers={**_headers(where, request), "prefer": call.header("prefer") or "", "accept": "application/fhir+json"},
    )
    return Entry(index, full_url, _with_resource(where, made, document))


def named(error: ServiceError, index: int, base: str = "Bundle") -> ServiceError:
    """The error with its issues placed in the Bundle: `Observation.status` becomes `Bundle.entry[3].resource.status`.

    A refusal for lack of access is placed nowhere: all of them are one.
    """
    if isinstance(error, Forbidden):
        return authority.constant()
    error.issues = tuple(_placed(issue, index if issue.entry is None else issue.entry, base) for issue in error.issues)
    error.entry = index
    return error


def _placed(issue: Issue, index: int, base: str) -> Issue:
    where = f"{base}.entry[{index}]"
    inner = issue.expression or ""
    if not inner.startswith(f"{base}."):
        first, _, rest = inner.partition(".")
        inner = f"{where}.resource.{rest}" if first[:1].isupper() and rest else where
    return replace(issue, expression=inner, entry=index, diagnostics=f"Entry {index}: {issue.diagnostics}")


def _below_base(ctx: Context, url: str) -> str:
    base = ctx.service.settings.base_url.rstrip("/") + "/"
    return url[len(base) :] if url.startswith(base) else url.lstrip("/")


def _headers(where: str, request: Mapping[str, Any]) -> dict[str, str]:
    headers = {}
    for member, header in _HEADERS.items():
        if member in request:
            if not isinstance(request[member], str):
                raise _malformed(f"{where}.request.{member}", f"{member} is a string.")
            headers[header] = request[member]
    return headers


def _with_resource(where: str, request: FhirRequest, document: Document) -> FhirRequest:
    """The request with its resource, or for a patch in a Binary with the patch."""
    if request.method not in _WITH_BODY or request.path[-1:] == ("_search",):
        return request
    if not isinstance(document.tree.get("resource"), dict):
        raise _malformed(f"{where}.resource", f"An entry with {request.method} needs a resource.")
    resource = document.members()["resource"]
    if request.method == "PATCH" and resource.tree.get("resourceType") == "Binary":
        return patch_entry.unwrapped(where, request, resource)
    return replace(request, document=resource)


def _malformed(expression: str, mend: str) -> BadRequest:
    return BadRequest.of("structure", "bundle-entry", f"{expression} is missing or malformed. {mend}", expression)
