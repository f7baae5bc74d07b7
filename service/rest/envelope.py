"""The envelope of a Bundle that is processed: all of it but the resources in its entries, held to R4's definition of Bundle.

https://hl7.org/fhir/R4/bundle.html
"""

import re
from collections.abc import Sequence

from service.errors import Issue, Unprocessable
from service.fhir.document import Document
from service.records.context import Context

_ENTRY = re.compile(r"Bundle\.entry\[(\d+)\]")

Faults = dict[int, list[Issue]]


def require_valid(ctx: Context, bundle: Document) -> None:
    """Raises Unprocessable with everything that is wrong with the envelope and its entries."""
    _raise_errors(ctx.service.gate.check_envelope(bundle.tree))


def faults(ctx: Context, bundle: Document) -> Faults:
    """What is wrong with the entries of a batch, by their place. Raises Unprocessable with what is wrong outside them.

    Rules on the Bundle as a whole (its invariants) are left to the entries: one bad entry spoils no other.
    """
    outside: list[Issue] = []
    inside: Faults = {}
    for issue in ctx.service.gate.check_envelope(bundle.tree):
        expression = issue.expression or ""
        if found := _ENTRY.match(expression):
            inside.setdefault(int(found[1]), []).append(issue)
        elif expression != "Bundle":
            outside.append(issue)
    _raise_errors(outside)
    return inside


def require_faultless(known: Faults, index: int) -> None:
    """Raises Unprocessable with what is wrong with one entry of a batch."""
    _raise_errors(known.get(index, ()))


def _raise_errors(issues: Sequence[Issue]) -> None:
    if any(issue.severity == "error" for issue in issues):
        raise Unprocessable(tuple(issues))
