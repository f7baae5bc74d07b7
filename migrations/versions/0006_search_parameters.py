"""Which search parameters the index holds, the generation of that list, and how far a reindex came.

On PostgreSQL a write learns the generation from a function: what it runs sees what was committed when it is called, after the write has
marked itself as open, and not what was there when its statement began.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "search_generation",
        sa.Column("number", sa.BigInteger, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_search_generation"),
    )
    op.execute("INSERT INTO search_generation (number) VALUES (0)")
    op.create_table(
        "search_parameter",
        sa.Column("type", sa.SmallInteger, autoincrement=False, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("definition", sa.Text),
        sa.PrimaryKeyConstraint("type", "code", name="pk_search_parameter"),
    )
    op.create_table(
        "search_reindex",
        sa.Column("type", sa.SmallInteger, autoincrement=False, nullable=False),
        sa.Column("mark", sa.Text, nullable=False),
        sa.Column("after", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("type", name="pk_search_reindex"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            """
            CREATE FUNCTION search_generation_now() RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
            BEGIN
                RETURN (SELECT number FROM search_generation);
            END $$
            """
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION search_generation_now()")
    for name in ("search_reindex", "search_parameter", "search_generation"):
        op.drop_table(name)
