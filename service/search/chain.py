"""Chains in two steps: first the resources at the end, then what refers to them.

A chain whose end has few resources becomes a plain reference match, which the index answers at once. Longer ones stay chains and
are compiled to a join. https://hl7.org/fhir/R4/search.html#chaining
"""

from dataclasses import replace

from service.search.parameter import Registry
from service.search.query import All, Any, Chain, Clause, Match, Not, Query, Target
from service.search.rows import fhir_ids
from service.storage.database import Transaction

FEW = 200


def resolved(tx: Transaction, registry: Registry, query: Query) -> Query:
    """`query` with its short chains replaced by the references that they come to."""
    where = tuple(_resolved(tx, registry, clause) for clause in query.where)
    return query if where == query.where else replace(query, where=where)


def _resolved(tx: Transaction, registry: Registry, clause: Clause) -> Clause:
    if isinstance(clause, Not):
        return Not(_resolved(tx, registry, clause.clause))
    if isinstance(clause, All | Any):
        return type(clause)(tuple(_resolved(tx, registry, one) for one in clause.clauses))
    if not isinstance(clause, Chain):
        return clause
    inner = tuple((name, _resolved(tx, registry, below)) for name, below in clause.targets)
    found: list[Target] = []
    for name, below in inner:
        if below == Any(()):
            continue
        found.extend(Target(id, name) for id in fhir_ids(tx, registry, Query(name, (below,)), FEW + 1))
        if len(found) > FEW:
            return replace(clause, targets=inner)
    ordered = sorted(set(found), key=lambda target: (target.type or "", target.id))
    return Match(clause.parameter, tuple(ordered)) if ordered else Any(())
