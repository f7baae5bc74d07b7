"""AuditEvents: the audit trail as the FHIR API shows it, as far as the caller may see it.

An entry of the trail is one AuditEvent for each patient that it names (`audit.projection`); what is searched, counted and read are these.
Nobody writes them but the service itself. Who has no scope on AuditEvent is refused before anything is looked at; whatever is outside
of a scope is not there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from service.audit import projection
from service.errors import BadRequest, NotFound
from service.fhir.document import encode, stored
from service.records.context import Context
from service.records.shown import Shown
from service.search import apart, result_parameters
from service.search.audit import find as trail
from service.search.audit import names, parameters
from service.search.audit.find import Asked
from service.search.execute import Found, Page
from service.search.parameter import Registry
from service.search.parse import Options, parse
from service.search.query import Across, All, Clause, Compartment, Match, Query, Token
from service.search.sight import each
from service.search.types import IMPLEMENTED
from service.search.unparse import unparse
from service.storage.audit_search import Row

TYPE = apart.TYPE
FULL = "audit.full"
"""The scope that shows what others searched for."""

_OTHER_NAMES = ("missing", "iterate", "_has", "_list", "_filter", "_type", "_format", "_pretty", "_since", "_at", "from", "to")
"""Names in queries that are no search parameter of a type."""
_CODES = "everything expand lastn lookup meta meta-add meta-delete stats subsumes translate validate validate-code"
_REPORTS = (
    "administration-log amendments expiring export inventory ledger loss-report lot-recall patient pdmp-evidence practitioner-activity"
    " receipts reconcile waste"
)
OPERATIONS = frozenset((*(f"${code}" for code in _CODES.split()), *(f"$cs-{code}" for code in _REPORTS.split())))
"""The operations, as a URL names them."""

Pairs = Sequence[tuple[str, str]]


def is_asked(type: str | None, pairs: Pairs) -> bool:
    """Whether a search is one of the audit trail: of its type, or below the base with `_type=AuditEvent` alone.

    Raises BadRequest when `_type` names other types beside it: they are kept apart, and have no common order.
    """
    if type is not None:
        return type == TYPE
    wanted = {name.strip() for key, text in pairs if key == "_type" for name in text.split(",")}
    if TYPE in wanted and wanted != {TYPE}:
        told = (
            f"{TYPE} is searched alone: it is kept apart from the record. Ask for it with _type={TYPE}, and for the others by themselves."
        )
        raise BadRequest.of("not-supported", "search-type", told, "http._type")
    return TYPE in wanted


def find(
    ctx: Context, type: str | None, pairs: Pairs, lenient: bool, compartment: Compartment | None = None
) -> tuple[Query | Across, Page]:
    """A page of AuditEvents. Raises Forbidden without a scope, BadRequest for what the trail cannot be asked."""
    restriction, registry = _restriction(ctx, "s"), _registry(ctx)
    kept, warnings = parameters.understood(pairs, lenient)
    asked = parse(registry, type, kept, _options(ctx, lenient), compartment)
    query = asked.first if isinstance(asked, Across) else asked
    with ctx.snapshot() as tx:
        found = trail.page(tx, registry, Asked(query, restriction, _canonical(ctx, registry, query)), ctx.service.cursors)
    return asked, Page(_all_shown(ctx, registry, found.rows), total=found.total, next=found.next, issues=warnings)


def every(ctx: Context, pairs: Pairs, besides: Clause, most: int) -> tuple[Found, ...] | None:
    """All AuditEvents that the pairs ask for and that meet `besides`; None when they are more than `most`."""
    restriction, registry = each((_restriction(ctx, "s"), besides)), _registry(ctx)
    query = replace(parse(registry, TYPE, pairs, _options(ctx, lenient=False)), count=most)
    with ctx.snapshot() as tx:
        found = trail.page(tx, registry, Asked(query, restriction, ()), ctx.service.cursors)
    return None if found.next else _all_shown(ctx, registry, found.rows)


def read(ctx: Context, id: str) -> Found:
    """One AuditEvent. Raises Forbidden without a scope; NotFound for what is not there, and for what is outside of the scope alike."""
    clause = All((Match("_id", (Token(id),)), _restriction(ctx, "r")))
    registry = _registry(ctx)
    with ctx.snapshot() as tx:
        row = trail.one(tx, registry, clause)
    if row is None:
        raise NotFound.of("not-found", "unknown-id", f"There is no {TYPE}/{id} here. Search for it.")
    return _shown(ctx, registry, row, "r")


def question(ctx: Context, entity: Mapping[str, object]) -> str:
    """What an entity of a query asked for, without the values: `Observation?patient=***`."""
    return projection.kind(projection.asked(entity), _known(_registry(ctx)))


def _canonical(ctx: Context, registry: Registry, query: Query) -> list[tuple[str, str]]:
    """What a cursor is signed with: the question, where it was asked, and by whom with which access."""
    place = f"{query.compartment.kind}/{query.compartment.id}" if query.compartment else ""
    return [(TYPE, place), ("access", ctx.access.key), *unparse(registry, replace(query, cursor=None))]


def _registry(ctx: Context) -> Registry:
    """The parameters as they are defined: what the index of the record holds of them says nothing of the trail."""
    return ctx.service.registry.defined


def _options(ctx: Context, lenient: bool) -> Options:
    settings = ctx.service.settings
    return Options(lenient=lenient, time_zone=settings.time_zone, default_count=settings.page_default, max_count=settings.page_max)


def _all_shown(ctx: Context, registry: Registry, rows: Sequence[Row]) -> tuple[Found, ...]:
    return tuple(_shown(ctx, registry, row, "s") for row in rows)


def _shown(ctx: Context, registry: Registry, row: Row, letter: str) -> Found:
    """An entry as the caller is shown it, once it is certain by another way that it may be. Raises Breach."""
    id = names.written(row.id, row.place, row.places)
    tree = projection.projected(stored(row.body.decode()).tree, id, row.patient)
    Shown(ctx).text(letter, TYPE, encode(tree))
    shown = tree if _sees_queries(ctx) else projection.masked(tree, _known(registry))
    return Found(TYPE, id, 1, row.recorded, encode(shown))


def _sees_queries(ctx: Context) -> bool:
    """Whether what others searched for is shown: with the scope for it, to those who do not see the trail of one patient alone."""
    caller = ctx.caller
    reaches = [one for letter in "rs" for one in ctx.access.reaches(letter, TYPE)]
    return caller.is_internal or (caller.grant.has(FULL) and all(one.patient is None for one in reaches))


def _restriction(ctx: Context, letter: str) -> Clause:
    """What the caller may see of the trail. Raises Forbidden when that is nothing."""
    ctx.access.require(letter, TYPE)
    return ctx.access.of(letter, TYPE)


@lru_cache(maxsize=4)
def _known(registry: Registry) -> frozenset[str]:
    """Names that may stand in a query and tell nothing of anybody: of types, of search parameters, of modifiers."""
    types = registry.definitions.types
    modifiers = {one for kind in IMPLEMENTED.values() for one in kind.MODIFIERS}
    codes = {code for name in types for code in registry.for_type(name)}
    return frozenset({*types, *codes, *modifiers, *result_parameters.NAMES, *_OTHER_NAMES, *OPERATIONS})
