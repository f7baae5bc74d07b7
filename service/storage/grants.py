"""The rights of the role that the application logs in with on PostgreSQL: what it needs, and nothing that rewrites what only grows.

The tables belong to another role, which runs migrations and does not serve. The application reads everything, adds everywhere, changes and
removes where the service keeps its own state; of the append-only tables it may do neither, and it may empty and alter none.
https://www.postgresql.org/docs/current/ddl-priv.html
"""

import re

from sqlalchemy import inspect, text

from service.storage.append_only import APPEND_ONLY
from service.storage.database import Database, Unsafe

_ROLE = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_KEPT = "alembic_version"
"""The revision of the schema, which the application reads alone."""
_NEVER_REMOVED = ("ledger_vial",)
"""Rows that change and stay: what a vial holds now."""


def grant(database: Database, role: str) -> None:
    """Give `role`, which exists, the rights of the application, and take every other right to the tables from it and from everybody.

    Raises Unsafe where there are no roles, for a name that is no plain one, for a role that is not there, owns a table or may do anything.
    """
    if database.dialect != "postgresql":
        raise Unsafe("SQLite has no roles: whoever can write the file can do anything. Keep the file to the service's own account.")
    if not _ROLE.fullmatch(role):
        raise Unsafe(f"The role {role[:63]!r} is no plain name: lower-case letters, digits and underscores.")
    with database.write() as tx:
        _require_harmless(tx.connection.execute(_FACTS, {"role": role}).one_or_none(), role)
        for statement in statements(sorted(inspect(tx.connection).get_table_names()), role):
            tx.connection.exec_driver_sql(statement)


def statements(tables: list[str], role: str) -> list[str]:
    """What gives `role` its rights to `tables`; run again after a migration has made new ones."""
    found = [f"GRANT USAGE ON SCHEMA public TO {role}", f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, {role}"]
    found.append(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}")
    found += [f'GRANT {_rights(table)} ON "{table}" TO {role}' for table in tables]
    return found


def _rights(table: str) -> str:
    if table == _KEPT:
        return "SELECT"
    if table in _NEVER_REMOVED:
        return "SELECT, INSERT, UPDATE"
    return "SELECT, INSERT" if table in APPEND_ONLY else "SELECT, INSERT, UPDATE, DELETE"


_FACTS = text(
    """
    SELECT rolsuper OR rolcreaterole OR rolbypassrls OR pg_has_role(oid, 'pg_write_all_data', 'member') AS is_mighty,
           EXISTS (SELECT 1 FROM pg_class WHERE relowner = pg_roles.oid AND relnamespace = 'public'::regnamespace) AS is_owner
    FROM pg_roles WHERE rolname = :role
    """
)


def _require_harmless(found: object, role: str) -> None:
    if found is None:
        raise Unsafe(f"There is no role {role}. Create it first: CREATE ROLE {role} LOGIN.")
    if getattr(found, "is_owner", False):
        raise Unsafe(f"The role {role} owns tables, so nothing can be kept from it. Let another role own them, and run migrations.")
    if getattr(found, "is_mighty", False):
        raise Unsafe(f"The role {role} may do anything on this server. The application needs a role of its own: CREATE ROLE {role} LOGIN.")
