"""What the two `$everything` share: their inputs, and a page as a searchset.

Without `_count` the answer is whole, up to the setting PAGE_MAX; what does not fit follows in pages. `Bundle.meta.lastUpdated` is the
instant to be given as the next `_since`.
"""

from urllib.parse import urlencode

from service.clock import to_text
from service.fhir import bundle
from service.fhir.bundle import Entry, Link
from service.records import everything as records
from service.records.context import Context
from service.records.everything import Everything, Sheet
from service.rest import query, response
from service.rest.exchange import Call, FhirResponse, Pairs
from service.rest.operations import arguments
from service.rest.operations.arguments import Arguments
from service.rest.operations.operation import Parameter

PARAMETERS = (
    Parameter("_since", "instant"),
    Parameter("_type", "code", many=True),
    Parameter("_count", "integer"),
    Parameter("_cursor", "string"),
)
CARE_DATES = (Parameter("start", "date"), Parameter("end", "date"))

_MOST = 10**9
_READABLE = ",:/$"


def answered(ctx: Context, call: Call, given: Arguments) -> FhirResponse:
    """One page of the record of the resource in the URL."""
    sheet = records.everything(ctx, _asked(ctx, call, given))
    found = (("match", sheet.matches), ("include", sheet.included))
    for one in (*sheet.matches, *sheet.included):
        ctx.trail.saw(one.type, one.text)
    entries = [Entry(response.url(ctx, one.type, one.id), one.text, search=mode) for mode, ones in found for one in ones]
    return FhirResponse(200, bundle.bundle("searchset", entries, _links(ctx, call, given, sheet), sheet.total, to_text(sheet.horizon)))


def _asked(ctx: Context, call: Call, given: Arguments) -> Everything:
    zone, settings = ctx.service.settings.zone, ctx.service.settings
    since, start, end = (given.moment(name, zone) for name in ("_since", "start", "end"))
    if start and end and start.lo > end.hi:
        raise arguments.refused("end", "'end' lies before 'start'. Give them the other way round.")
    return Everything(
        type=call.named_type,
        id=call.named_id,
        count=_count(ctx, given) or settings.page_max,
        since=since.lo if since else None,
        types=_types(ctx, given),
        start=start.lo if start else None,
        end=end.hi if end else None,
        cursor=given.text("_cursor"),
        name=arguments.pairs_of(given, without=("_count", "_cursor")),
    )


def _types(ctx: Context, given: Arguments) -> frozenset[str]:
    served = ctx.service.definitions.types
    types = given.listed("_type")
    for name in types:
        if name not in served:
            raise arguments.refused("_type", f"{name[:40]!r} is no type of this server. It serves: {', '.join(sorted(served))}.")
    return frozenset(types)


def _count(ctx: Context, given: Arguments) -> int | None:
    """The size of a page as far as it is granted; None when it was not given."""
    asked = given.whole("_count", _MOST)
    return None if asked is None else min(asked, ctx.service.settings.page_max)


def _links(ctx: Context, call: Call, given: Arguments, sheet: Sheet) -> list[Link]:
    address = response.url(ctx, *call.request.path)
    look = query.about_presentation(call.request.query)
    count = _count(ctx, given)
    kept = (*arguments.pairs_of(given, without=("_count", "_cursor")), *((("_count", str(count)),) if count else ()))
    cursor = given.text("_cursor")

    def link(relation: str, cursor: str | None) -> Link:
        carried: Pairs = (*kept, *((("_cursor", cursor),) if cursor else ()), *look)
        return relation, f"{address}?{urlencode(carried, safe=_READABLE)}" if carried else address

    return [link("self", cursor), *([link("next", sheet.next)] if sheet.next else [])]
