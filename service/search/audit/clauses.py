"""Clauses -> a condition over the tables of the audit trail, one row for each AuditEvent that an entry is projected to.

`event` is the entry, `about` the patient of the AuditEvent (null where the entry names none). What no column can tell never holds: a
restriction that is not understood shows nothing.
"""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any as AnyType

from sqlalchemy import ColumnElement, and_, false, func, literal, not_, or_, true

from service.search.audit import codes, entities, names
from service.search.parameter import Registry
from service.search.query import All, Any, Clause, Match, Missing, Not, Query, Target, Text, Token, Value
from service.search.types import date, string
from service.search.types.folding import folded
from service.search.types.protocol import Asked
from service.storage import audit_search
from service.storage.audit_search import about, event

Condition = ColumnElement[bool]

_ESCAPE = "/"
_SUBTYPE = func.nullif(event.c.interaction, event.c.kind)
"""The code of the subtype; of an event without one its column repeats the code of the type."""
_COLUMNS: Mapping[str, AnyType] = {
    "action": event.c.action,
    "agent-role": event.c.role,
    "outcome": event.c.outcome,
    "purpose": event.c.purpose,
    "subtype": _SUBTYPE,
    "type": event.c.kind,
}
"""Tokens that stand in a column."""


class Compiler:
    """Compiles the clauses of one search. `registry` knows the served types and how dates are read."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        base = registry.reading.literals.base_url
        self._client_system = f"{base}/sid/client"
        self._systems: Mapping[str, Callable[[str], str]] = {**codes.SYSTEM_OF, "agent-role": lambda _: f"{base}/CodeSystem/role"}

    def query(self, query: Query) -> Condition:
        """All that a query asks: its clauses, and its compartment."""
        inside = [self._compartment(query.compartment.kind, query.compartment.id)] if query.compartment else []
        return and_(true(), *inside, *(self.clause(one) for one in query.where))

    def clause(self, clause: Clause) -> Condition:
        """The rows of which the clause holds."""
        if isinstance(clause, All):
            return and_(true(), *map(self.clause, clause.clauses))
        if isinstance(clause, Any):
            return or_(false(), *map(self.clause, clause.clauses))
        if isinstance(clause, Not):
            return not_(self.clause(clause.clause))
        if isinstance(clause, Missing):
            absent = self._absent(clause.parameter)
            return absent if clause.missing else not_(absent)
        if isinstance(clause, Match):
            found = or_(false(), *(self._value(clause, value) for value in clause.values))
            return not_(found) if clause.modifier == "not" else found
        return false()

    def _value(self, match: Match, value: Value) -> Condition:
        name = match.parameter
        if name in _COLUMNS and isinstance(value, Token):
            return _coded(_COLUMNS[name], self._systems[name], value)
        if name in ("date", "_lastUpdated"):
            return self._dated(name, value)
        if name == "_id" and isinstance(value, Token):
            return _named(value)
        if name in ("address", "agent-name") and isinstance(value, Text):
            return _worded(event.c.address if name == "address" else event.c.agent, value.text, match.modifier)
        if name in entities.CODED and isinstance(value, Token):
            return entities.coded(name, value)
        if name == "agent":
            return _identified(value, self._client_system) if isinstance(value, Token) else _agent(value)
        if name == "patient" and isinstance(value, Target):
            return _present(about.c.patient, value.id) if value.type in (None, "Patient") and not value.version else false()
        if name == "entity" and isinstance(value, Target):
            return self._entity(value)
        return false()

    def _dated(self, name: str, value: Value) -> Condition:
        parameter = self._registry.for_type("AuditEvent")[name]
        asked = Asked(value, None, parameter, self._registry.reading, lambda read: literal(read(value)))
        condition: Condition = date.predicate(SimpleNamespace(lo=event.c.recorded, hi=event.c.recorded), asked)
        return condition

    @staticmethod
    def _entity(target: Target) -> Condition:
        """A resource, by any of its versions or by one. A patient is an entity of the events of that patient alone."""
        if not target.id:
            return false()
        if target.type == "Patient":
            return entities.about_patient(target)
        if target.type:
            return entities.targeted(f"{target.type}/{target.id}", target.version)
        return or_(entities.of_any_type(target.id), entities.about_patient(target))

    def _compartment(self, kind: str, id: str) -> Condition:
        target = Target(id, kind)
        if kind == "Patient":
            return _present(about.c.patient, id)
        codes_of = self._registry.compartment(kind, "AuditEvent")
        return or_(false(), *(self._value(Match(code, (target,)), target) for code in codes_of))

    @staticmethod
    def _absent(name: str) -> Condition:
        absent: Condition
        if name in _COLUMNS:
            absent = _COLUMNS[name].is_(None)
        elif name == "patient":
            absent = about.c.patient.is_(None)
        elif name == "agent-name":
            absent = event.c.agent.is_(None)
        elif name == "address":
            absent = event.c.address == ""
        elif name == "entity" or name in entities.CODED:
            absent = entities.absent(name)
        else:
            absent = false()
        return absent


def _named(token: Token) -> Condition:
    """The AuditEvent with this id: an entry, or one place of it."""
    found = names.parsed(token.code or "") if not token.system else None
    return audit_search.named(*found) if found else false()


def _coded(column: AnyType, system_of: Callable[[str], str], token: Token) -> Condition:
    if token.code is not None:
        fits = token.system is None or token.system == system_of(token.code)
        return _present(column, token.code) if fits else false()
    known = codes.of_system(system_of, token.system or "")
    return and_(column.is_not(None), known(column))


def _present(column: AnyType, value: str) -> Condition:
    """Equal, and never unknown: the opposite of it can be asked for too."""
    return and_(column.is_not(None), column == value)


def _worded(column: AnyType, text: str, modifier: str | None) -> Condition:
    if modifier == "exact":
        return _present(column, folded(text))
    pattern = f"%{string.literally(text)}%" if modifier == "contains" else f"{string.literally(text)}%"
    return and_(column.is_not(None), column.like(pattern, escape=_ESCAPE))


def _identified(token: Token, system: str) -> Condition:
    """A client, by its identifier."""
    if token.system not in (None, system):
        return false()
    return event.c.client == token.code if token.code else true()


def _agent(value: Value) -> Condition:
    """Who asked: a client by its id, a person by the reference."""
    if not isinstance(value, Target) or not value.id or value.version:
        return false()
    if value.type:
        return _present(event.c.user, f"{value.type}/{value.id}")
    people = and_(event.c.user.is_not(None), event.c.user.in_([f"{type}/{value.id}" for type in codes.PEOPLE]))
    return or_(event.c.client == value.id, people)
