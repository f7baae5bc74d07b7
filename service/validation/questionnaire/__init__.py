"""Responses held to their questionnaires (https://hl7.org/fhir/R4/questionnaireresponse.html)."""
