"""The clinical record: read, find, commit. The only way to data for everything above."""
