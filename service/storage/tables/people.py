"""People who may sign in, their sessions, and the accesses beyond their clinic that they declared emergencies."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text

from service.storage.tables.metadata import metadata

person = Table(
    "person",
    metadata,
    Column("id", Text, primary_key=True),
    Column("login", Text, nullable=False, unique=True),
    Column("practitioner", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("must_change", Boolean, nullable=False),
    Column("one_time", LargeBinary),
    Column("one_time_since", BigInteger),
    Column("one_time_step", BigInteger),
    Column("created", BigInteger, nullable=False),
    Column("disabled", BigInteger),
)
"""`one_time` is the secret of the one-time codes, encrypted; asked for since `one_time_since`; `one_time_step` was the last one used."""

attempt = Table(
    "attempt",
    metadata,
    Column("name", LargeBinary, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("locked_until", BigInteger),
    Index(None, "last"),
)
"""What went wrong in a row for a name to sign in with, by the SHA-256 of the name: it may be nobody's."""

session = Table(
    "session",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("person", Text, ForeignKey("person.id")),
    Column("user", Text, nullable=False),
    Column("name", Text),
    Column("role", Text),
    Column("scopes", Text),
    Column("patient", Text),
    Column("organizations", Text, nullable=False),
    Column("opened", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("ended", BigInteger),
    Index(None, "person"),
    Index(None, "expires"),
)
"""One sign-in. `digest` is the SHA-256 of the cookie; `person` is null for somebody whom another provider knows."""

glass = Table(
    "glass",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("patient", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("opened", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("closed", BigInteger),
    Column("reviewed", BigInteger),
    Column("reviewer", Text),
    Column("finding", Text),
    Index(None, "user", "expires"),
    Index(None, "reviewed"),
)
"""One emergency access: whose, to which patient, why, from when until when, and what the one who looked at it afterwards found."""
