"""The gate: what a resource must satisfy before it is stored."""
