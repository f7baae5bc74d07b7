"""The rules of a role that scopes cannot say: whose device speaks, when a measurement may lie, and who may correct it.

A gateway posts what its own device measured. What arrives late is taken and marked (`late-entry`), so that a network failure loses nothing;
what lies ahead of the clock is refused, because that clock is wrong. A correction changes only what the same client made.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from service.errors import Issue, Unprocessable
from service.fhir import reference, rewrite, temporal
from service.fhir.document import Document
from service.records.context import Context
from service.records.write import CREATED, UPDATED, Write
from service.security.access import forbidden
from service.security.roles import CLINIC, WINDOW, Rule
from service.storage import authors
from service.storage.database import Transaction

LATE = {"system": CLINIC, "code": "late-entry", "display": "Late entry"}

_MINUTE = 60_000_000
_WHEN = ("effectiveDateTime", "effectiveInstant", "effectivePeriod")


def marked(ctx: Context, document: Document) -> Document:
    """What a gateway posts, with the mark of a late entry where it is one."""
    if Rule.FLAG_LATE not in ctx.caller.rules:
        return document
    when = _when(ctx, document.tree)
    if when is None or ctx.service.clock() - when <= WINDOW.late_after_hours * 60 * _MINUTE:
        return document
    meta = document.tree.get("meta", {})
    tags = meta.get("tag", []) if isinstance(meta, dict) else None
    if not isinstance(tags, list) or any(isinstance(tag, dict) and tag.get("code") == LATE["code"] for tag in tags):
        return document  # marked already, or malformed: that is for the gate to tell
    return rewrite.spliced(document, {**document.tree, "meta": {**meta, "tag": [*tags, LATE]}})


def require(ctx: Context, tx: Transaction, writes: Sequence[Write]) -> None:
    """Raises Forbidden for another's device or another's resource, Unprocessable for what has not happened yet."""
    rules = ctx.caller.rules
    for write in writes:
        if write.outcome not in (CREATED, UPDATED) or write.document is None:
            continue
        if Rule.OWN_DEVICE in rules and not _is_own_device(ctx, write.document.tree):
            raise forbidden("A gateway writes what its own device measured: 'device' names the device that the client is registered for.")
        if Rule.OWN_RESOURCES in rules and write.before is not None and authors.creator(tx, write.before.res_id) != ctx.client:
            raise forbidden("A gateway corrects only what it made itself.")
        if Rule.FLAG_LATE in rules and (issues := list(_ahead(ctx, write))):
            raise Unprocessable(issues, entry=write.entry)


def _ahead(ctx: Context, write: Write) -> Iterator[Issue]:
    assert write.document is not None
    when = _when(ctx, write.document.tree)
    if when is not None and when - ctx.service.clock() > WINDOW.ahead_minutes * _MINUTE:
        where = f"{write.change.type}.effective[x]"
        says = f"{where} lies more than {WINDOW.ahead_minutes} minutes ahead. Set the clock of the device, and send what has happened."
        yield Issue("error", "business-rule", "effective-ahead", says, where, write.entry)


def _is_own_device(ctx: Context, tree: Mapping[str, Any]) -> bool:
    named = tree.get("device", {})
    text = named.get("reference") if isinstance(named, Mapping) else None
    literal = reference.parse(text) if isinstance(text, str) else None
    if literal is None or ctx.caller.device is None or not literal.is_local(ctx.service.settings.base_url):
        return False
    return f"{literal.type}/{literal.id}" == ctx.caller.device


def _when(ctx: Context, tree: Mapping[str, Any]) -> int | None:
    """The end of what was measured (microseconds); None where it cannot be told, which is for the gate to judge."""
    found = next((tree[name] for name in _WHEN if name in tree), None)
    text = found.get("end", found.get("start")) if isinstance(found, Mapping) else found
    try:
        return temporal.interval(text, ctx.service.settings.zone).lo if isinstance(text, str) else None
    except (ValueError, OverflowError):
        return None
