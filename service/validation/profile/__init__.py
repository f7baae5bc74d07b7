"""Profiles held to resources: what a StructureDefinition asks beyond R4 (https://hl7.org/fhir/R4/profiling.html)."""
