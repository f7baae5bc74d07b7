"""Regenerates the facts of FHIR R4 that the service runs on."""
