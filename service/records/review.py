"""May it be written? Every rule is asked about every write before anything is written, and all findings come out at once.

The gate judges each resource by itself. Referential integrity looks at the record: a reference into this service must find a
resource that exists once the write is done, and nothing may be deleted that others still refer to.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from service.errors import Conflict, Issue, Unprocessable
from service.fhir import reference
from service.records import authority, outreach, protection, provenance, signature
from service.records.change import Change, Create, Update
from service.records.context import Context
from service.records.register import following
from service.records.register.following import Judged
from service.records.stored_terms import StoredTerms
from service.records.write import ABSENT, DELETED, Write
from service.search import index
from service.storage import versions
from service.storage.database import Transaction
from service.storage.versions import Key
from service.validation.check import Asked

Findings = Mapping[int, Sequence[Issue]]
_PLAINLY = Asked()
_MOST_REFERRERS = 20
_SEARCH_PARAMETER = "SearchParameter"
_OBSERVATION_VALUE = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"


def inspect(ctx: Context, changes: Sequence[Change]) -> dict[int, list[Issue]]:
    """What the gate says of the resources that are complete as they came in, so that no transaction is open meanwhile.

    Raises Forbidden when the caller has no scope for one, Unprocessable when one is refused.
    """
    authority.require_changes(ctx, changes)
    found = {
        entry: judged(ctx, entry, change, change.document.tree)
        for entry, change in enumerate(changes)
        if isinstance(change, Create | Update) and _is_complete(change) and not provenance.is_attestation(change)
    }
    _raise_errors(found)
    return found


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The warnings of every write by its entry, and what the writes come to for the register of controlled substances, if anything."""

    findings: Findings
    register: Judged | None


def review(ctx: Context, tx: Transaction, writes: Sequence[Write], inspected: Findings) -> Reviewed:
    """What is to be said of the writes. Raises Unprocessable, or Conflict for a deletion, with every error found.

    Raises MethodNotAllowed for the deletion of a controlled-substance record.
    """
    findings = {entry: list(issues) for entry, issues in inspected.items()}
    for write in writes:
        if write.writes and write.document is not None and write.entry not in inspected:
            findings[write.entry] = judged(ctx.within(tx), write.entry, write.change, write.document.tree)
        if write.writes and write.document is not None and write.change.type == _SEARCH_PARAMETER:
            findings[write.entry] = [*findings.get(write.entry, ()), *_unsearchable(ctx, write.entry, write.document.tree)]
    _raise_errors(findings)
    protection.require_own(ctx, writes)
    outreach.require_after(ctx, tx, writes)
    following.refuse_deletions(ctx, tx, writes)
    if ctx.service.settings.check_references:
        _require_targets(ctx, tx, writes)
        _require_unreferenced(ctx, tx, writes)
    for write in writes:
        if issues := signature.judged(ctx, tx, write, writes):
            findings[write.entry] = [*findings.get(write.entry, ()), *issues]
    _raise_errors(findings)
    register = following.judge(ctx, tx, writes)
    for entry, issues in (register.warnings if register else {}).items():
        findings[entry] = [*findings.get(entry, ()), *issues]
    return Reviewed(findings, register)


def _unsearchable(ctx: Context, entry: int, tree: Mapping[str, Any]) -> Iterator[Issue]:
    """What a search parameter that is stored all the same cannot be used for, and what it takes to use it."""
    if tree.get("status") != "active":
        says = f"It is {tree.get('status')}, and searches do not know it: only active search parameters are used."
        yield Issue("warning", "not-supported", "search-parameter", says, f"{_SEARCH_PARAMETER}.status", entry)
    for objection in ctx.service.registry.objections(tree):
        yield Issue("warning", "not-supported", "search-parameter", f"{objection}.", _SEARCH_PARAMETER, entry)


def _is_complete(change: Create | Update) -> bool:
    """Whether planning will leave the resource as it is: it names no entry of a Bundle and no condition."""
    if not reference.may_be_unresolved(change.document.text):
        return True
    return not any(reference.is_placeholder(text) or reference.conditional(text) for _, text in reference.replaceable(change.document.tree))


def judged(ctx: Context, entry: int, change: Change, tree: Mapping[str, Any], asked: Asked = _PLAINLY) -> list[Issue]:
    """What the gate says, when it is `asked`; and an update may not replace a resource by the part of it that a summary shows."""
    with StoredTerms(ctx) as terms:
        found = ctx.service.gate.check(tree, change.type, replace(asked, terms=terms))
    issues = [replace(issue, entry=entry) for issue in found]
    tags = tree["meta"].get("tag", ()) if isinstance(change, Update) and isinstance(tree.get("meta"), dict) else ()
    if not any(issue.severity == "error" for issue in issues) and any(
        isinstance(tag, dict) and tag.get("code") == "SUBSETTED" and tag.get("system") == _OBSERVATION_VALUE for tag in tags
    ):
        says = (
            f"{change.type}.meta.tag says SUBSETTED: the body is a part of the resource, and storing it would lose the rest. Read it whole."
        )
        issues.append(Issue("error", "business-rule", "subsetted", says, f"{change.type}.meta.tag", entry))
    return issues


def _raise_errors(findings: Mapping[int, Sequence[Issue]]) -> None:
    errors = [issue for entry in sorted(findings) for issue in findings[entry] if issue.severity in ("error", "fatal")]
    if errors:
        wrong = {issue.entry for issue in errors}
        shown = [issue for entry in sorted(findings) if entry in wrong for issue in findings[entry]]
        raise Unprocessable(shown, entry=errors[0].entry)


def _require_targets(ctx: Context, tx: Transaction, writes: Sequence[Write]) -> None:
    made = {write.key for write in writes if write.key and write.outcome not in (DELETED, ABSENT)}
    gone = {write.key for write in writes if write.key and write.outcome == DELETED}
    asked = [(write, *found) for write in writes if write.writes and write.document for found in _local_references(ctx, write)]
    unknown = {key for *_, key in asked if key and key not in made | gone}
    there = outreach.nameable(ctx, tx, versions.existing(tx, unknown)) | made
    issues = [_missing(write, path, text) for write, path, text, key in asked if key is None or key in gone or key not in there]
    if issues:
        raise Unprocessable(issues, entry=issues[0].entry)


def _local_references(ctx: Context, write: Write) -> Iterator[tuple[reference.Path, str, Key | None]]:
    """The references into this service; a placeholder or condition that nothing resolved, or a type that is not served, has no key."""
    assert write.document is not None
    definitions = ctx.service.definitions
    for path, text in reference.references(write.document.tree):
        literal = reference.parse(text)
        if literal is None:
            if reference.is_placeholder(text) or reference.conditional(text):
                yield path, text, None
        elif literal.is_local(ctx.service.settings.base_url) and (literal.base is None or literal.type in definitions.types):
            yield path, text, (definitions.type_number(literal.type), literal.id) if literal.type in definitions.types else None


def _missing(write: Write, path: reference.Path, text: str) -> Issue:
    where = write.change.type + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    mend = "Create it first, send both in one transaction, or correct the reference."
    return Issue(
        "error", "not-found", "reference-target", f"{where} refers to {text[:200]!r}, which does not exist here. {mend}", where, write.entry
    )


def _require_unreferenced(ctx: Context, tx: Transaction, writes: Sequence[Write]) -> None:
    touched = {write.key for write in writes if write.writes}
    issues = []
    for write in writes:
        if write.outcome == DELETED and write.key:
            address = f"{write.change.type}/{write.key[1]}"
            found = index.referrers(tx, ctx.service.registry, write.change.type, write.key[1], _MOST_REFERRERS + len(touched))
            others = [(type, id) for type, id in found if (ctx.service.definitions.type_number(type), id) not in touched]
            if others:
                named = ", ".join(outreach.told(ctx, tx, others[:_MOST_REFERRERS])) or "other resources"
                says = f"{address} is referred to by {named}. Change or delete those first, or all in one transaction."
                issues.append(Issue("error", "conflict", "delete-referenced", says, None, write.entry))
    if issues:
        raise Conflict(issues, entry=issues[0].entry)
