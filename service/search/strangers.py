"""Whether there are patients of other clinics: where there are none, a person's own clinic is all that there is to see."""

from collections.abc import Sequence

from sqlalchemy import text

from service.search.parameter import Registry
from service.storage.database import Transaction

_ORGANIZATIONS = text(
    """
    WITH RECURSIVE walked(id) AS (
        SELECT (SELECT min(target_id) FROM search_reference WHERE param = :key)
        UNION ALL
        SELECT (SELECT min(r.target_id) FROM search_reference r WHERE r.param = :key AND r.target_id > walked.id)
        FROM walked WHERE id IS NOT NULL
    )
    SELECT id FROM walked WHERE id IS NOT NULL LIMIT :count
    """
)
"""The organizations that manage a patient, one look into the index for each."""


def any_outside(tx: Transaction, registry: Registry, organizations: Sequence[str]) -> bool:
    """Whether a patient is managed by an organization that is none of `organizations`."""
    for key in registry.keys_of("Patient", "organization"):
        found = tx.connection.execute(_ORGANIZATIONS, {"key": key, "count": len(organizations) + 1}).scalars()
        if not set(found) <= set(organizations):
            return True
    return False
