"""Search: from the pairs of a query string to a page of the record, through the one pipeline."""

from collections.abc import Sequence

from service.records.context import Context
from service.records.explanation import require_allowed
from service.records.steady import steadily
from service.search.execute import Page, execute
from service.search.parameter import Registry
from service.search.parse import Options, parse
from service.search.query import Across, Compartment, Query


def find(
    ctx: Context, type: str | None, pairs: Sequence[tuple[str, str]], lenient: bool, compartment: Compartment | None = None
) -> tuple[Query | Across, Page]:
    """What was asked, as understood, and the page that answers it. Raises BadRequest for what cannot be understood."""
    settings = ctx.service.settings
    options = Options(lenient=lenient, time_zone=settings.time_zone, default_count=settings.page_default, max_count=settings.page_max)

    def ask(registry: Registry) -> tuple[Query | Across, Page]:
        asked = parse(registry, type, pairs, options, compartment)
        require_allowed(ctx, asked)
        alone = isinstance(asked, Query) and asked.is_one_statement
        with ctx.glance() if alone else ctx.snapshot(pull=asked.pulls) as tx:
            return asked, execute(tx, registry, asked, ctx.service.cursors, settings.include_max)

    return steadily(ctx, ask)
