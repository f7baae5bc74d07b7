"""The FHIR RESTful API (https://hl7.org/fhir/R4/http.html) without a framework: what each verb means on the wire."""
