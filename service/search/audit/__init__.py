"""Searching the audit trail: its entries are no rows of the record, so a search for AuditEvent has a small compiler of its own."""
