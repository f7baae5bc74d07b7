"""Search: from the pairs of a query string to a page of the record, through the one pipeline."""

from collections.abc import Sequence
from dataclasses import replace

from service.records import audit_events, authority
from service.records.context import Context
from service.records.explanation import require_allowed
from service.records.shown import Shown
from service.records.steady import steadily
from service.search.execute import Page, execute
from service.search.parameter import Registry
from service.search.parse import Options, parse
from service.search.query import Across, Compartment, Query


def find(
    ctx: Context, type: str | None, pairs: Sequence[tuple[str, str]], lenient: bool, compartment: Compartment | None = None
) -> tuple[Query | Across, Page]:
    """What was asked, as understood, and the page that answers it.

    Raises BadRequest for what cannot be understood, Forbidden for what the caller may not ask.
    """
    if audit_events.is_asked(type, pairs):
        return audit_events.find(ctx, type, pairs, lenient, compartment)
    settings = ctx.service.settings
    options = Options(lenient=lenient, time_zone=settings.time_zone, default_count=settings.page_default, max_count=settings.page_max)

    def ask(registry: Registry) -> tuple[Query | Across, Page]:
        asked = authority.reachable(ctx, registry, parse(registry, type, pairs, options, compartment))
        require_allowed(ctx, asked)
        alone = isinstance(asked, Query) and asked.is_one_statement and ctx.access.is_whole("s", asked.type)
        with ctx.glance() if alone else ctx.snapshot(pull=asked.pulls) as tx:
            page = execute(tx, registry, asked, ctx.service.cursors, ctx.access, settings.include_max)
        shown = Shown(ctx)
        return asked, replace(
            page,
            matches=tuple(shown.found("s", one) for one in page.matches),
            included=tuple(shown.found("r", one) for one in page.included),
            issues=(*page.issues, *authority.left_out(ctx, registry, asked)),
        )

    return steadily(ctx, ask)
