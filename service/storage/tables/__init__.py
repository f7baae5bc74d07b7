"""The schema, one file per concern; `metadata.metadata` holds them all for the migrations to compare with."""
