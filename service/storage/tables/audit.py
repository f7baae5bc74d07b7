"""The audit trail: one row per event, for ever, and the patients that each event is about. Triggers keep both append-only.

`body` is the AuditEvent as FHIR JSON, hashed as it is stored: `leaf` = SHA-256(0x00, salt, body). The other columns repeat what is
searched for. `recorded` is in microseconds since the epoch; `kind` and `interaction` are the codes of `type` and of the first `subtype`;
`type` and `target` name the resource that the event is about. `agent` is the folded name of who asked, `role` the role of the caller;
`is_question`: the body has the query that was asked. `audit_id` begins with the time (RFC 9562 version 7).
"""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, Table, Text, UniqueConstraint

from service.storage.tables.metadata import metadata

_ID = Text(collation="C").with_variant(Text(), "sqlite")

audit_event = Table(
    "audit_event",
    metadata,
    Column("serial", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("audit_id", _ID, nullable=False),
    Column("recorded", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    Column("kind", Text, nullable=False),
    Column("interaction", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("user", Text),
    Column("agent", Text),
    Column("role", Text),
    Column("address", Text, nullable=False),
    Column("purpose", Text),
    Column("request_id", Text, nullable=False),
    Column("type", Text),
    Column("target", _ID),
    Column("is_question", Boolean, nullable=False),
    UniqueConstraint("audit_id"),
    Index(None, "recorded"),
    Index(None, "target"),
)

audit_patient = Table(
    "audit_patient",
    metadata,
    Column("patient", _ID, primary_key=True),
    Column("audit_id", _ID, primary_key=True),
    Column("place", Integer, nullable=False),
    Index(None, "audit_id"),
    sqlite_with_rowid=False,
)
"""`place` counts the patients of an event from 1; they stand in its body in that order."""
