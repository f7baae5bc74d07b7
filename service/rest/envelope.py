"""The envelope of a Bundle that is processed: all of it but the resources in its entries, held to R4's definition of Bundle.

https://hl7.org/fhir/R4/bundle.html
"""

from service.errors import Issue, Unprocessable
from service.fhir.document import Document
from service.records.context import Context


def require_valid(ctx: Context, bundle: Document) -> None:
    """Raises Unprocessable with everything that is wrong with the envelope and its entries."""
    _raise_errors(ctx.service.gate.check_envelope(bundle.tree))


def require_valid_header(ctx: Context, bundle: Document) -> None:
    """Raises Unprocessable with what is wrong outside the entries: in a batch, one bad entry spoils no other."""
    found = ctx.service.gate.check_envelope(bundle.tree)
    _raise_errors([issue for issue in found if issue.expression != "Bundle" and not (issue.expression or "").startswith("Bundle.entry")])


def _raise_errors(issues: list[Issue]) -> None:
    if any(issue.severity == "error" for issue in issues):
        raise Unprocessable(tuple(issues))
