"""https://hl7.org/fhir/R4/http.html#search: the resources that satisfy a query, page by page.

GET and POST _search are one thing: the pairs of the URL and of the form go through the same pipeline. The self link is printed from the
query as it was understood, so it says what was applied; next and previous carry a signed cursor. What a lenient search
ignored stands in an OperationOutcome entry.
"""

from collections.abc import Iterator
from urllib.parse import urlencode

from service.clock import to_text
from service.errors import BadRequest, UnsupportedMediaType
from service.fhir import bundle, outcome
from service.fhir.bundle import Entry, Link
from service.records.context import Context
from service.records.find import find
from service.rest import body, preference, query, response, routes, subset
from service.rest.exchange import Call, FhirResponse, Pairs
from service.rest.subset import View
from service.search.execute import Found, Page
from service.search.query import Query
from service.search.unparse import unparse

_READABLE = ",:/$*"


def run(ctx: Context, call: Call) -> FhirResponse:
    """Searches one type, or all of them."""
    lenient = preference.parse(call.header("prefer")).lenient
    type, pairs = _typed(ctx, call, _pairs(call))
    asked, page = find(ctx, type, pairs, lenient)
    text = bundle.bundle(
        "searchset",
        _entries(ctx, asked, page),
        _links(ctx, call, asked, page),
        page.total,
        to_text(page.horizon) if page.horizon is not None else None,
    )
    return FhirResponse(200, text)


def _typed(ctx: Context, call: Call, pairs: Pairs) -> tuple[str, Pairs]:
    """The type that is searched. Below the base `_type` names it; one type at a time."""
    if call.type is not None:
        return call.type, pairs
    types = [value for name, value in pairs if name == "_type"]
    if len(types) != 1 or "," in types[0]:
        raise BadRequest.of(
            "not-supported",
            "search-type",
            "A search below the base needs _type with one resource type, as in ?_type=Patient. Search one type at a time.",
        )
    routes.require_type(ctx.service.definitions, types[0])
    return types[0], tuple(pair for pair in pairs if pair[0] != "_type")


def _pairs(call: Call) -> Pairs:
    """The parameters of the URL, and of the form in a POST."""
    if call.request.method != "POST":
        return call.query
    if call.request.body and body.media_type(call) != body.FORM:
        raise UnsupportedMediaType.of("not-supported", "media-type", f"The body of _search is a form. Send it as {body.FORM}.")
    return call.query + query.about_content(query.decode_bytes(call.request.body))


def _entries(ctx: Context, asked: Query, page: Page) -> Iterator[Entry]:
    view = View(asked.summary, asked.elements)
    for mode, found in (("match", page.matches), ("include", page.included)):
        for one in found:
            yield bundle.matched(response.url(ctx, one.type, one.id), _shown(ctx, one, view), mode)
    if issues := (*asked.ignored, *page.issues):
        yield bundle.advised(outcome.tree(issues))


def _shown(ctx: Context, found: Found, view: View) -> str:
    return subset.cut(ctx, found.text, view)


def _links(ctx: Context, call: Call, asked: Query, page: Page) -> list[Link]:
    typed = [] if call.type else [("_type", asked.type)]
    pairs = typed + [pair for pair in unparse(ctx.service.registry, asked) if pair[0] != "_cursor"]
    look = query.about_presentation(call.request.query)
    address = response.url(ctx, call.type) if call.type else response.url(ctx)

    def link(relation: str, cursor: str | None) -> Link:
        carried = [*pairs, *([("_cursor", cursor)] if cursor else []), *look]
        return relation, f"{address}?{urlencode(carried, safe=_READABLE)}" if carried else address

    turns = (("next", page.next), ("previous", page.previous))
    return [link("self", asked.cursor), *(link(relation, cursor) for relation, cursor in turns if cursor)]
