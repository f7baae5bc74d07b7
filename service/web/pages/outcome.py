"""An OperationOutcome as a list to read (https://hl7.org/fhir/R4/operationoutcome.html)."""

from dataclasses import dataclass

from service.web.pages import summary
from service.web.pages.summary import Tree


@dataclass(frozen=True, slots=True)
class Line:
    """One issue: how bad, which kind and rule, in which words, and at which elements."""

    severity: str
    code: str
    rule: str
    words: str
    elements: tuple[str, ...]


def lines(tree: Tree) -> list[Line]:
    """The issues of the OperationOutcome `tree` in their order."""
    return [_line(issue) for issue in tree.get("issue", ()) if isinstance(issue, dict)]


def _line(issue: Tree) -> Line:
    details = issue.get("details")
    details = details if isinstance(details, dict) else {}
    rule = summary.text_of([coding.get("code") for coding in details.get("coding", ())])
    return Line(
        severity=summary.text_of(issue.get("severity")),
        code=summary.text_of(issue.get("code")),
        rule=rule,
        words=summary.text_of(issue.get("diagnostics")) or summary.text_of(details),
        elements=tuple(issue.get("expression", ())),
    )
