"""What the administration log shows of each administration, and an index that sums what became of each draw."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_ID = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")
_SUMMED = sa.text("draw <> '' AND kind IN ('drawn', 'wasted', 'returned')")


def upgrade() -> None:
    op.create_table(
        "register_administration",
        sa.Column("administration", _ID, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("started", sa.BigInteger, nullable=False),
        sa.Column("ended", sa.BigInteger),
        sa.Column("recorded", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Boolean, nullable=False) for name in ("is_late", "is_amended")),
        *(sa.Column(name, _ID, nullable=False) for name in ("site", "patient", "encounter", "request", "orderer", "performers")),
        *(sa.Column(name, _ID, nullable=False) for name in ("vials", "draws")),
        sa.Column("amount_ug", sa.BigInteger),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("route", "rates", "indication")),
        sa.Column("reasons", _ID, nullable=False),
        sa.PrimaryKeyConstraint("administration", name="pk_register_administration"),
        sqlite_with_rowid=False,
    )
    for column in ("started", "patient"):
        op.create_index(f"ix_register_administration_{column}", "register_administration", [column])
    columns = ["draw", "kind", "reverses", "amount_ug", "witness"]
    op.create_index("ix_ledger_entry_summed", "ledger_entry", columns, postgresql_where=_SUMMED, sqlite_where=_SUMMED)


def downgrade() -> None:
    op.drop_index("ix_ledger_entry_summed", "ledger_entry")
    op.drop_table("register_administration")
