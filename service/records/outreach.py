"""What a write may touch: the resource before it, the resource after it, and what it names.

A change needs its letter on what there is and on what there will be, so that nothing is moved into reach or out of it. What is out of
reach is as if it did not exist: the same answers, word for word.
https://hl7.org/fhir/R4/security.html, docs/decisions/0021-one-restriction.md
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from service.errors import Gone, Issue, Unprocessable
from service.records import conduct
from service.records.authority import letter
from service.records.change import Change, Create, Update
from service.records.context import Context
from service.records.read import is_visible, unknown
from service.records.write import CREATED, EXISTING, Write
from service.search.execute import Candidate
from service.search.viewer import Viewer
from service.security.access import forbidden
from service.security.belonging import PATIENT
from service.security.roles import Rule
from service.storage.database import Transaction
from service.storage.versions import Current, Key


def changeable(ctx: Context, tx: Transaction, change: Change, found: Sequence[Candidate]) -> Sequence[Candidate]:
    """The matches of a condition, which the caller can find. Raises Forbidden when one of them is not the caller's to change.

    A conditional create changes none of them.
    """
    if isinstance(change, Create) or ctx.access.is_whole(letter(change), change.type):
        return found
    number = ctx.service.definitions.type_number(change.type)
    visible = Viewer(tx, ctx.service.registry, ctx.access, letter(change)).visible({(number, one.id) for one in found})
    if len(visible) < len({one.id for one in found}):
        raise forbidden("The condition matches what the scopes of the token do not let it change. Nothing was written.")
    return found


def within(ctx: Context, tx: Transaction, asked: Iterable[tuple[Key, Change]], current: Mapping[Key, Current]) -> Mapping[Key, Current]:
    """What the changes may know of the resources that there are."""
    hidden = {key for key, change in asked if not isinstance(change, Create) and not is_visible(ctx, tx, key, letter(change))}
    return {key: one for key, one in current.items() if key not in hidden} if hidden else current


def require_own_id(ctx: Context, change: Change, key: Key | None, before: Current | None) -> None:
    """An update makes a resource, or brings one back, only for who may create and update every resource of its type.

    Whoever sees a part of them must not learn from the answer which ids are taken. Raises NotFound, or Gone where the caller could see what
    there was.
    """
    if not isinstance(change, Update) or key is None or (before is not None and before.body is not None):
        return
    access = ctx.access
    if access.is_whole("c", change.type) and access.is_whole("u", change.type):
        return
    if before is not None:
        says = f"{change.type}/{key[1]} was deleted by version {before.version}. Its history shows what it was."
        raise Gone.of("deleted", "deleted", says)
    raise unknown(change.type, key[1])


def require_after(ctx: Context, tx: Transaction, writes: Sequence[Write]) -> None:
    """Raises Forbidden for what would be stored out of the caller's reach, and the refusals of the rules of its role."""
    if ctx.caller.is_internal:
        return
    made = {write.key for write in writes if write.outcome == CREATED and write.change.type == PATIENT}
    for write in writes:
        if write.document is None or write.outcome == EXISTING:
            continue
        tree = write.document.tree
        needed = "c" if write.outcome == CREATED else "u"
        ctx.access.require(needed, write.change.type)
        if not ctx.access.sees(needed, write.change.type, tree):
            raise _beyond()
        if not ctx.access.is_plain(needed, write.change.type):
            _require_plain_content(ctx, write, tree)
        if Rule.OWN_SITE in ctx.caller.rules:
            _require_own_clinic(ctx, tx, write, made)
    conduct.require(ctx, tx, writes)


def nameable(ctx: Context, tx: Transaction, there: set[Key]) -> set[Key]:
    """Those of the existing resources `there` that the caller may refer to: what it may read, or for a gateway whatever exists."""
    if ctx.caller.is_internal or Rule.ANY_TARGET in ctx.caller.rules:
        return there
    return Viewer(tx, ctx.service.registry, ctx.access).visible(there)


def told(ctx: Context, tx: Transaction, named: Sequence[tuple[str, str]]) -> list[str]:
    """Those of the resources (type, id) that the caller may hear of, as addresses."""
    number = ctx.service.definitions.type_number
    visible = Viewer(tx, ctx.service.registry, ctx.access).visible({(number(type), id) for type, id in named})
    return [f"{type}/{id}" for type, id in named if (number(type), id) in visible]


def _require_plain_content(ctx: Context, write: Write, tree: Mapping[str, Any]) -> None:
    """What is contained is in no index: a restricted caller puts nothing in there that a restriction would have to find."""
    for place, inner in enumerate(tree.get("contained", ())):
        if inner.get("resourceType") in ctx.access.belonging.codes:
            where = f"{write.change.type}.contained[{place}]"
            says = f"{where} is a {inner['resourceType']}, which a token with restricted scopes may not contain. Store it by itself."
            raise Unprocessable((Issue("error", "business-rule", "contained-restricted", says, where, write.entry),), entry=write.entry)


def _require_own_clinic(ctx: Context, tx: Transaction, write: Write, made: set[Key | None]) -> None:
    """A person writes about patients of his or her own clinics, and leaves them there. `made`: patients of the same transaction."""
    belonging, type, tree = ctx.access.belonging, write.change.type, write.document.tree if write.document else {}
    if type == PATIENT:
        clinics = {id for _, id in belonging.referred(tree, ("managingOrganization",))}
        if not clinics <= set(ctx.caller.organizations) and tree.get("id") not in ctx.caller.beyond:
            raise _beyond()
        return
    number = ctx.service.definitions.type_number(PATIENT)
    patients = {(number, id) for id in belonging.patients(type, tree)} - made
    if patients and Viewer(tx, ctx.service.registry, ctx.access).visible(patients) != patients:
        raise _beyond()


def _beyond() -> Exception:
    return forbidden("What would be stored is out of reach of the scopes of the token. Nothing was written.")
