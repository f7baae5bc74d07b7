"""The operations of https://hl7.org/fhir/R4/operations.html, one file each; they do not call each other. `table` lists them."""
