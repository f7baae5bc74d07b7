"""Exports of the register that were asked for: who asked for what, and how far each has come."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "register_export",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("id", "status", "client", "user", "actor", "sites")),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("since", "until", "asked", "ended", "expires")),
        sa.Column("attempts", sa.Integer, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("progress", "told", "files", "patients")),
        sa.PrimaryKeyConstraint("id", name="pk_register_export"),
    )
    op.create_index("ix_register_export_status_asked", "register_export", ["status", "asked"])


def downgrade() -> None:
    op.drop_table("register_export")
