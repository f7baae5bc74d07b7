"""OperationOutcome (https://hl7.org/fhir/R4/operationoutcome.html): the one form in which the service says what is wrong."""

from collections.abc import Iterable
from typing import Any

from service.errors import RULES_SYSTEM, Issue

ISSUE_PROFILE = "https://clinic.example/fhir/StructureDefinition/issue-profile"
"""The extension that names the profile whose rule an issue is about."""


def tree(issues: Iterable[Issue]) -> dict[str, Any]:
    """The OperationOutcome that carries `issues`, as a JSON tree; with none, one informational line that all is well."""
    lines = [_line(issue) for issue in issues]
    return {"resourceType": "OperationOutcome", "issue": lines or [_line(_ALL_WELL)]}


_ALL_WELL = Issue("information", "informational", "ok", "All is well; nothing to report.")


def _line(issue: Issue) -> dict[str, Any]:
    line: dict[str, Any] = {
        "severity": issue.severity,
        "code": issue.code,
        "details": {"coding": [{"system": RULES_SYSTEM, "code": issue.rule}]},
        "diagnostics": issue.diagnostics,
    }
    if issue.expression:
        line["expression"] = [issue.expression]
    if issue.profile:
        line = {"extension": [{"url": ISSUE_PROFILE, "valueCanonical": issue.profile}], **line}
    return line
