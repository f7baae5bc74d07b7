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
_KEYS = {"audit_event": (("serial",), ("audit_id",)), "audit_patient": (("patient", "audit_id"),)}
_TEXTS = ("kind", "interaction", "action", "outcome", "client")


def upgrade() -> None:
    _make_event()
    _make_patient()
    for table, keys in _KEYS.items():
        _protect(table, keys)
    (_demand_on_postgresql if op.get_bind().dialect.name == "postgresql" else _demand_on_sqlite)()


def _make_event() -> None:
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


def _make_patient() -> None:
    op.create_table(
        "audit_patient",
        sa.Column("patient", _ID, nullable=False),
        sa.Column("audit_id", _ID, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("patient", "audit_id", name="pk_audit_patient"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_audit_patient_audit_id", "audit_patient", ["audit_id"])


def _demand_on_postgresql() -> None:
    op.add_column("version", sa.Column("audit_id", _ID))
    op.create_foreign_key("fk_version_audit_id", "version", "audit_event", ["audit_id"], ["audit_id"])
    op.execute(
        """
        CREATE FUNCTION refuse_unaudited() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'a version needs its audit event' USING ERRCODE = 'not_null_violation';
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER version_audited BEFORE INSERT ON version FOR EACH ROW "
        "WHEN (NEW.audit_id IS NULL) EXECUTE FUNCTION refuse_unaudited()"
    )


def _demand_on_sqlite() -> None:
    op.execute("ALTER TABLE version ADD COLUMN audit_id TEXT CONSTRAINT fk_version_audit_id REFERENCES audit_event (audit_id)")
    op.execute(
        "CREATE TRIGGER version_audited BEFORE INSERT ON version WHEN NEW.audit_id IS NULL "
        "BEGIN SELECT RAISE(ABORT, 'a version needs its audit event'); END"
    )
    op.execute(
        "CREATE TRIGGER version_no_replace BEFORE INSERT ON version "
        "WHEN EXISTS (SELECT 1 FROM version WHERE res_id = NEW.res_id AND version = NEW.version) "
        "BEGIN SELECT RAISE(ABORT, 'version is append-only'); END"
    )


def downgrade() -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    op.execute("DROP TRIGGER version_audited" + (" ON version" if is_postgresql else ""))
    if is_postgresql:
        op.execute("DROP FUNCTION refuse_unaudited()")
    else:
        op.execute("DROP TRIGGER version_no_replace")
    op.drop_column("version", "audit_id")
    for table in _KEYS:
        op.drop_table(table)


def _protect(table: str, keys: tuple[tuple[str, ...], ...]) -> None:
    """No row is ever changed or removed. On SQLite neither by INSERT OR REPLACE, which runs no trigger for what it removes."""
    if op.get_bind().dialect.name == "postgresql":
        call = "EXECUTE FUNCTION refuse_change()"
        op.execute(f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {call}")
        op.execute(f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {call}")
        return
    refused = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    for verb in ("UPDATE", "DELETE"):
        op.execute(f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} {refused}")
    same = " OR ".join("(" + " AND ".join(f"{column} = NEW.{column}" for column in key) + ")" for key in keys)
    replaces = f"EXISTS (SELECT 1 FROM {table} WHERE {same})"  # noqa: S608 - names only
    op.execute(f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {replaces} {refused}")
