"""`:below` and `:above` on references: a resource and what is part of it, to any depth, or what it is part of.

    Procedure?location:below=Location/clinic       at the clinic or at any place within it
    Procedure?location:above=Location/room         at the room or at any place that it is in
    QuestionnaireResponse?questionnaire:below=url|1    any version 1 of it: 1, 1.0, 1.2.3

A type has a hierarchy when one of its reference parameters `partof`, `part-of` or `parent` may point to the type itself. One recursive
statement walks it, and a circle ends where it began. https://hl7.org/fhir/R4/search.html#reference (hierarchies),
https://hl7.org/fhir/R4/references.html#canonical
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any as AnyType

from sqlalchemy import CTE, Select, String, bindparam, cast, or_, select

from service.search.keys import LONGEST
from service.search.parameter import Registry, SearchParameter
from service.search.query import Any, Clause, Match, Target
from service.search.result_parameters import refused
from service.search.types.literals import EXTERNAL
from service.storage.database import Transaction
from service.storage.tables.resources import resource
from service.storage.tables.search import reference

MOST_RESOURCES = 5000
"""Resources or versions that one parameter may come to."""

_PARENTS = ("partof", "part-of", "parent")
_URLS = frozenset({"canonical"})


def around(tx: Transaction, registry: Registry, parameter: SearchParameter, match: Match, name: str) -> Clause:
    """The plain reference match that a `:below` or `:above` comes to. Raises BadRequest, which points at the parameter by `name`."""
    walk = _Walk(tx, registry, parameter, match.modifier == "above", name)
    targets: set[Target] = set()
    for value in match.values:
        if isinstance(value, Target):
            targets.update(walk.versions(value, value.url) if value.url else walk.resources(value))
    if len(targets) > MOST_RESOURCES:
        raise walk.too_costly()
    ordered = sorted(targets, key=lambda target: (target.type or "", target.id, target.url or ""))
    return Match(parameter.code, tuple(ordered)) if ordered else Any(())


def parent(registry: Registry, type: str) -> SearchParameter | None:
    """The parameter that says what a resource of the type is part of; None when the type has no hierarchy."""
    for code in _PARENTS:
        parameter = registry.parameter(type, code)
        if parameter is not None and not parameter.refusal and parameter.kind == "reference" and type in parameter.targets:
            return parameter
    return None


@dataclass(frozen=True, slots=True)
class _Walk:
    """What one parameter with its modifier asks for."""

    tx: Transaction
    registry: Registry
    parameter: SearchParameter
    above: bool
    name: str

    def resources(self, target: Target) -> Iterator[Target]:
        """The resource itself and all below or above it."""
        type = self._type(target)
        relation = parent(self.registry, type)
        if relation is None:
            raise self._without_hierarchy(type)
        if target.version:
            raise refused(
                "invalid",
                "hierarchy",
                f"'{self.name[:80]}' asks for a resource, not for one version of it: {target.type}/{target.id}.",
                self.name,
            )
        walk = _ancestors if self.above else _descendants
        statement = walk(relation.keys, self.registry.definitions.type_number(type)).limit(MOST_RESOURCES + 1)
        found = self.tx.connection.execute(statement, {"root": target.id}).scalars().all()
        if len(found) > MOST_RESOURCES:
            raise self.too_costly()
        return (Target(id, type) for id in found)

    def versions(self, target: Target, url: str) -> Iterator[Target]:
        """The canonical URL with every stored version that begins like the one asked for; without one, all of them."""
        if self.parameter.elements.isdisjoint(_URLS):
            raise refused(
                "invalid",
                "hierarchy",
                f"'{self.name[:80]}' follows resources that are stored here, not {url[:80]!r}. Name one as Type/id.",
                self.name,
            )
        if self.above:
            raise refused(
                "not-supported", "hierarchy", f"'{self.name[:80]}' has no meaning for a URL. Use ':below' with 'url|version'.", self.name
            )
        if "|" not in url or len(url) >= LONGEST:
            return iter((target,))
        row = reference.c
        longer = (row.target_id >= f"{url}-") & (row.target_id < f"{url}/")  # '-' and '.' are the two characters before '/'
        stated = (
            select(row.target_id)
            .distinct()
            .where(row.param.in_(self.parameter.keys), row.target_type == EXTERNAL, or_(row.target_id == url, longer))
        )
        found = self.tx.connection.execute(stated.limit(MOST_RESOURCES + 1)).scalars().all()
        return (Target(url=one) for one in found)

    def too_costly(self) -> Exception:
        """The refusal of a hierarchy that is too large."""
        return refused(
            "too-costly",
            "hierarchy-size",
            f"'{self.name[:80]}' comes to more than {MOST_RESOURCES} resources. Begin lower in the hierarchy.",
            self.name,
        )

    def _type(self, target: Target) -> str:
        """The type of the resource: the one that is named, or the only one that has a hierarchy."""
        if target.type is not None:
            return target.type
        types = self._hierarchical()
        if len(types) == 1:
            return types[0]
        if not types:
            raise self._without_hierarchy(None)
        raise refused(
            "invalid",
            "hierarchy",
            f"'{self.name[:80]}' needs the type, as in {types[0]}/{target.id}. It may be: {', '.join(types)}.",
            self.name,
        )

    def _hierarchical(self) -> Sequence[str]:
        wanted: Iterable[str] = self.parameter.only or self.parameter.targets or self.registry.definitions.types
        return sorted(name for name in wanted if name in self.registry.definitions.types and parent(self.registry, name))

    def _without_hierarchy(self, type: str | None) -> Exception:
        types = self._hierarchical()
        message = f"{type} has no hierarchy" if type else f"nothing that '{self.parameter.code}' refers to has a hierarchy"
        mend = f"Of what '{self.parameter.code}' refers to, these have one: {', '.join(types)}." if types else "Leave the modifier out."
        return refused("not-supported", "hierarchy", f"'{self.name[:80]}': {message}. {mend}", self.name)


def _root(name: str) -> CTE:
    return select(cast(bindparam("root", type_=String), reference.c.target_id.type).label("id")).cte(name, recursive=True)


def _descendants(keys: Sequence[int], number: int) -> Select[AnyType]:
    """The ids of :root and of everything that is part of it, directly or not.

    Outer joins, because they are made in the order in which they stand: SQLite would begin at every resource that has a parent. What
    nothing is part of adds a NULL, which leads nowhere.
    """
    walk = _root("below")
    row = reference.c
    parts = (row.target_id == walk.c.id) & row.param.in_(keys) & (row.target_type == number)
    joined = walk.outerjoin(reference, parts).outerjoin(resource, resource.c.res_id == row.res_id)
    return _ids(walk.union(select(resource.c.fhir_id).select_from(joined)))


def _ancestors(keys: Sequence[int], number: int) -> Select[AnyType]:
    """The ids of :root and of everything that it is part of, directly or not. A reference to one version has a row of its own."""
    walk = _root("above")
    row = reference.c
    own = (resource.c.type == number) & (resource.c.fhir_id == walk.c.id)
    wholes = (row.res_id == resource.c.res_id) & row.param.in_(keys) & (row.target_type == number) & row.target_id.not_like("%/%")
    joined = walk.outerjoin(resource, own).outerjoin(reference, wholes)
    return _ids(walk.union(select(row.target_id).select_from(joined)))


def _ids(walk: CTE) -> Select[AnyType]:
    return select(walk.c.id).where(walk.c.id.is_not(None))
