"""The controlled-substance ledger: vials, lines that are never changed, and the numbers that are given once."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_ID = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")
_LINE_IDS = ("site", "safe", "patient", "encounter", "performer", "witness")


def upgrade() -> None:
    _make_vial()
    _make_entry()
    op.create_table(
        "ledger_identifier",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("system", "value")),
        sa.Column("reference", _ID, nullable=False),
        sa.PrimaryKeyConstraint("system", "value", name="pk_ledger_identifier"),
        sqlite_with_rowid=False,
    )
    for table, key in (("ledger_entry", ("vial", "number")), ("ledger_identifier", ("system", "value"))):
        _protect(table, key)


def _make_vial() -> None:
    op.create_table(
        "ledger_vial",
        sa.Column("vial", _ID, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("substance", "name", "form", "schedule")),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("strength_ug_per_ml", "content_ug")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("ndc", "lot", "expires", "serial")),
        *(sa.Column(name, _ID, nullable=False) for name in ("site", "safe")),
        sa.Column("remaining_ug", sa.BigInteger, nullable=False),
        sa.Column("entries", sa.Integer, nullable=False),
        sa.Column("head", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("vial", name="pk_ledger_vial"),
        sa.CheckConstraint("remaining_ug >= 0", name="ck_ledger_vial_remaining"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_ledger_vial_lot", "ledger_vial", ["lot"])


def _make_entry() -> None:
    op.create_table(
        "ledger_entry",
        sa.Column("vial", _ID, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("reverses", sa.Integer, nullable=False),
        *(sa.Column(name, _ID, nullable=False) for name in ("source", "draw")),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("occurred", "recorded")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("origin", "target")),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("amount_ug", "volume_ul")),
        *(sa.Column(name, _ID, nullable=False) for name in _LINE_IDS),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("flags", "policy", "previous", "hash")),
        sa.PrimaryKeyConstraint("vial", "number", name="pk_ledger_entry"),
        sa.CheckConstraint("amount_ug >= 0", name="ck_ledger_entry_amount"),
        sqlite_with_rowid=False,
    )
    for column in ("occurred", "draw", "source", "encounter"):
        op.create_index(f"ix_ledger_entry_{column}", "ledger_entry", [column])


def downgrade() -> None:
    for table in ("ledger_identifier", "ledger_entry", "ledger_vial"):
        op.drop_table(table)


def _protect(table: str, key: tuple[str, str]) -> None:
    """No row is ever changed or removed. On SQLite neither by INSERT OR REPLACE, which runs no trigger for what it removes."""
    if op.get_bind().dialect.name == "postgresql":
        call = "EXECUTE FUNCTION refuse_change()"
        op.execute(f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {call}")
        op.execute(f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {call}")
        return
    refused = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    for verb in ("UPDATE", "DELETE"):
        op.execute(f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} {refused}")
    same = " AND ".join(f"{column} = NEW.{column}" for column in key)
    replaces = f"EXISTS (SELECT 1 FROM {table} WHERE {same})"  # noqa: S608 - names only
    op.execute(f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {replaces} {refused}")
