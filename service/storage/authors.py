"""Which client made a resource: told by the audit trail of its first version."""

from sqlalchemy import text

from service.storage.database import Transaction

_CREATOR = text("SELECT e.client FROM version v JOIN audit_event e ON e.audit_id = v.audit_id WHERE v.res_id = :res_id AND v.version = 1")


def creator(tx: Transaction, res_id: int) -> str | None:
    """The id of the client that made the resource; None for what is older than the audit trail."""
    found = tx.connection.execute(_CREATOR, {"res_id": res_id}).scalar_one_or_none()
    return None if found is None else str(found)
