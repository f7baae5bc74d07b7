"""What the whole of R4 search stands on: main dates beside the resource, values by resource, and composites."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ORDERED = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")
_MISSING = str(-(2**63))
_TABLES = ("search_token", "search_reference", "search_date", "search_string", "search_number", "search_quantity", "search_uri")
_COMPOSITE = (
    ("param", sa.Integer),
    ("code", _ORDERED),
    ("unit", _ORDERED),
    ("lo", _ORDERED),
    ("hi", _ORDERED),
    ("res_id", sa.BigInteger),
    ("system", sa.BigInteger),
    ("unit_system", sa.BigInteger),
)
_RANGES = {
    "search_number": ("param", "hi"),
    "search_quantity": ("param", "code", "hi"),
    "search_composite": ("param", "code", "unit", "hi"),
}
_CREATED = "UPDATE resource SET created = (SELECT v.last_updated FROM version v WHERE v.res_id = resource.res_id AND v.version = 1)"


def upgrade() -> None:
    for name, default in (("created", "0"), ("lo", _MISSING), ("hi", _MISSING)):
        op.add_column("resource", sa.Column(name, sa.BigInteger, nullable=False, server_default=default))
    op.execute(_CREATED)
    op.create_index("ix_resource_type_lo_res_id", "resource", ["type", "lo", "res_id"])
    op.create_table(
        "search_composite",
        *(sa.Column(name, kind, nullable=False) for name, kind in _COMPOSITE),
        sa.PrimaryKeyConstraint(*(name for name, _ in _COMPOSITE), name="pk_search_composite"),
        sqlite_with_rowid=False,
    )
    for name in (*_TABLES, "search_composite"):
        op.create_index(f"ix_{name}_res_id_param", name, ["res_id", "param"])
    for name, columns in _RANGES.items():
        wide = sa.text("lo <> hi")
        op.create_index(f"ix_{name}_{'_'.join(columns)}", name, list(columns), postgresql_where=wide, sqlite_where=wide)


def downgrade() -> None:
    for name, columns in _RANGES.items():
        op.drop_index(f"ix_{name}_{'_'.join(columns)}", name)
    op.drop_table("search_composite")
    for name in _TABLES:
        op.drop_index(f"ix_{name}_res_id_param", name)
    op.drop_index("ix_resource_type_lo_res_id", "resource")
    for name in ("hi", "lo", "created"):
        op.drop_column("resource", name)
