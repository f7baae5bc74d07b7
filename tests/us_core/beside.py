"""Records of the types that US Core asks a server to search and that the demonstration clinic has none of."""

from typing import Any

_LOCAL = "https://clinic.example/fhir/CodeSystem/ketamine-clinic"
_CODE = {"coding": [{"system": _LOCAL, "code": "other", "display": "Other"}], "text": "Other"}
_WHEN = "2026-11-10T09:00:00-08:00"


def beside(patient: str) -> list[dict[str, Any]]:
    """One of each, of that patient."""
    who = {"reference": patient}
    attachment = {"contentType": "text/plain", "data": "Tm90ZQ=="}
    category = [{"coding": [{"system": _LOCAL, "code": "other-kind", "display": "Other kind"}]}]
    return [
        {"resourceType": "CareTeam", "status": "active", "subject": who, "participant": [{"role": [_CODE], "member": who}]},
        {"resourceType": "Coverage", "status": "active", "beneficiary": who, "payor": [who], "relationship": _CODE},
        {"resourceType": "Device", "status": "active", "type": _CODE, "patient": who},
        {
            "resourceType": "DiagnosticReport", "status": "final", "category": category, "code": _CODE, "subject": who,
            "effectiveDateTime": _WHEN, "issued": _WHEN,
        },
        {
            "resourceType": "DocumentReference", "status": "current", "type": _CODE, "category": category, "subject": who,
            "date": _WHEN, "content": [{"attachment": attachment}], "context": {"period": {"start": _WHEN, "end": _WHEN}},
        },
        {"resourceType": "Immunization", "status": "completed", "vaccineCode": _CODE, "patient": who, "occurrenceDateTime": _WHEN},
        {
            "resourceType": "ServiceRequest", "status": "active", "intent": "order", "category": category, "code": _CODE, "subject": who,
            "authoredOn": _WHEN,
        },
        {"resourceType": "Specimen", "type": _CODE, "subject": who},
    ]  # fmt: skip
