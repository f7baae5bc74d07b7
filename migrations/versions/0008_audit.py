"""The audit trail: events, the patients that they are about, and for every new version the event that tells of it.

Versions from before have none; no version without one can be added any more. Triggers keep the trail append-only.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_ID = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")
_TABLES = ("audit_event", "audit_patient")
_TEXTS = ("kind", "interaction", "action", "outcome", "client")


def upgrade() -> None:
    op.create_table(
        "audit_event",
        sa.Column("serial", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=True, nullable=False),
        sa.Column("audit_id", _ID, nullable=False),
        sa.Column("recorded", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.LargeBinary, nullable=False) for name in ("body", "salt", "leaf")),
        *(sa.Column(name, sa.Text, nullable=False) for name in _TEXTS),
        *(sa.Column(name, sa.Text) for name in ("user", "agent", "role")),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("type", sa.Text),
        sa.Column("target", _ID),
        sa.Column("is_question", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("serial", name="pk_audit_event"),
        sa.UniqueConstraint("audit_id", name="uq_audit_event_audit_id"),
    )
    op.create_index("ix_audit_event_recorded", "audit_event", ["recorded"])
    op.create_index("ix_audit_event_target", "audit_event", ["target"])
    op.create_table(
        "audit_patient",
        sa.Column("patient", _ID, nullable=False),
        sa.Column("audit_id", _ID, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("patient", "audit_id", name="pk_audit_patient"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_audit_patient_audit_id", "audit_patient", ["audit_id"])
    for table in _TABLES:
        _protect(table)
    if op.get_bind().dialect.name == "postgresql":
        op.add_column("version", sa.Column("audit_id", _ID))
        op.create_foreign_key("fk_version_audit_id", "version", "audit_event", ["audit_id"], ["audit_id"])
        op.execute("ALTER TABLE version ADD CONSTRAINT ck_version_audited CHECK (audit_id IS NOT NULL) NOT VALID")
        return
    op.execute("ALTER TABLE version ADD COLUMN audit_id TEXT CONSTRAINT fk_version_audit_id REFERENCES audit_event (audit_id)")
    op.execute(
        "CREATE TRIGGER version_audited BEFORE INSERT ON version WHEN NEW.audit_id IS NULL "
        "BEGIN SELECT RAISE(ABORT, 'a version needs its audit event'); END"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER version_audited")
    op.drop_column("version", "audit_id")
    for table in _TABLES:
        op.drop_table(table)


def _protect(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        call = "EXECUTE FUNCTION refuse_change()"
        op.execute(f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {call}")
        op.execute(f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {call}")
        return
    for verb in ("UPDATE", "DELETE"):
        refusal = f"SELECT RAISE(ABORT, '{table} is append-only')"
        op.execute(f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN {refusal}; END")
