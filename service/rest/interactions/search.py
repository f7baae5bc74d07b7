"""https://hl7.org/fhir/R4/http.html#search: the resources that satisfy a query, page by page.

GET and POST _search are one thing: the pairs of the URL and of the form go through the same pipeline. The self link is printed from the
query as it was understood, so it says what was applied; next carries a signed cursor. What a lenient search
ignored stands in an OperationOutcome entry. A compartment where nothing is found is looked for: one that does not exist is a 404.
"""

from collections.abc import Iterator
from urllib.parse import urlencode

from service.clock import to_text
from service.errors import NotFound, UnsupportedMediaType
from service.fhir import bundle, outcome
from service.fhir.bundle import Entry, Link
from service.records.context import Context
from service.records.explanation import explanation
from service.records.find import find
from service.records.read import read
from service.rest import body, preference, query, response, subset
from service.rest.exchange import Call, FhirResponse, Pairs
from service.rest.routes import EVERY
from service.rest.subset import View
from service.search import compartment as compartments
from service.search.execute import Found, Page
from service.search.query import Across, Compartment, Query
from service.search.unparse import unparse

_READABLE = ",:/$*"


def run(ctx: Context, call: Call) -> FhirResponse:
    """Searches one type, several, or all of them; in a compartment, what belongs to it."""
    lenient = preference.parse(call.header("prefer")).lenient
    compartment = _compartment(ctx, call)
    asked, page = find(ctx, call.type, _pairs(call), lenient, compartment)
    if compartment and not (page.matches or page.total) and ctx.access.may("r", compartment.kind):
        read(ctx, compartment.kind, compartment.id)
    text = bundle.bundle(
        "searchset",
        _entries(ctx, asked, page),
        _links(ctx, call, asked, page),
        page.total,
        to_text(page.horizon) if page.horizon is not None else None,
    )
    return FhirResponse(200, text)


def _compartment(ctx: Context, call: Call) -> Compartment | None:
    """The compartment in the URL. NotFound for a type that has none, or whose compartment has nothing of the type that is searched."""
    if call.kind is None:
        return None
    registry = ctx.service.registry
    if call.kind not in registry.compartments:
        raise NotFound.of("not-found", "compartment", f"{call.kind} has no compartment. These have: {', '.join(registry.compartments)}.")
    if call.type is not None and not registry.compartment(call.kind, call.type):
        raise NotFound.of("not-found", "compartment", compartments.not_a_member(registry, call.kind, call.type))
    return Compartment(call.kind, call.named_id)


def _pairs(call: Call) -> Pairs:
    """The parameters of the URL, and of the form in a POST."""
    if call.request.method != "POST":
        return call.query
    if call.request.body and body.media_type(call) != body.FORM:
        raise UnsupportedMediaType.of("not-supported", "media-type", f"The body of _search is a form. Send it as {body.FORM}.")
    return call.query + query.about_content(query.decode_bytes(call.request.body))


def _entries(ctx: Context, asked: Query | Across, page: Page) -> Iterator[Entry]:
    first = asked.first if isinstance(asked, Across) else asked
    view = View(first.summary, first.elements)
    for mode, found in (("match", page.matches), ("include", page.included)):
        for one in found:
            ctx.trail.saw(one.type, one.text)
            yield bundle.matched(response.url(ctx, one.type, one.id), _shown(ctx, one, view), mode)
    if issues := (*first.ignored, *page.issues, *explanation(ctx, asked)):
        yield bundle.advised(outcome.tree(issues))


def _shown(ctx: Context, found: Found, view: View) -> str:
    return subset.cut(ctx, found.text, view)


def _links(ctx: Context, call: Call, asked: Query | Across, page: Page) -> list[Link]:
    pairs = unparse(ctx.service.registry, asked)
    applied = [pair for pair in pairs if pair[0] != "_cursor"]
    look = query.about_presentation(call.request.query)
    address = response.url(ctx, *_searched(call))

    def link(relation: str, cursor: str | None) -> Link:
        carried = [*applied, *([("_cursor", cursor)] if cursor else []), *look]
        return relation, f"{address}?{urlencode(carried, safe=_READABLE)}" if carried else address

    here = dict(pairs).get("_cursor")
    first = [link("first", None)] if here else []
    return [link("self", here), *first, *([link("next", page.next)] if page.next else [])]


def _searched(call: Call) -> list[str]:
    """The path below the base of what was searched, without `_search`."""
    if call.kind is not None:
        return [call.kind, call.named_id, call.type or EVERY]
    return [call.type] if call.type else []
