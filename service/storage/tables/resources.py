"""The record itself: `resource` holds one narrow row per resource, `version` every version that ever was.

Bodies live in `version` alone, which triggers keep append-only. `type` is the number of the resource type
(`Definitions.type_number`), instants are microseconds since the epoch, `body` is the stored JSON and NULL for a deletion.
`audit_id` is the event of the audit trail that tells of the version; versions from before revision 0008 have none, new ones must.
`created` is the stamp of version 1; `lo` and `hi` span the main clinical date of the current version (`search.main_date`).
"""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, SmallInteger, Table, Text, UniqueConstraint

from service.storage.tables.metadata import metadata

NEVER = str(-(2**63))
"""`lo` and `hi` of a resource without a main date, as SQL."""

resource = Table(
    "resource",
    metadata,
    Column("res_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("type", SmallInteger, nullable=False),
    Column("fhir_id", Text(collation="C").with_variant(Text(), "sqlite"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("last_updated", BigInteger, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("created", BigInteger, nullable=False, server_default="0"),
    Column("lo", BigInteger, nullable=False, server_default=NEVER),
    Column("hi", BigInteger, nullable=False, server_default=NEVER),
    UniqueConstraint("type", "fhir_id"),
    Index(None, "type", "last_updated", "res_id"),
    Index(None, "type", "lo", "res_id"),
)

version = Table(
    "version",
    metadata,
    Column("res_id", BigInteger, ForeignKey("resource.res_id"), primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("type", SmallInteger, nullable=False),
    Column("fhir_id", Text(collation="C").with_variant(Text(), "sqlite"), nullable=False),
    Column("last_updated", BigInteger, nullable=False),
    Column("method", Text, nullable=False),
    Column("body", Text),
    Column("audit_id", Text(collation="C").with_variant(Text(), "sqlite"), ForeignKey("audit_event.audit_id")),
    Index(None, "last_updated", "res_id", "version"),
    Index(None, "type", "last_updated", "res_id", "version"),
)
