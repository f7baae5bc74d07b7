"""The clinic's own definitions belong to the service: only `records.installation` writes them.

A definition is known by its id and by its canonical URL, so that nobody can change, delete or replace it, nor put a second one
beside it. What the library ships decides, whether it is installed already or not. A write that changes nothing is let through.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from service.errors import Conflict, Issue, Unprocessable
from service.fhir import guide
from service.fhir.library import Library
from service.records.context import Context
from service.records.write import Write

_MEND = "Publish your own under a URL and an id of your own; it may be derived from this one."


def require_own(ctx: Context, writes: Sequence[Write]) -> None:
    """Raises Unprocessable, or Conflict where all that is wrong are deletions, when `writes` touch definitions of the clinic."""
    if ctx.installs:
        return
    issues = [(write, issue) for write in writes if write.writes for issue in _objections(ctx.service.library, write)]
    if issues:
        kind = Unprocessable if any(write.document for write, _ in issues) else Conflict
        raise kind([issue for _, issue in issues], entry=issues[0][0].entry)


def _objections(library: Library, write: Write) -> Iterator[Issue]:
    """One at most, for the id or for the URL."""
    type = write.change.type
    tree: Any = write.document.tree if write.document else {}
    url = tree.get("url")
    if write.key and guide.is_our_id(library, type, write.key[1]):
        what = f"{type}/{write.key[1]} is one of the clinic's definitions, which the service itself keeps."
        yield Issue("error", "business-rule", "clinic-definition", f"{what} {_MEND}", f"{type}.id", write.entry)
    elif isinstance(url, str) and guide.is_ours(library, type, url):
        what = f"{type}.url {url[:200]!r} is that of one of the clinic's definitions, which the service itself keeps."
        yield Issue("error", "business-rule", "clinic-definition", f"{what} {_MEND}", f"{type}.url", write.entry)
