"""Tables whose rows are never changed, and the statements that make the database refuse it.

Triggers refuse UPDATE, DELETE and, on PostgreSQL, TRUNCATE, whoever sends them; the application's role has no right to them either
(`grants`). Who owns a table or an SQLite file can still drop a trigger: that such a one did not is shown by the checkpoints.
Migrations hold these statements too, as they were when they were written; a test compares what is in the database.
"""

from collections.abc import Iterator

APPEND_ONLY = ("version", "audit_event", "audit_patient", "audit_log", "audit_checkpoint")
"""Every table that only grows."""


def protect(dialect: str, table: str) -> Iterator[str]:
    """The statements after which rows of `table` can be added and read alone. PostgreSQL has `refuse_change()` since revision 0001."""
    if dialect == "postgresql":
        call = "EXECUTE FUNCTION refuse_change()"
        yield f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {call}"
        yield f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {call}"
        return
    for verb in ("UPDATE", "DELETE"):
        refusal = f"SELECT RAISE(ABORT, '{table} is append-only')"
        yield f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN {refusal}; END"
