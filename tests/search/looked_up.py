"""Searches whose meaning depends on what is stored, as clauses."""

from service.search import terms
from service.search.execute import matching
from service.search.query import Clause, Query
from service.search.sight import UNLIMITED
from tests.search.clinic import Clinic


def found(clinic: Clinic, type: str, *where: Clause) -> list[str]:
    """The ids of what matches, looked up first and then searched."""
    with clinic.database.read() as tx:
        query = terms.expanded(tx, clinic.registry, Query(type, where))
        return sorted(one.id for one in matching(tx, clinic.registry, query, 1000, UNLIMITED))
