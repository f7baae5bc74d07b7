"""Reading one resource, one version, or history. What is deleted is Gone, what never was is NotFound."""

from collections.abc import Sequence
from dataclasses import dataclass

from service.errors import Gone, NotFound
from service.records.context import Context
from service.storage import history as histories
from service.storage import versions
from service.storage.database import Transaction, horizon
from service.storage.history import Span
from service.storage.versions import Row


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a resource. `text` is its stored JSON, None for a deletion; `last_updated` in microseconds.

    `revives`, told in histories only: whether it brought back what had been deleted.
    """

    type: str
    id: str
    version: int
    last_updated: int
    method: str
    text: str | None
    revives: bool = False


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """Which history: of all, of a `type`, of one resource (`type` and `id`).

    `since`: stamped at or after it; `at`: current at some time of the interval; `until`: the horizon that a walk goes on with;
    `after`: the key of the last version already seen. Instants in microseconds.
    """

    type: str | None = None
    id: str | None = None
    since: int | None = None
    at: tuple[int, int] | None = None
    until: int | None = None
    after: histories.Position | None = None
    count: int = 100


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Versions, newest first. `after` leads to the next page (None on the last); `until` is the horizon of a pull."""

    versions: Sequence[Version]
    total: int
    after: histories.Position | None
    until: int | None


def read(ctx: Context, type: str, id: str) -> Version:
    """The current version of a resource. Raises NotFound, or Gone with the version of the deletion."""
    with ctx.glance() as tx:
        row = versions.read(tx, (ctx.service.definitions.type_number(type), id))
    if row is None:
        raise NotFound.of("not-found", "unknown-id", f"There is no {type}/{id} here. Search for it, or create it.")
    return _alive(_version(ctx, row))


def vread(ctx: Context, type: str, id: str, version: int) -> Version:
    """One version of a resource. Raises NotFound, or Gone when that version is a deletion."""
    with ctx.glance() as tx:
        row = versions.read_version(tx, (ctx.service.definitions.type_number(type), id), version)
    if row is None:
        raise NotFound.of(
            "not-found", "unknown-version", f"There is no version {version} of {type}/{id}. Its history lists those that are."
        )
    return _alive(_version(ctx, row))


def history(ctx: Context, query: HistoryQuery) -> HistoryPage:
    """A page of history. With `since` it reaches up to the horizon; a walk keeps the horizon of its first page.

    Raises NotFound for a resource that never existed.
    """
    pull = query.since is not None and query.until is None
    with ctx.snapshot(pull) as tx:
        until = horizon(tx) if pull else query.until
        span = _span(ctx, tx, query, until)
        rows = histories.page(tx, span, query.after, query.count + 1)
        total = histories.total(tx, span)
    shown = rows[: query.count]
    last = shown[-1][0] if len(rows) > len(shown) and shown else None
    after = (last.last_updated, last.res_id, last.version) if last else None
    return HistoryPage([_version(ctx, row, revives) for row, revives in shown], total, after, until)


def _span(ctx: Context, tx: Transaction, query: HistoryQuery, until: int | None) -> Span:
    number = ctx.service.definitions.type_number(query.type) if query.type else None
    if query.type and query.id and number is not None and versions.read(tx, (number, query.id)) is None:
        raise NotFound.of("not-found", "unknown-id", f"There is no {query.type}/{query.id} here, so it has no history.")
    return Span(number, query.id, query.since, query.at, until)


def _alive(version: Version) -> Version:
    if version.text is None:
        error = Gone.of(
            "deleted", "deleted", f"{version.type}/{version.id} was deleted by version {version.version}. Its history shows what it was."
        )
        error.headers = {"ETag": f'W/"{version.version}"'}
        raise error
    return version


def _version(ctx: Context, row: Row, revives: bool = False) -> Version:
    number, id = row.key
    return Version(ctx.service.definitions.type_name(number), id, row.version, row.last_updated, row.method, row.body, revives)
