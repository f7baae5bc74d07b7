"""What only a look into the record can tell, put into the query before it is compiled: a plain question remains.

    a compartment          the references that put a resource into it
    a restriction          what whoever asks may see of the type (`search.sight`), at each end of a chain too
    value sets, hierarchies the codes and resources that they come to (`search.terms`)
    _list                  the items of the List
    chains, _has           where few resources stand at the other end, they themselves

Chains and reverse chains with much at the other end stay, and are tested on each candidate.
https://hl7.org/fhir/R4/search.html#chaining, https://hl7.org/fhir/R4/search.html#has
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any as AnyClause

from sqlalchemy import BindParameter, bindparam, select

from service.errors import BadRequest
from service.fhir import reference
from service.fhir.document import stored
from service.search import strangers, terms
from service.search.compartment import membership
from service.search.parameter import Registry
from service.search.query import (
    EVERYTHING,
    All,
    Any,
    Chain,
    Clause,
    Filter,
    Has,
    InList,
    Match,
    Missing,
    Not,
    OfSite,
    Query,
    Sort,
    Target,
    Token,
)
from service.search.rows import Search
from service.search.sight import READ, SEARCH, Sight, narrowed
from service.storage import versions
from service.storage.database import Transaction
from service.storage.tables.search import reference as references

FEW = 1000
"""The other end of a chain is put into the query when it has no more resources than that."""
MOST_ITEMS = 5000

_IDS: BindParameter[int] = bindparam("ids", expanding=True)
_KEYS: BindParameter[int] = bindparam("keys", expanding=True)
_TARGETS = select(references.c.target_id).distinct()
_TARGETS = _TARGETS.where(references.c.res_id.in_(_IDS), references.c.param.in_(_KEYS), references.c.target_type == bindparam("number"))


def resolved(tx: Transaction, registry: Registry, query: Query, sight: Sight, letter: str = SEARCH) -> Query:
    """`query` with everything looked up that has to be, within what `sight` has for `letter`.

    Raises BadRequest for a list, value set or hierarchy that cannot be used.
    """
    where = query.where
    if query.compartment is not None:
        where = (*where, membership(registry, query.compartment, query.type))
    restriction = sight.of(letter, query.type)
    if not where and restriction == EVERYTHING:
        return query
    plain = replace(query, where=tuple(one for clause in where for one in _flat(clause)), compartment=None, sort=_order(query))
    looker = _Looker(tx, registry, sight)
    asked = (*terms.expanded(tx, registry, plain).where, *_flat(restriction))
    return replace(plain, where=tuple(looker.clause(query.type, clause) for clause in asked))


def _order(query: Query) -> tuple[Sort, ...]:
    """A restriction must not change the order of a question that restricts nothing itself."""
    return query.sort if query.sort or query.restricts or query.pulls else (Sort("_id"),)


def _flat(clause: Clause) -> list[Clause]:
    """The clauses that must all hold."""
    if isinstance(clause, Filter):
        return _flat(clause.clause)
    if isinstance(clause, Any) and len(clause.clauses) == 1:
        return _flat(clause.clauses[0])
    if isinstance(clause, All):
        return [one for below in clause.clauses for one in _flat(below)]
    return [clause]


def _id(id: str) -> Clause:
    return Match("_id", (Token(id),))


def _patients_of(site: OfSite) -> Clause:
    """Values that are objects of their own each time: a statement tells its values apart by identity."""
    clinics = tuple(Target(id, "Organization") for id in site.organizations)
    own = (Match("organization", clinics),) if clinics else ()
    return Any((Missing("organization", True), *own, *map(_id, site.beyond)))


@dataclass(frozen=True, slots=True)
class _Looker:
    """Rewrites clauses in one transaction."""

    tx: Transaction
    registry: Registry
    sight: Sight

    def clause(self, type: str, clause: Clause) -> Clause:
        """The clause with chains, reverse chains and lists looked up."""
        if isinstance(clause, Not):
            return Not(self.clause(type, clause.clause))
        if isinstance(clause, Filter):
            return self.clause(type, clause.clause)
        if isinstance(clause, All | Any):
            return clause.__class__(tuple(self.clause(type, one) for one in clause.clauses))
        reading: dict[object, Callable[[str, AnyClause], Clause]] = {
            Chain: self._chain,
            Has: self._has,
            InList: self._list,
            OfSite: self._site,
        }
        return reading[clause.__class__](type, clause) if clause.__class__ in reading else clause

    def _seen(self, type: str, clause: Clause) -> Clause:
        """The clause about another type, within what may be found of that."""
        return self.clause(type, narrowed(clause, self.sight.of(SEARCH, type)))

    def _chain(self, _type: str, chain: AnyClause) -> Clause:
        return self._shortened(Chain(chain.parameter, tuple((name, self._seen(name, below)) for name, below in chain.targets), chain.type))

    def _shortened(self, chain: Chain) -> Clause:
        """The resources themselves, where few stand at the other end."""
        inner = chain.targets
        found: list[Target] = []
        for name, below in inner:
            if below == Any(()):
                continue
            found.extend(Target(id, name) for id in self._search(name, below).fhir_ids(FEW + 1))
            if len(found) > FEW:
                return Chain(chain.parameter, inner, chain.type)
        ordered = sorted(set(found), key=lambda target: (target.type or "", target.id))
        return Match(chain.parameter, tuple(ordered)) if ordered else Any(())

    def _has(self, type: str, has: AnyClause) -> Clause:
        below = self._seen(has.type, has.clause)
        if below == Any(()):
            return Any(())
        found = self._search(has.type, below).res_ids(FEW + 1)
        if len(found) > FEW:
            return Has(has.type, has.parameter, below)
        parameter = self.registry.parameter(has.type, has.parameter)
        assert parameter is not None, f"{has.type} has no parameter {has.parameter}"
        asked = {"ids": found, "keys": list(parameter.keys), "number": self.registry.definitions.type_number(type)}
        ids = sorted(set(self.tx.connection.execute(_TARGETS, asked).scalars())) if found else []
        return Match("_id", tuple(Token(id) for id in ids if "/" not in id)) if ids else Any(())

    def _list(self, type: str, listed: AnyClause) -> Clause:
        row = versions.read(self.tx, (self.registry.definitions.type_number("List"), listed.id))
        if row is None or row.body is None or not self._is_seen("List", listed.id):
            raise BadRequest.of("not-found", "search-list", f"There is no List/{listed.id} here. Name one that exists.", "http._list")
        items = [item for item in stored(row.body).tree.get("entry", ()) if not item.get("deleted")]
        texts = [item["item"]["reference"] for item in items if item.get("item", {}).get("reference")]
        ids = dict.fromkeys(id for text in texts if (id := self._here(type, text)))
        if len(ids) > MOST_ITEMS:
            says = f"List/{listed.id} has more than {MOST_ITEMS} items of type {type}; that is too many to search by."
            raise BadRequest.of("too-costly", "search-list", says, "http._list")
        return Match("_id", tuple(map(Token, ids))) if ids else Any(())

    def _is_seen(self, type: str, id: str) -> bool:
        restriction = self.sight.of(READ, type)
        return restriction == EVERYTHING or bool(self._search(type, self.clause(type, All((_id(id), restriction)))).res_ids(1))

    def _site(self, type: str, site: AnyClause) -> Clause:
        """Nothing is left to ask where every patient belongs to one of the clinics, or to none."""
        if not strangers.any_outside(self.tx, self.registry, site.organizations):
            return EVERYTHING
        if type == "Patient":
            return _patients_of(site)
        chains = (self._shortened(Chain(code, (("Patient", _patients_of(site)),))) for code in site.codes)
        return Any((All(tuple(Missing(code, True) for code in site.codes)), *chains))

    def _here(self, type: str, text: str) -> str | None:
        literal: reference.Literal | None = self.registry.reading.literals.local(text)
        return literal.id if literal and literal.type == type else None

    def _search(self, type: str, clause: Clause) -> Search:
        return Search(self.tx, self.registry, Query(type, tuple(_flat(clause))))
