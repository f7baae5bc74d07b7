"""The tables whose rows are never changed.

Migrations set triggers that refuse UPDATE, DELETE, TRUNCATE and, on SQLite, replacement, whoever sends them; the application's role has no
right to them either (`grants`). Who owns a table or an SQLite file can still drop a trigger: checkpoints kept elsewhere show it.
"""

APPEND_ONLY = ("version", "audit_event", "audit_patient", "audit_log", "audit_checkpoint", "audit_key", "ledger_entry", "ledger_identifier")
"""Every table that only grows."""
