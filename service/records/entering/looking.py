"""What a form reads to be shown: through the access of who fills it in, and told to the audit trail like any other look."""

import re
from collections.abc import Sequence
from typing import Any

from service.audit.event import Event
from service.audit.kinds import REST
from service.errors import NotFound
from service.fhir.document import stored
from service.records import read as reading
from service.records import trail
from service.records.context import Context
from service.records.find import find

Tree = dict[str, Any]

_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")


def one(ctx: Context, reference: str) -> Tree:
    """The resource `Type/id`. Raises NotFound, Gone or Forbidden like any read."""
    type, _, id = reference.partition("/")
    require_id(id)
    found = reading.read(ctx, type, id)
    ctx.trail.saw(type, found.text or "{}")
    trail.note(ctx, Event(REST["read"], reference=reference, type=type, patients=trail.seen(ctx)))
    ctx.trail.forget_sights()
    tree: Tree = stored(found.text or "{}").tree
    return tree


def require_id(text: str) -> None:
    """Raises NotFound for what is no id: https://hl7.org/fhir/R4/datatypes.html#id"""
    if not _ID.fullmatch(text):
        raise NotFound.of("not-found", "unknown-id", "There is nothing of that name here. Choose from the list.")


def several(ctx: Context, type: str, pairs: Sequence[tuple[str, str]], what: str) -> tuple[list[Tree], dict[str, Tree]]:
    """The resources that a search finds, and those that it includes, by `Type/id`; `what` says to the audit trail what was looked for."""
    _, page = find(ctx, type, pairs, lenient=False)
    for found in (*page.matches, *page.included):
        ctx.trail.saw(found.type, found.text)
    trail.note(ctx, Event(REST["search-type"], type=type, description=what, patients=trail.seen(ctx)))
    ctx.trail.forget_sights()
    return [stored(found.text).tree for found in page.matches], {
        f"{found.type}/{found.id}": stored(found.text).tree for found in page.included
    }
