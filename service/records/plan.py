"""From what is asked to what exactly will be written: conditions, ids, references between entries, patches, preconditions.

Everything is decided inside the write transaction, on locked rows. The rules are those of
https://hl7.org/fhir/R4/http.html#transaction: conditions are judged by the state before the transaction, and no two entries may touch
the same resource. Deletions come first, then creations, then updates and patches.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.clock import to_text
from service.errors import BadRequest, Conflict, Gone, NotFound, PreconditionFailed
from service.fhir import document as documents
from service.fhir import reference, rewrite
from service.fhir.document import Document
from service.records import condition, conduct, link, outreach, provenance
from service.records.change import Change, Create, Delete, Patch, Update
from service.records.condition import Condition
from service.records.context import Context
from service.records.identity import new_id
from service.records.write import ABSENT, CREATED, DELETED, EXISTING, UNCHANGED, UPDATED, Write, naming
from service.search.execute import Candidate
from service.storage import versions
from service.storage.database import Transaction
from service.storage.failures import Collision
from service.storage.versions import Current, Key

_ORDER = {Delete: 0, Create: 1, Update: 2, Patch: 3}
_QUESTION_MARK = re.compile(r"\?|\\u003[fF]")
Matches = Mapping[Condition, Sequence[Candidate]]


@dataclass(frozen=True, slots=True)
class _Target:
    """The resource that a change is about.

    `found`: it was named or matched, so that a current version may exist. `matched`: the version that a condition found.
    """

    entry: int
    change: Change
    key: Key | None
    found: bool
    matched: int | None = None


def plan(ctx: Context, tx: Transaction, changes: Sequence[Change]) -> list[Write]:
    """The writes that `changes` come to, in the order in which they happen. Raises the error of the first change that cannot be."""
    matches = _matches(ctx, tx, changes)
    targets: list[_Target] = []
    for entry, change in enumerate(changes):
        with naming(entry):
            targets += _targets(ctx, tx, entry, change, matches)
    _require_distinct(targets)
    keys = [target.key for target in targets if target.key and target.found]
    deleting = {target.key for target in targets if target.key and isinstance(target.change, Delete)}
    current = outreach.within(ctx, tx, [(one.key, one.change) for one in targets if one.key], versions.current(tx, keys, deleting))
    _require_unmoved(targets, current)
    links = _links(ctx, targets, matches)
    targets.sort(key=lambda target: _ORDER[type(target.change)])
    writes = []
    for target in targets:
        with naming(target.entry):
            before = current.get(target.key) if target.key else None
            outreach.require_own_id(ctx, target.change, target.key if target.found else None, before)
            writes.append(_write(ctx, target, before, links))
    return provenance.attested(ctx, writes)


def _matches(ctx: Context, tx: Transaction, changes: Sequence[Change]) -> Matches:
    conditions: dict[Condition, int] = {}
    for entry, change in enumerate(changes):
        asked = [found] if (found := _condition(change)) else []
        if isinstance(change, Create | Update) and _QUESTION_MARK.search(change.document.text):
            asked += [found for _, text in reference.references(change.document.tree) if (found := reference.conditional(text))]
        for one in asked:
            conditions.setdefault(one, entry)
    if not conditions:
        return {}
    settings = ctx.service.settings
    several = settings.conditional_delete_multiple and any(isinstance(change, Delete) and change.condition for change in changes)
    return condition.resolve(ctx, tx, conditions, settings.conditional_delete_max + 1 if several else 2)


def _condition(change: Change) -> Condition | None:
    text = change.if_none_exist if isinstance(change, Create) else change.condition
    return None if text is None else (change.type, text)


def _targets(ctx: Context, tx: Transaction, entry: int, change: Change, matches: Matches) -> list[_Target]:
    number = ctx.service.definitions.type_number(change.type)
    wanted = _condition(change)
    if wanted is None:
        if isinstance(change, Create):
            return [_Target(entry, change, (number, new_id(tx.stamp)), found=False)]
        return [_Target(entry, change, (number, _own_id(change)), found=True)]
    found = outreach.changeable(ctx, tx, change, matches[wanted])
    if len(found) > 1 and not (isinstance(change, Delete) and _may_delete(ctx, found)):
        raise PreconditionFailed.of(
            "multiple-matches",
            "condition-ambiguous",
            f"The condition {wanted[1][:80]!r} matches more than one {change.type}. Make it narrower.",
        )
    if found:
        return [_Target(entry, change, (number, one.id), found=True, matched=one.version) for one in found]
    return [_Target(entry, change, *_unmatched(tx, change, number))]


def _may_delete(ctx: Context, found: Sequence[Candidate]) -> bool:
    settings = ctx.service.settings
    return settings.conditional_delete_multiple and len(found) <= settings.conditional_delete_max


def _unmatched(tx: Transaction, change: Change, number: int) -> tuple[Key | None, bool]:
    """Where a change goes whose condition matched nothing."""
    if isinstance(change, Patch):
        raise NotFound.of("not-found", "condition-unmatched", f"No {change.type} matches the condition of the patch.")
    if isinstance(change, Delete):
        return None, False
    given = change.document.tree.get("id") if isinstance(change, Update) else None
    return ((number, given), True) if isinstance(given, str) and given else ((number, new_id(tx.stamp)), False)


def _own_id(change: Update | Patch | Delete) -> str:
    assert change.id is not None
    if isinstance(change, Update) and change.document.tree.get("id") != change.id:
        raise BadRequest.of(
            "invalid", "id-mismatch", f"The id in the body must be the id in the URL. Set it to {change.id!r}.", f"{change.type}.id"
        )
    return change.id


def _require_distinct(targets: Sequence[_Target]) -> None:
    """No two entries may touch one resource, or create under one condition."""
    seen: dict[object, int] = {}
    for target in targets:
        names: list[object] = [target.key] if target.key else []
        names += [("condition", *condition.normal(*wanted))] if (wanted := _condition(target.change)) and target.matched is None else []
        for name in names:
            if seen.setdefault(name, target.entry) != target.entry:
                error = BadRequest.of(
                    "duplicate",
                    "entry-duplicate",
                    f"Entries {seen[name]} and {target.entry} touch the same {target.change.type}. Send one of them.",
                )
                error.entry = target.entry
                raise error


def _links(ctx: Context, targets: Sequence[_Target], matches: Matches) -> link.Links:
    name = ctx.service.definitions.type_name
    places = {
        target.change.full_url: f"{name(target.key[0])}/{target.key[1]}" for target in targets if target.key and target.change.full_url
    }
    conditional = {condition.normal(*wanted): [f"{wanted[0]}/{one.id}" for one in found] for wanted, found in matches.items()}
    for target in targets:
        wanted = _condition(target.change)
        if wanted and target.key and target.matched is None:
            conditional[condition.normal(*wanted)] = [f"{name(target.key[0])}/{target.key[1]}"]
    return link.Links(places, conditional)


def _require_unmoved(targets: Sequence[_Target], current: Mapping[Key, Current]) -> None:
    """Collision when a match was changed between the search and the lock: whether it still matches must be asked again."""
    for target in targets:
        now = current.get(target.key) if target.key else None
        if target.matched is not None and (now is None or now.version != target.matched):
            raise Collision


def _write(ctx: Context, target: _Target, before: Current | None, links: link.Links) -> Write:
    change = target.change
    alive = before is not None and before.body is not None
    if isinstance(change, Create):
        if target.found:
            return Write(target.entry, change, EXISTING, target.key, before)
        return Write(target.entry, change, CREATED, target.key, None, conduct.marked(ctx, links.applied(change.document, change.full_url)))
    _require_version(target, change, before)
    if isinstance(change, Delete):
        return Write(target.entry, change, DELETED if alive else ABSENT, target.key, before)
    if isinstance(change, Patch):
        return _patch(target, change, before, links)
    return _update(target, change, before, links)


def _update(target: _Target, change: Update, before: Current | None, links: link.Links) -> Write:
    alive = before is not None and before.body is not None
    if alive and change.if_none_match:
        raise PreconditionFailed.of(
            "conflict",
            "if-none-match",
            f"{change.type}/{target.key and target.key[1]} exists already. Leave out If-None-Match to replace it.",
        )
    if alive and change.condition is not None and target.matched is None:
        says = f"Nothing matches the condition, but {change.type}/{target.key and target.key[1]} exists."
        raise Conflict.of("conflict", "id-taken", f"{says} Update it by its id, or leave the id out.", f"{change.type}.id")
    given = change.document.tree.get("id")
    if alive and change.condition is not None and target.key and given not in (None, target.key[1]):
        raise BadRequest.of(
            "invalid",
            "id-mismatch",
            f"The condition matches {target.key[1]!r}, the body says {given!r}. Leave the id out.",
            f"{change.type}.id",
        )
    document = links.applied(change.document, change.full_url)
    return Write(target.entry, change, _outcome(target, before, document), target.key, before, document)


def _patch(target: _Target, change: Patch, before: Current | None, links: link.Links) -> Write:
    if before is None:
        raise NotFound.of("not-found", "unknown-id", f"There is no {change.type}/{change.id} to patch.")
    if before.body is None:
        raise Gone.of("deleted", "deleted", f"{change.type}/{change.id} was deleted. Restore it with PUT before patching it.")
    old = documents.stored(before.body)
    document = links.applied(rewrite.spliced(old, change.patch.apply(old.tree)), change.full_url)
    return Write(target.entry, change, _outcome(target, before, document), target.key, before, document)


def _outcome(target: _Target, before: Current | None, document: Document) -> str:
    if before is None or before.body is None:
        return CREATED
    if not isinstance(document.tree.get("meta", {}), dict):  # the stamp would hide it from the gate
        return UPDATED
    same = rewrite.stamped(document, target.key[1] if target.key else "", before.version, to_text(before.last_updated))
    return UNCHANGED if same == before.body else UPDATED


def _require_version(target: _Target, change: Update | Patch | Delete, before: Current | None) -> None:
    if change.if_match is None:
        return
    now = before.version if before and before.body is not None else None
    if change.if_match != now:
        says = f"version {now} is current" if now else "there is no current version"
        address = f"{change.type}/{target.key[1]}" if target.key else change.type
        raise PreconditionFailed.of(
            "conflict", "if-match", f"If-Match asks for version {change.if_match} of {address}, but {says}. Read it again."
        )
