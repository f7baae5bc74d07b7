"""https://hl7.org/fhir/R4/http.html#history: what happened to a resource, a type or the whole record, newest first.

Deletions are entries too. `_since` is a pull: it reaches up to an instant before which nothing can still appear, given in
`Bundle.meta.lastUpdated`; ask from there the next time and nothing is missed or repeated. `_at` gives the versions that were current
at some time of the date given.
"""

from dataclasses import replace
from urllib.parse import urlencode

from service.clock import to_text
from service.errors import BadRequest
from service.fhir import bundle, temporal
from service.fhir.bundle import Entry, Link
from service.fhir.temporal import Interval
from service.records import read as records
from service.records.context import Context
from service.records.read import HistoryPage, HistoryQuery, Version
from service.rest import history_cursor, preference, query, response
from service.rest.exchange import Call, FhirResponse, Pairs
from service.rest.precondition import etag

_PARAMETERS = ("_since", "_at", "_count", "_cursor")
_DIGITS_OF_A_COUNT = 9


def run(ctx: Context, call: Call) -> FhirResponse:
    """Answers one page of history."""
    asked = _asked(ctx, call)
    page = records.history(ctx, asked)
    entries = (_entry(ctx, version) for version in page.versions)
    horizon = to_text(page.until) if page.until is not None else None
    return FhirResponse(200, bundle.bundle("history", entries, _links(ctx, call, page), page.total, horizon))


def _asked(ctx: Context, call: Call) -> HistoryQuery:
    given = _given(call)
    asked = HistoryQuery(
        type=call.type,
        id=call.id,
        since=_interval(ctx, "_since", given["_since"]).lo if "_since" in given else None,
        at=_interval(ctx, "_at", given["_at"]) if "_at" in given else None,
        count=_count(ctx, given.get("_count")),
    )
    if "_cursor" not in given:
        return asked
    until, after = history_cursor.opened(ctx, _name(call), given["_cursor"])
    return replace(asked, until=until, after=after)


def _given(call: Call) -> dict[str, str]:
    lenient = preference.parse(call.header("prefer")).lenient
    given: dict[str, str] = {}
    for name, value in call.query:
        if name not in _PARAMETERS:
            if not lenient:
                raise BadRequest.of(
                    "not-supported",
                    "parameter-unknown",
                    f"History has no parameter {name[:40]!r}. It has {', '.join(_PARAMETERS)}, _format and _pretty.",
                )
        elif name in given:
            raise BadRequest.of("invalid", "parameter-repeated", f"{name} stands twice. Give it once.")
        else:
            given[name] = value
    return given


def _interval(ctx: Context, name: str, text: str) -> Interval:
    try:
        return temporal.interval(text.replace(" ", "+"), ctx.service.settings.zone)
    except (ValueError, OverflowError):
        raise BadRequest.of("value", "date", f"{name} is a date or an instant, as in 2026-03-14T10:00:00Z, not {text[:40]!r}.") from None


def _count(ctx: Context, text: str | None) -> int:
    settings = ctx.service.settings
    if text is None:
        return settings.page_default
    if not (text.isascii() and text.isdecimal()):
        raise BadRequest.of("value", "count", f"_count is a whole number, not {text[:20]!r}.")
    return min(int(text[:_DIGITS_OF_A_COUNT]), settings.page_max)


def _entry(ctx: Context, version: Version) -> Entry:
    if version.text is not None:
        ctx.trail.saw(version.type, version.text)
    address = f"{version.type}/{version.id}"
    is_made = version.method == "POST" or (version.method == "PUT" and (version.version == 1 or version.revives))
    status = "204 No Content" if version.text is None else "201 Created" if is_made else "200 OK"
    return Entry(
        response.url(ctx, version.type, version.id),
        version.text,
        request={"method": version.method, "url": version.type if version.method == "POST" else address},
        response={"status": status, "etag": etag(version.version), "lastModified": to_text(version.last_updated)},
    )


def _links(ctx: Context, call: Call, page: HistoryPage) -> list[Link]:
    address = response.url(ctx, *call.request.path)
    given = [(name, str(_count(ctx, value)) if name == "_count" else value) for name, value in call.query if name in _PARAMETERS]
    look = query.about_presentation(call.request.query)

    def link(relation: str, pairs: list[tuple[str, str]]) -> Link:
        carried = [*pairs, *look]
        return relation, f"{address}?{urlencode(carried, safe=':')}" if carried else address

    links = [link("self", given)]
    if page.after is not None:
        cursor = history_cursor.sealed(ctx, _name(call), page.until, page.after)
        links.append(link("next", [*(pair for pair in given if pair[0] != "_cursor"), ("_cursor", cursor)]))
    return links


def _name(call: Call) -> Pairs:
    """What a cursor belongs to: the same history with the same restrictions."""
    given = sorted(pair for pair in call.query if pair[0] in ("_since", "_at"))
    return (("_history", "/".join(call.request.path)), *given)
