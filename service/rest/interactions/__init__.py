"""The interactions of https://hl7.org/fhir/R4/http.html, one file each; they do not call each other."""
