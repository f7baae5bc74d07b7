"""Pure knowledge of FHIR R4: no database, no HTTP."""
