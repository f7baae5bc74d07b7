"""Profiles as one merged tree: what a chain of StructureDefinitions says about each element."""
