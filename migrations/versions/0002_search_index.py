"""The search index: postings, dates, strings, numbers, quantities and URIs of the current versions."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ORDERED = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")
_PARAM = ("param", sa.Integer)
_RESOURCE = ("res_id", sa.BigInteger)

_TABLES = {
    "search_token": (_PARAM, ("code", _ORDERED), ("lo", sa.BigInteger), _RESOURCE, ("system", sa.BigInteger)),
    "search_reference": (_PARAM, ("target_id", _ORDERED), ("lo", sa.BigInteger), _RESOURCE, ("target_type", sa.SmallInteger)),
    "search_date": (_PARAM, ("span", sa.SmallInteger), ("lo", sa.BigInteger), ("hi", sa.BigInteger), _RESOURCE),
    "search_string": (_PARAM, ("prefix", _ORDERED), _RESOURCE, ("digest", sa.BigInteger)),
    "search_number": (_PARAM, ("lo", _ORDERED), ("hi", _ORDERED), _RESOURCE),
    "search_quantity": (_PARAM, ("code", _ORDERED), ("lo", _ORDERED), ("hi", _ORDERED), _RESOURCE, ("system", sa.BigInteger)),
    "search_uri": (_PARAM, ("uri", _ORDERED), _RESOURCE),
}
_VALUES = {"search_string": ("folded", "exact")}
_STATISTICS = {"search_token": "param, code, system", "search_reference": "param, target_id, target_type"}


def upgrade() -> None:
    for name, keys in _TABLES.items():
        op.create_table(
            name,
            *(sa.Column(column, kind, nullable=False) for column, kind in keys),
            *(sa.Column(column, sa.Text) for column in _VALUES.get(name, ())),
            sa.PrimaryKeyConstraint(*(column for column, _ in keys), name=f"pk_{name}"),
            sqlite_with_rowid=False,
        )
    if op.get_bind().dialect.name == "postgresql":
        for name, columns in _STATISTICS.items():
            op.execute(f"CREATE STATISTICS {name}_together (mcv, ndistinct, dependencies) ON {columns} FROM {name}")


def downgrade() -> None:
    for name in reversed(_TABLES):
        op.drop_table(name)
