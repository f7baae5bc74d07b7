"""The type that is no part of the record: AuditEvents are searched alone, by `search.audit`, and no other search leads to them."""

TYPE = "AuditEvent"
WHY = f"{TYPE} is kept apart from the record, and nothing leads from one to the other. Search it alone, by entity or by patient"
