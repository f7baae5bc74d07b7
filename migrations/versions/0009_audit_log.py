"""The log of the audit trail, its checkpoints and keys, append-only; leases."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_KEYS = {"audit_log": ("idx", "audit_id"), "audit_checkpoint": ("size",), "audit_key": ("place",)}


def upgrade() -> None:
    op.create_table(
        "audit_log",
        sa.Column("idx", _NUMBER, nullable=False),
        sa.Column("audit_id", sa.Text, nullable=False),
        sa.Column("leaf", sa.LargeBinary, nullable=False),
        sa.Column("nodes", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("idx", name="pk_audit_log"),
        sa.UniqueConstraint("audit_id", name="uq_audit_log_audit_id"),
    )
    op.create_table(
        "audit_checkpoint",
        sa.Column("size", _NUMBER, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("size", name="pk_audit_checkpoint"),
    )
    op.create_table(
        "audit_key",
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("line", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("place", name="pk_audit_key"),
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.Column("mark", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_lease"),
    )
    for table, columns in _KEYS.items():
        _keep(table, columns)


def downgrade() -> None:
    for table in ("lease", *_KEYS):
        op.drop_table(table)


def _keep(table: str, columns: tuple[str, ...]) -> None:
    """No row of `table` is ever changed or removed. On SQLite neither by INSERT OR REPLACE, which runs no trigger for what it removes."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()")
        op.execute(f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()")
        return
    refused = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    for verb in ("UPDATE", "DELETE"):
        op.execute(f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} {refused}")
    same = " OR ".join(f"{column} = NEW.{column}" for column in columns)
    replaces = f"EXISTS (SELECT 1 FROM {table} WHERE {same})"  # noqa: S608 - names only
    op.execute(f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {replaces} {refused}")
