"""What a rule answers: a law always refuses, a policy does what the clinic has set for it and names its version."""

from collections.abc import Iterator

from service.errors import Issue
from service.ledger.policy import OFF, WARN, Policy
from service.ledger.scene import Written


def law(written: Written, rule: str, says: str, expression: str | None = None, code: str = "business-rule") -> Issue:
    """A refusal that no setting takes away. `rule`: the id, as in `cs-03`; `says`: what is wrong, with the mend."""
    return Issue("error", code, rule, says, expression, written.entry)


def policy(found: Policy, written: Written, rule: str, says: str, expression: str | None = None, part: str = "") -> Iterator[Issue]:
    """What the policies in force make of a breach: a refusal, a warning or nothing. `part`: of the rule, where that is set by itself."""
    action = found.action(f"{rule}-{part}" if part else rule)
    if action != OFF:
        severity = "warning" if action == WARN else "error"
        yield Issue(severity, "business-rule", rule, f"{says} Policy {found.version}.", expression, written.entry)


def doubt(found: Policy, written: Written, rule: str, says: str, expression: str | None = None) -> Iterator[Issue]:
    """What cannot be told from the record, or is not settled yet: a warning, unless the clinic has switched the rule off."""
    if found.action(rule) != OFF:
        yield Issue("warning", "business-rule", rule, f"{says} Policy {found.version}.", expression, written.entry)
