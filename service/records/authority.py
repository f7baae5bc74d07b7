"""What a question or a list of changes needs in scopes, asked before anything is looked at.

A search needs `s` on its type and on every type on the way of a chain, a reverse chain or a list; conditional writes need it too, because
whether something matches tells what is there. https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from service.errors import Forbidden, Issue
from service.fhir import reference
from service.records.change import Change, Create, Delete, Patch, Update
from service.records.context import Context
from service.search.parameter import Registry
from service.search.query import Across, All, Any, Chain, Clause, Filter, Has, Include, InList, Match, Missing, Not, Query
from service.search.result_parameters import ANY
from service.security.access import forbidden

_LETTERS: dict[type[Change], str] = {Create: "c", Update: "u", Patch: "u", Delete: "d"}
_HIERARCHY = frozenset({"above", "below"})
_NOT_INCLUDED = "Resources that the token has no scope to read are not included."


def letter(change: Change) -> str:
    """The letter of the scope that a change needs on its type."""
    return _LETTERS[type(change)]


def require_changes(ctx: Context, changes: Sequence[Change]) -> None:
    """Raises Forbidden when a change, its condition or a condition among its references needs a scope that the caller has not."""
    if ctx.caller.is_internal:
        return
    for change in changes:
        ctx.access.require(letter(change), change.type)
        if isinstance(change, Patch):  # a patch tests and moves what is there: it reads
            ctx.access.require("r", change.type)
        condition = change.if_none_exist if isinstance(change, Create) else change.condition
        if condition is not None:
            ctx.access.require("s", change.type)
        if isinstance(change, Create | Update):
            for _, text in reference.references(change.document.tree) if "?" in change.document.text else ():
                asked = reference.conditional(text)
                if asked and asked[0] in ctx.service.definitions.types:  # what is no type is refused as that, to everyone
                    ctx.access.require("s", asked[0])


def reachable(ctx: Context, registry: Registry, asked: Query | Across) -> Query | Across:
    """The question as far as the caller may ask it: types below the base that were not named fall out when no scope reaches them.

    Raises Forbidden for a type that was named, in whatever place, and for a parameter that tells more than the caller may see.
    """
    if ctx.caller.is_internal:
        return asked
    if isinstance(asked, Query):
        ctx.access.require("s", asked.type)
        _require_query(ctx, registry, asked)
        return asked
    for type in asked.types:
        ctx.access.require("s", type)
    queries = tuple(query for query in asked.queries if ctx.access.may("s", query.type))
    if not queries:
        raise forbidden("This needs a scope to search, as in system/*.s.")
    for query in queries:
        _require_query(ctx, registry, query)
    return replace(asked, queries=queries)


def left_out(ctx: Context, registry: Registry, asked: Query | Across) -> tuple[Issue, ...]:
    """A warning that some types are not included; it depends on the question and the scopes alone."""
    queries = asked.queries if isinstance(asked, Across) else (asked,)
    types = {type for query in queries for include in query.includes for type in _includable(registry, query.type, include)}
    if all(ctx.access.may("r", type) for type in types):
        return ()
    return (Issue("warning", "forbidden", "include-scope", _NOT_INCLUDED),)


def _includable(registry: Registry, type: str, include: Include) -> Iterable[str]:
    """The types that an include may bring."""
    served = registry.definitions.types.keys()
    if include.reverse:
        return served if include.source == ANY else (include.source,)
    if include.target is not None:
        return (include.target,)
    parameter = registry.parameter(type if include.source == ANY else include.source, include.parameter)
    return (parameter.only or parameter.targets or served) if parameter else served


def _require_query(ctx: Context, registry: Registry, query: Query) -> None:
    if query.explain and not ctx.access.is_whole("s", query.type):
        raise forbidden(f"'_explain' needs a scope to search every {query.type}.")
    _require_shown(ctx, query)
    allowed = ctx.access.parameters(query.type)
    for sort in query.sort:
        _require_parameter(query.type, sort.parameter, allowed)
    for clause in query.where:
        _require_clause(ctx, registry, query.type, clause)


def _require_shown(ctx: Context, query: Query) -> None:
    """Who sees some elements of a type must not be led by the others: into includes and compartments."""
    if query.compartment and query.compartment.kind != query.type and ctx.access.elements(query.type) is not None:
        raise forbidden(f"With these scopes {query.type} is searched in no compartment.")
    for include in query.includes:
        source = query.type if include.source == ANY and not include.reverse and not include.iterate else include.source
        hidden = [type for type in ctx.access.partial if source in (ANY, type)]
        if hidden:
            raise forbidden(
                f"With these scopes references of {hidden[0]} are not followed. Name another type as the source of the include."
            )


def _require_clause(ctx: Context, registry: Registry, type: str, clause: Clause) -> None:
    if isinstance(clause, Match | Missing | Chain):
        _require_parameter(type, clause.parameter, ctx.access.parameters(type))
    if isinstance(clause, Match) and clause.modifier in _HIERARCHY:
        parameter = registry.parameter(type, clause.parameter)
        for target in (parameter.only or parameter.targets) if parameter and parameter.kind == "reference" else ():
            ctx.access.require("s", target)
    if isinstance(clause, InList):
        ctx.access.require("r", "List")
    if isinstance(clause, Chain):
        _require_end(ctx, [name for name, _ in clause.targets])
    if isinstance(clause, Has):
        ctx.access.require("s", clause.type)
        _require_parameter(clause.type, clause.parameter, ctx.access.parameters(clause.type))
    for name, below in _below(type, clause):
        if ctx.access.may("s", name):
            _require_clause(ctx, registry, name, below)


def _require_end(ctx: Context, types: Sequence[str]) -> None:
    """A chain that may end in several types follows those that are in reach, and there must be one."""
    if not any(ctx.access.may("s", type) for type in types):
        ctx.access.require("s", types[0])


def _require_parameter(type: str, code: str, allowed: frozenset[str] | None) -> None:
    if allowed is not None and code not in allowed:
        raise forbidden(f"With these scopes {type} is searched by {', '.join(sorted(allowed))} alone.")


def _below(type: str, clause: Clause) -> Iterator[tuple[str, Clause]]:
    if isinstance(clause, All | Any):
        yield from ((type, one) for one in clause.clauses)
    elif isinstance(clause, Not | Filter):
        yield type, clause.clause
    elif isinstance(clause, Chain):
        yield from clause.targets
    elif isinstance(clause, Has):
        yield clause.type, clause.clause


def constant() -> Forbidden:
    """The one refusal of a transaction: it tells neither which entry nor which type was out of reach."""
    return forbidden("The token has no scope for everything that the transaction asks. Nothing was done.")
