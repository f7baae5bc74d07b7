"""What a write would be told, without writing: the findings of the gate, and whatever else would refuse it, all at once.

The change is planned and reviewed as a write plans and reviews it, in a transaction that is undone; so a rehearsal cannot disagree
with the write but for what others change in between. https://hl7.org/fhir/R4/resource-operation-validate.html
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from service.errors import Issue, ServiceError, Unprocessable
from service.fhir.definitions import VERSION
from service.records import authority
from service.records.change import Change, Create, Update
from service.records.commit import rehearsed
from service.records.context import Context
from service.records.plan import plan
from service.records.review import judged, review
from service.records.stored_terms import StoredTerms
from service.records.write import Write
from service.storage.database import Transaction
from service.validation.check import Asked

_UNAVAILABLE = 500
_R4 = "http://hl7.org/fhir/StructureDefinition/"
_MOST_NAMED = 20


def judge(ctx: Context, type: str, tree: Mapping[str, Any], profiles: Sequence[str] = ()) -> list[Issue]:
    """What is wrong with a resource by itself and by each of `profiles`, and what could not be checked.

    Raises Unprocessable for a profile that is not known.
    """
    _require_known(ctx, type, profiles)
    with StoredTerms(ctx) as terms:
        return ctx.service.gate.check(tree, type, Asked(profiles, terms, thorough=True))


def _require_known(ctx: Context, type: str, profiles: Sequence[str]) -> None:
    known = ctx.service.gate.profiles(type)
    library = ctx.service.library
    for url in profiles:
        is_known = url.partition("|")[0] in known and library.find("StructureDefinition", url) is not None
        if not is_known and url not in (_R4 + type, f"{_R4}{type}|{VERSION}"):
            named = ", ".join(known[:_MOST_NAMED]) + (f" and {len(known) - _MOST_NAMED} more" if len(known) > _MOST_NAMED else "")
            if url.partition("|")[0] in known:
                named = "other versions of it: " + ", ".join(library.versions("StructureDefinition", url.partition("|")[0]))
            says = f"{url[:200]!r} is no profile of {type} that is known here. Known are: {named or 'none'}."
            raise Unprocessable.of("not-found", "unknown-profile", says, "http.profile")


def rehearse(ctx: Context, change: Change, profiles: Sequence[str] = ()) -> list[Issue]:
    """Everything that `change` would be told, errors and warnings, and what is wrong by `profiles`.

    When nothing would refuse it, the last line says what it would come to. Raises Unprocessable for a profile that is not known,
    Forbidden for a change that the caller has no scope for.
    """
    authority.require_changes(ctx, [change])
    _require_known(ctx, change.type, profiles)
    return rehearsed(ctx, lambda bound, tx: _told(bound.within(tx), tx, change, profiles))


def _told(ctx: Context, tx: Transaction, change: Change, profiles: Sequence[str]) -> list[Issue]:
    try:
        writes = plan(ctx, tx, [change])
    except ServiceError as error:
        return [*_content(ctx.within(tx), change, (), profiles), *_refusal(error)]
    issues = [*_content(ctx.within(tx), change, writes, profiles)]
    return [*issues, *_around(ctx, tx, writes, has_errors(issues))]


def _refusal(error: ServiceError) -> Sequence[Issue]:
    """What a write would be told. What could not even be asked, because the service cannot answer now, is raised."""
    if error.status >= _UNAVAILABLE:
        raise error
    return error.issues


def has_errors(issues: Sequence[Issue]) -> bool:
    """Whether one of the issues would refuse a write."""
    return any(issue.severity in ("error", "fatal") for issue in issues)


def _content(ctx: Context, change: Change, writes: Sequence[Write], profiles: Sequence[str]) -> Iterator[Issue]:
    """What the gate says of the resource as it would be stored: with its references resolved."""
    if isinstance(change, Create | Update):
        resolved = writes[0].document if writes else None
        yield from judged(ctx, 0, change, (resolved or change.document).tree, Asked(profiles, thorough=True))


def _around(ctx: Context, tx: Transaction, writes: Sequence[Write], broken: bool) -> Iterator[Issue]:
    """What the record says: references that lead nowhere, a deletion that others object to, and what becomes of the resource."""
    if broken and writes[0].change.type == "SearchParameter":  # what it would search by can only be told of a valid one
        return
    try:
        yield from review(ctx, tx, writes, {0: ()}).findings[0]
    except ServiceError as error:
        yield from _refusal(error)
        return
    if not broken:
        yield _outcome(writes[0])


def _outcome(write: Write) -> Issue:
    named = f"{write.change.type}/{write.key[1]}" if write.key and write.before else f"a new {write.change.type}"
    says = {
        "created": f"It would be accepted: {named} would be stored as version {write.version}.",
        "updated": f"It would be accepted: {named} would get version {write.version}.",
        "unchanged": f"It would be accepted, and change nothing: {named} says this already.",
        "existing": f"Nothing would be created: the condition matches {named}.",
        "deleted": f"{named} can be deleted.",
        "absent": f"There is no {write.change.type} to delete; a deletion would be answered as done.",
    }[write.outcome]
    return Issue("information", "informational", f"would-be-{write.outcome}", says)
