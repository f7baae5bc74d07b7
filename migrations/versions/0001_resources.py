"""The record: one row per resource, every version for ever.

Triggers keep `version` append-only: a correction is a new version, never a change of an old one.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_IDENTITY = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "resource",
        sa.Column("res_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("type", sa.SmallInteger, nullable=False),
        sa.Column("fhir_id", _IDENTITY, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("last_updated", sa.BigInteger, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("res_id", name="pk_resource"),
        sa.UniqueConstraint("type", "fhir_id", name="uq_resource_type_fhir_id"),
    )
    op.create_index("ix_resource_type_last_updated_res_id", "resource", ["type", "last_updated", "res_id"])
    op.create_table(
        "version",
        sa.Column("res_id", sa.BigInteger, sa.ForeignKey("resource.res_id", name="fk_version_res_id"), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("type", sa.SmallInteger, nullable=False),
        sa.Column("fhir_id", _IDENTITY, nullable=False),
        sa.Column("last_updated", sa.BigInteger, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("body", sa.Text),
        sa.PrimaryKeyConstraint("res_id", "version", name="pk_version"),
    )
    op.create_index("ix_version_last_updated_res_id_version", "version", ["last_updated", "res_id", "version"])
    op.create_index("ix_version_type_last_updated_res_id_version", "version", ["type", "last_updated", "res_id", "version"])
    _make_append_only()


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER version_append_only ON version")
        op.execute("DROP TRIGGER version_no_truncate ON version")
        op.execute("DROP FUNCTION refuse_change()")
    op.drop_table("version")
    op.drop_table("resource")


def _make_append_only() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            """
            CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
            END $$
            """
        )
        op.execute("CREATE TRIGGER version_append_only BEFORE UPDATE OR DELETE ON version FOR EACH ROW EXECUTE FUNCTION refuse_change()")
        op.execute("CREATE TRIGGER version_no_truncate BEFORE TRUNCATE ON version FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()")
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER version_no_{verb.lower()} BEFORE {verb} ON version BEGIN SELECT RAISE(ABORT, 'version is append-only'); END"
        )
