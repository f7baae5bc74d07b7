"""The memory of imports: progress by file, refused lines, hashes of content without an id."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "import_progress",
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("line", sa.Integer, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("file", name="pk_import_progress"),
    )
    op.create_table(
        "import_refusal",
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("line", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("file", "line", name="pk_import_refusal"),
    )
    op.create_table(
        "import_content",
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_import_content"),
    )


def downgrade() -> None:
    op.drop_table("import_content")
    op.drop_table("import_refusal")
    op.drop_table("import_progress")
