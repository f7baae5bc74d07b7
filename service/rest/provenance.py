"""The request header X-Provenance: a Provenance as JSON, without targets, about what a create, update, patch or transaction makes.

https://hl7.org/fhir/R4/provenance.html#header. It is validated, authorized and committed with the write; when it cannot be, nothing is.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from service.errors import BadRequest, ServiceError
from service.fhir import document
from service.fhir.document import Document
from service.records.change import Change, Create
from service.records.context import Context
from service.records.provenance import PROVENANCE
from service.records.write import CREATED, UPDATED, Committed
from service.rest import body
from service.rest.exchange import Call

HEADER = "x-provenance"
_NAME = "X-Provenance"
_LONGEST = 8 * 1024


def attested(ctx: Context, call: Call, changes: Sequence[Change]) -> list[Change]:
    """`changes` and, behind them, the Provenance in the request's header, if there is one. Raises BadRequest for one that is malformed."""
    stated = call.header(HEADER)
    return [*changes] if stated is None else [*changes, Create(PROVENANCE, _document(ctx, stated), attests=True)]


def told(done: Sequence[Committed], count: int) -> list[Committed]:
    """What became of the `count` changes; the first that made a version also tells of the Provenance: its entry of the audit trail, and
    the warnings about it."""
    changes = list(done[:count])
    for one in done[count:]:
        place = next(place for place, other in enumerate(changes) if other.outcome in (CREATED, UPDATED))
        first, warnings = changes[place], [replace(issue, diagnostics=f"{_NAME}: {issue.diagnostics}") for issue in one.findings]
        changes[place] = replace(first, marks=(*first.marks, *one.marks), findings=[*first.findings, *warnings])
    return changes


def require_none(call: Call, mend: str) -> None:
    """Raises BadRequest when the request has the header, where nothing could be done with it."""
    if call.header(HEADER) is not None:
        raise BadRequest.of("not-supported", "x-provenance", f"{_NAME} is not taken here. {mend}")


@contextmanager
def naming(place: int) -> Iterator[None]:
    """Let an error about the change at `place`, the Provenance, say that it is about the header."""
    try:
        yield
    except ServiceError as error:
        error.issues = tuple(
            replace(issue, entry=None, diagnostics=f"{_NAME}: {issue.diagnostics}")
            if (error.entry if issue.entry is None else issue.entry) == place
            else issue
            for issue in error.issues
        )
        error.entry = None if error.entry == place else error.entry
        raise


def _document(ctx: Context, stated: str) -> Document:
    if len(stated) > _LONGEST:
        raise _malformed(f"It has more than {_LONGEST} characters. Post the Provenance by itself.")
    try:
        found = document.decode(stated.encode("latin-1"), body.limits(ctx))
    except BadRequest as error:
        raise _malformed(str(error)) from None
    if not isinstance(found.tree, dict) or found.tree.get("resourceType") != PROVENANCE:
        raise _malformed("It holds one Provenance as JSON, on one line.")
    if "target" in found.tree:
        raise _malformed("Leave target out: it becomes the versions that this request makes.", f"{PROVENANCE}.target")
    return found


def _malformed(mend: str, expression: str | None = None) -> BadRequest:
    return BadRequest.of("invalid", "x-provenance", f"{_NAME}: {mend}", expression)
