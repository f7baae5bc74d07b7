"""Infusion Records: a FHIR R4 clinical-records service for ketamine infusion clinics."""
