"""Reading one resource, one version, or history. What is deleted is Gone, what never was is NotFound."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

from service.errors import Gone, NotFound
from service.records import audit_events
from service.records.context import Context
from service.records.shown import Shown
from service.search import past
from service.search.viewer import Viewer
from service.security.access import forbidden
from service.storage import history as histories
from service.storage import versions
from service.storage.database import Transaction, horizon
from service.storage.history import Span
from service.storage.versions import Key, Row


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
    total: int | None
    after: histories.Position | None
    until: int | None


def read(ctx: Context, type: str, id: str) -> Version:
    """The current version of a resource. Raises NotFound, or Gone with the version of the deletion.

    Raises Forbidden where no scope reaches the type. What is out of reach does not exist: it is NotFound, and so is what is gone of it.
    """
    if type == audit_events.TYPE:
        return _of_trail(ctx, id)
    ctx.access.require("r", type)
    key = (ctx.service.definitions.type_number(type), id)
    with _view(ctx, type) as tx:
        row = versions.read(tx, key)
        if not is_visible(ctx, tx, key):  # asked of what is not there as well: what is hidden must not take longer
            row = None
    if row is None:
        raise unknown(type, id)
    return _alive(_version(ctx, row))


def vread(ctx: Context, type: str, id: str, version: int) -> Version:
    """One version of a resource. Raises NotFound, or Gone when that version is a deletion.

    A version is within reach when it is so itself and the resource is so now; Forbidden and NotFound are as for `read`.
    """
    if type == audit_events.TYPE:
        return _of_trail(ctx, id, version)
    ctx.access.require("r", type)
    key = (ctx.service.definitions.type_number(type), id)
    with _view(ctx, type) as tx:
        row = versions.read_version(tx, key, version)
        if not is_visible(ctx, tx, key) or (row is not None and not _holds(ctx, tx, type, row)):
            row = None
    if row is None:
        raise _no_version(type, id, version)
    return _alive(_version(ctx, row))


def _no_version(type: str, id: str, version: int) -> NotFound:
    return NotFound.of("not-found", "unknown-version", f"There is no version {version} of {type}/{id}. Its history lists those that are.")


def _of_trail(ctx: Context, id: str, version: int = 1) -> Version:
    """An AuditEvent, which has one version: nothing changes it."""
    found = audit_events.read(ctx, id)
    if version != found.version:
        raise _no_version(found.type, id, version)
    return Version(found.type, found.id, found.version, found.last_updated, "POST", found.text)


def unknown(type: str, id: str) -> NotFound:
    """There is no such resource, as far as the caller can tell."""
    return NotFound.of("not-found", "unknown-id", f"There is no {type}/{id} here. Search for it, or create it.")


def is_visible(ctx: Context, tx: Transaction, key: Key, letter: str = "r") -> bool:
    """Whether the caller reaches the resource `key` as it is now; a deleted one as it was last."""
    type = ctx.service.definitions.type_name(key[0])
    if ctx.access.is_whole(letter, type):
        return True
    row, viewer = versions.read(tx, key), Viewer(tx, ctx.service.registry, ctx.access, letter)
    if row is not None and row.body is None:
        last = versions.last_living(tx, key)
        return last is not None and viewer.holds(type, last)
    return bool(viewer.visible({key}))


def history(ctx: Context, query: HistoryQuery) -> HistoryPage:
    """A page of history. With `since` it reaches up to the horizon; a walk keeps the horizon of its first page.

    Raises NotFound for a resource that never existed, Forbidden where no scope reaches what is asked. A restricted history has no total.
    """
    if query.type == audit_events.TYPE:
        return _trail_history(ctx, query)
    types = _types(ctx, query)
    pull = query.since is not None and query.until is None
    with ctx.snapshot(pull) as tx:
        until = horizon(tx) if pull else query.until
        span = _span(ctx, tx, query, until)
        if types is None:
            rows: Sequence[tuple[Row, bool]] = histories.page(tx, span, query.after, query.count + 1)
            total: int | None = histories.total(tx, span)
        else:
            rows, total = (
                list(islice(past.visible(past.Past(tx, ctx.service.registry, ctx.access, types), span, query.after), query.count + 1)),
                None,
            )
    shown = rows[: query.count]
    last = shown[-1][0] if len(rows) > len(shown) and shown else None
    after = (last.last_updated, last.res_id, last.version) if last else None
    letter = "r" if query.id else "s"
    return HistoryPage([_version(ctx, row, letter, revives) for row, revives in shown], total, after, until)


def _trail_history(ctx: Context, query: HistoryQuery) -> HistoryPage:
    """The one version of an AuditEvent, if it is of the time that was asked for."""
    one = _of_trail(ctx, query.id or "")
    first, last = query.at or (query.since or 0, one.last_updated)
    shown = [one] if one.last_updated <= last and (query.at or one.last_updated >= first) else []
    return HistoryPage(shown, len(shown), None, None)


def _types(ctx: Context, query: HistoryQuery) -> past.Types | None:
    """What may be seen of which types, where that is not all. The history of one resource needs `r`, that of many `s`."""
    letter = "r" if query.id else "s"
    if query.type:
        ctx.access.require(letter, query.type)
    names = [query.type] if query.type else sorted(ctx.service.definitions.types)
    if all(ctx.access.is_whole(letter, name) for name in names):
        return None
    within = [name for name in names if ctx.access.may(letter, name)]
    if not within:
        raise forbidden("This needs a scope to search, as in system/*.s.")
    return past.Types(letter, tuple(within))


def _span(ctx: Context, tx: Transaction, query: HistoryQuery, until: int | None) -> Span:
    number = ctx.service.definitions.type_number(query.type) if query.type else None
    if query.type and query.id and number is not None:
        key = (number, query.id)
        if not is_visible(ctx, tx, key) or versions.read(tx, key) is None:
            raise NotFound.of("not-found", "unknown-id", f"There is no {query.type}/{query.id} here, so it has no history.")
    return Span(number, query.id, query.since, query.at, until)


@contextmanager
def _view(ctx: Context, type: str) -> Iterator[Transaction]:
    with ctx.glance() if ctx.access.is_whole("r", type) else ctx.snapshot() as tx:
        yield tx


def _holds(ctx: Context, tx: Transaction, type: str, row: Row) -> bool:
    """Whether the version itself is within reach; a deletion says nothing."""
    return row.body is None or Viewer(tx, ctx.service.registry, ctx.access).holds(type, row.body)


def _alive(version: Version) -> Version:
    if version.text is None:
        error = Gone.of(
            "deleted", "deleted", f"{version.type}/{version.id} was deleted by version {version.version}. Its history shows what it was."
        )
        error.headers = {"ETag": f'W/"{version.version}"'}
        raise error
    return version


def _version(ctx: Context, row: Row, letter: str = "r", revives: bool = False) -> Version:
    number, id = row.key
    type = ctx.service.definitions.type_name(number)
    text = None if row.body is None else Shown(ctx).text(letter, type, row.body)
    return Version(type, id, row.version, row.last_updated, row.method, text, revives)
