"""Clients, tokens and spent assertions."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "client",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("jwks", sa.Text),
        sa.Column("jwks_url", sa.Text),
        sa.Column("device", sa.Text),
        sa.Column("origins", sa.Text, nullable=False),
        sa.Column("conventions", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("disabled", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_client"),
    )
    op.create_table(
        "token",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("client", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("patient", sa.Text),
        sa.Column("user", sa.Text),
        sa.Column("issued", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.Column("revoked", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_token"),
        sa.UniqueConstraint("digest", name="uq_token_digest"),
        sa.ForeignKeyConstraint(["client"], ["client.id"], name="fk_token_client"),
    )
    op.create_index("ix_token_expires", "token", ["expires"])
    _spent()


def _spent() -> None:
    op.create_table(
        "assertion",
        sa.Column("client", sa.Text, nullable=False),
        sa.Column("identifier", sa.LargeBinary, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("client", "identifier", name="pk_assertion"),
        sa.ForeignKeyConstraint(["client"], ["client.id"], name="fk_assertion_client"),
    )
    op.create_index("ix_assertion_expires", "assertion", ["expires"])


def downgrade() -> None:
    for name in ("assertion", "token", "client"):
        op.drop_table(name)
