"""For each invariant of R4: where it stands, a fragment that breaks it and one that keeps it.

Fragments hold only what the invariant looks at. A fifth member is the resource around the fragment, where it matters.
"""

from typing import Any

A: dict[str, Any] = {"text": "a"}
REF: dict[str, Any] = {"reference": "Patient/1"}
UCUM = "http://unitsofmeasure.org"
VERIFICATION = "http://terminology.hl7.org/CodeSystem/"


def concept(system: str, code: str) -> dict[str, Any]:
    """A CodeableConcept of one coding."""
    return {"coding": [{"system": system, "code": code}]}


ALLERGY_ERROR = concept(VERIFICATION + "allergyintolerance-verification", "entered-in-error")
CONDITION_ERROR = concept(VERIFICATION + "condition-ver-status", "entered-in-error")
ACTIVE = concept(VERIFICATION + "condition-clinical", "active")
RESOLVED = concept(VERIFICATION + "condition-clinical", "resolved")
PROBLEM = concept(VERIFICATION + "condition-category", "problem-list-item")
WEIGHT = concept("http://loinc.org", "29463-7")
HEIGHT = concept("http://loinc.org", "8302-2")

DATATYPES = [
    ("Age", "age-1", {"value": 3}, {"value": 3, "system": UCUM, "code": "a"}),
    ("Age", "age-1", {"value": 0, "system": UCUM, "code": "a"}, {"code": "a", "system": UCUM}),
    ("Age", "age-1", {"value": 3, "system": "http://x.example", "code": "a"}, {}),
    ("Attachment", "att-1", {"data": "AAAA"}, {"data": "AAAA", "contentType": "text/plain"}),
    ("Count", "cnt-3", {"value": 3, "code": "2"}, {"value": 3, "code": "1", "system": UCUM}),
    ("ContactPoint", "cpt-2", {"value": "555"}, {"value": "555", "system": "phone"}),
    ("Distance", "dis-1", {"value": 3}, {"value": 3, "code": "m", "system": UCUM}),
    ("DataRequirement.codeFilter", "drq-1", {"path": "a", "searchParam": "b"}, {"path": "a"}),
    ("DataRequirement.dateFilter", "drq-2", {"valuePeriod": {}}, {"searchParam": "a"}),
    ("Duration", "drt-1", {"code": "h", "value": 2}, {"code": "h", "system": UCUM, "value": 2}),
    ("Expression", "exp-1", {"name": "a"}, {"expression": "a"}),
    ("Extension", "ext-1", {"url": "http://x.example"}, {"url": "http://x.example", "valueString": "a"}),
    ("Extension", "ext-1", {"valueString": "a", "extension": [{"url": "b"}]}, {"extension": [{"url": "b"}]}),
    ("Period", "per-1", {"start": "2026-02-02", "end": "2026-02-01"}, {"start": "2026-02-01", "end": "2026-02-02"}),
    ("Period", "per-1", {"start": "2026-02-02T10:00:00Z", "end": "2026-02-02T10:59:00+01:00"}, {"start": "2026", "end": "2026-01-01"}),
    ("Quantity", "qty-3", {"code": "mg"}, {"code": "mg", "system": UCUM}),
    ("Range", "rng-2", {"low": {"value": 2}, "high": {"value": 1}}, {"low": {"value": 2, "unit": "a"}, "high": {"value": 1, "unit": "b"}}),
    ("Ratio", "rat-1", {"numerator": {"value": 1}}, {"numerator": {"value": 1}, "denominator": {"value": 2}}),
    ("Ratio", "rat-1", {"id": "a"}, {"extension": [{"url": "b"}]}),
    ("Reference", "ref-1", {"reference": "#p"}, {"reference": "Patient/1"}),
    ("Timing.repeat", "tim-1", {"duration": 1}, {"duration": 1, "durationUnit": "h"}),
    ("Timing.repeat", "tim-2", {"period": 1}, {"period": 1, "periodUnit": "d"}),
    ("Timing.repeat", "tim-4", {"duration": -1}, {"duration": 0}),
    ("Timing.repeat", "tim-5", {"period": -1}, {"period": 1}),
    ("Timing.repeat", "tim-6", {"periodMax": 2}, {"periodMax": 2, "period": 1}),
    ("Timing.repeat", "tim-7", {"durationMax": 2}, {"durationMax": 2, "duration": 1}),
    ("Timing.repeat", "tim-8", {"countMax": 2}, {"countMax": 2, "count": 1}),
    ("Timing.repeat", "tim-9", {"offset": 30, "when": ["C"]}, {"offset": 30, "when": ["ACM"]}),
    ("Timing.repeat", "tim-9", {"offset": 30}, {"when": ["C"]}),
    ("Timing.repeat", "tim-10", {"timeOfDay": ["10:00:00"], "when": ["C"]}, {"timeOfDay": ["10:00:00"]}),
    ("TriggerDefinition", "trd-1", {"data": [{}], "timingDate": "2026"}, {"timingDate": "2026"}),
    ("TriggerDefinition", "trd-2", {"condition": {"language": "a"}}, {"condition": {"language": "a"}, "data": [{"type": "Patient"}]}),
    ("TriggerDefinition", "trd-3", {"type": "named-event"}, {"type": "named-event", "name": "a"}),
    ("TriggerDefinition", "trd-3", {"type": "data-added"}, {"type": "data-added", "data": [{"type": "Patient"}]}),
    ("TriggerDefinition", "trd-3", {"type": "periodic"}, {"type": "periodic", "timingDate": "2026-01-01"}),
]

BUNDLES = [
    ("Bundle", "bdl-1", {"type": "batch", "total": 1}, {"type": "searchset", "total": 1}),
    (
        "Bundle",
        "bdl-2",
        {"type": "batch", "entry": [{"search": {"mode": "match"}}]},
        {"type": "searchset", "entry": [{"search": {"mode": "match"}}]},
    ),
    ("Bundle", "bdl-3", {"type": "batch", "entry": [{"resource": {}}]}, {"type": "batch", "entry": [{"request": {"method": "GET"}}]}),
    ("Bundle", "bdl-3", {"type": "collection", "entry": [{"request": {"method": "GET"}}]}, {"type": "collection"}),
    (
        "Bundle",
        "bdl-4",
        {"type": "batch-response", "entry": [{"fullUrl": "a:b"}]},
        {"type": "batch-response", "entry": [{"response": {"status": "200"}}]},
    ),
    ("Bundle.entry", "bdl-5", {"fullUrl": "urn:uuid:1"}, {"request": {"method": "GET"}}),
    (
        "Bundle",
        "bdl-7",
        {"type": "collection", "entry": [{"fullUrl": "http://x.example/a"}, {"fullUrl": "http://x.example/a"}]},
        {"type": "history", "entry": [{"fullUrl": "http://x.example/a"}, {"fullUrl": "http://x.example/a"}]},
    ),
    ("Bundle.entry", "bdl-8", {"fullUrl": "http://x.example/Patient/1/_history/2"}, {"fullUrl": "http://x.example/Patient/1"}),
    (
        "Bundle",
        "bdl-9",
        {"type": "document", "identifier": {"value": "a"}},
        {"type": "document", "identifier": {"value": "a", "system": "b:c"}},
    ),
    ("Bundle", "bdl-10", {"type": "document"}, {"type": "document", "timestamp": "2026-01-01T00:00:00Z"}),
    (
        "Bundle",
        "bdl-11",
        {"type": "document", "entry": [{"resource": {"resourceType": "Patient"}}]},
        {"type": "document", "entry": [{"resource": {"resourceType": "Composition"}}]},
    ),
    (
        "Bundle",
        "bdl-12",
        {"type": "message", "entry": [{"resource": {"resourceType": "Patient"}}]},
        {"type": "message", "entry": [{"resource": {"resourceType": "MessageHeader"}}]},
    ),
    ("Parameters.parameter", "inv-1", {"name": "a"}, {"name": "a", "valueString": "b"}),
    ("Parameters.parameter", "inv-1", {"name": "a", "valueString": "b", "part": [{"name": "c"}]}, {"name": "a", "part": [{"name": "c"}]}),
]

CLINICAL = [
    ("AllergyIntolerance", "ait-1", {"patient": REF}, {"verificationStatus": ALLERGY_ERROR}),
    ("AllergyIntolerance", "ait-2", {"verificationStatus": ALLERGY_ERROR, "clinicalStatus": ACTIVE}, {"clinicalStatus": ACTIVE}),
    ("Composition.section", "cmp-1", {"title": "a"}, {"entry": [REF]}),
    ("Composition.section", "cmp-2", {"emptyReason": A, "entry": [REF]}, {"emptyReason": A}),
    ("Condition.stage", "con-1", {"type": A}, {"summary": A}),
    ("Condition.evidence", "con-2", {"id": "a"}, {"code": [A]}),
    ("Condition", "con-3", {"category": [PROBLEM]}, {"category": [PROBLEM], "clinicalStatus": ACTIVE}),
    ("Condition", "con-4", {"abatementString": "a", "clinicalStatus": ACTIVE}, {"abatementString": "a", "clinicalStatus": RESOLVED}),
    ("Condition", "con-5", {"verificationStatus": CONDITION_ERROR, "clinicalStatus": ACTIVE}, {"verificationStatus": CONDITION_ERROR}),
    ("CarePlan.activity", "cpl-3", {"detail": {"status": "unknown"}, "reference": REF}, {"reference": REF}),
    ("CareTeam.participant", "ctm-1", {"onBehalfOf": REF, "member": REF}, {"onBehalfOf": REF, "member": {"reference": "Practitioner/1"}}),
    ("FamilyMemberHistory", "fhs-1", {"ageString": "a", "bornString": "b"}, {"ageString": "a"}),
    ("FamilyMemberHistory", "fhs-2", {"estimatedAge": True}, {"estimatedAge": True, "ageString": "a"}),
    ("Goal.target", "gol-1", {"detailString": "a"}, {"detailString": "a", "measure": A}),
    ("Immunization.education", "imm-1", {"publicationDate": "2026"}, {"reference": "a:b"}),
    ("ImmunizationRecommendation.recommendation", "imr-1", {"forecastStatus": A}, {"targetDisease": A}),
    ("MedicationAdministration.dosage", "mad-1", {"text": "a"}, {"dose": {"value": 1}}),
    (
        "MedicationDispense",
        "mdd-1",
        {"whenPrepared": "2026-02-02T00:00:00Z", "whenHandedOver": "2026-02-01T00:00:00Z"},
        {"whenPrepared": "2026-02-01T00:00:00Z", "whenHandedOver": "2026-02-02T00:00:00Z"},
    ),
    ("MolecularSequence", "msq-3", {"coordinateSystem": 2}, {"coordinateSystem": 1}),
    ("MolecularSequence.referenceSeq", "msq-5", {"chromosome": A}, {"chromosome": A, "genomeBuild": "a"}),
    ("MolecularSequence.referenceSeq", "msq-6", {"referenceSeqString": "a", "referenceSeqId": A}, {"referenceSeqString": "a"}),
    ("NutritionOrder", "nor-1", {"patient": REF}, {"oralDiet": {"instruction": "a"}}),
    ("Observation.referenceRange", "obs-3", {"type": A}, {"text": "a"}),
    ("Observation", "obs-6", {"dataAbsentReason": A, "valueString": "a"}, {"dataAbsentReason": A}),
    (
        "Observation",
        "obs-7",
        {"code": WEIGHT, "valueString": "a", "component": [{"code": WEIGHT}]},
        {"code": WEIGHT, "valueString": "a", "component": [{"code": HEIGHT}]},
    ),
    ("ServiceRequest", "prr-1", {"orderDetail": [A]}, {"orderDetail": [A], "code": A}),
    ("RiskAssessment.prediction.probability[x]", "ras-1", {"low": {"value": 1}}, {"low": {"value": 1, "code": "%", "system": UCUM}}),
    ("RiskAssessment.prediction", "ras-2", {"probabilityDecimal": 101}, {"probabilityDecimal": 100}),
    ("RequestGroup.action", "rqg-1", {"title": "a"}, {"resource": REF}),
    ("MeasureReport", "mrp-1", {"type": "data-collection", "group": [{"code": A}]}, {"type": "individual", "group": [{"code": A}]}),
    (
        "MeasureReport",
        "mrp-2",
        {"group": [{"stratifier": [{"stratum": [{"measureScore": {"value": 1}}]}]}]},
        {"group": [{"stratifier": [{"stratum": [{"value": A}]}]}]},
    ),
    ("Measure", "mea-1", {"group": [{"stratifier": [{"id": "a"}]}]}, {"group": [{"stratifier": [{"code": A}]}]}),
    (
        "Task",
        "inv-1",
        {"authoredOn": "2026-02-02T00:00:00Z", "lastModified": "2026-02-01T00:00:00Z"},
        {"authoredOn": "2026-02-01T00:00:00Z", "lastModified": "2026-02-01T00:00:00Z"},
    ),
]

ADMINISTRATION = [
    ("Appointment.participant", "app-1", {"status": "accepted"}, {"actor": REF}),
    ("Appointment", "app-2", {"start": "2026-02-02T00:00:00Z"}, {"start": "2026-02-02T00:00:00Z", "end": "2026-02-03T00:00:00Z"}),
    ("Appointment", "app-3", {"status": "booked"}, {"status": "proposed"}),
    ("Appointment", "app-4", {"status": "booked", "cancelationReason": A}, {"status": "no-show", "cancelationReason": A}),
    ("AppointmentResponse", "apr-1", {"comment": "a"}, {"actor": REF}),
    ("Group", "grp-1", {"actual": False, "member": [{"entity": REF}]}, {"actual": True, "member": [{"entity": REF}]}),
    ("Linkage", "lnk-1", {"item": [{"type": "source"}]}, {"item": [{"type": "source"}, {"type": "alternate"}]}),
    ("List", "lst-1", {"emptyReason": A, "entry": [{"item": REF}]}, {"emptyReason": A}),
    ("List", "lst-2", {"mode": "working", "entry": [{"deleted": True}]}, {"mode": "changes", "entry": [{"deleted": True}]}),
    ("List", "lst-3", {"mode": "changes", "entry": [{"date": "2026"}]}, {"mode": "working", "entry": [{"date": "2026"}]}),
    ("Organization", "org-1", {"active": True}, {"name": "a"}),
    ("Organization.address", "org-2", {"use": "home"}, {"use": "work"}),
    ("Organization.telecom", "org-3", {"use": "home"}, {"system": "phone"}),
    ("Patient.contact", "pat-1", {"gender": "female"}, {"name": A}),
    ("Consent", "ppc-1", {"status": "active"}, {"policyRule": A}),
    ("Consent", "ppc-2", {"scope": concept("something", "patient-privacy")}, {"patient": REF}),
    ("Consent", "ppc-3", {"scope": concept("something", "research")}, {"scope": A}),
    ("Consent", "ppc-4", {"scope": concept("something", "adr")}, {"scope": A}),
    ("Consent", "ppc-5", {"scope": concept("something", "treatment")}, {"scope": A}),
    ("AuditEvent.entity", "sev-1", {"name": "a", "query": "AAAA"}, {"name": "a"}),
    ("CoverageEligibilityResponse.insurance.item", "ces-1", {"category": A, "productOrService": A}, {"category": A}),
    ("InsurancePlan", "ipn-1", {"status": "active"}, {"name": "a"}),
]

QUESTIONNAIRES = [
    ("Questionnaire.item", "que-1", {"type": "group"}, {"type": "group", "item": [{"linkId": "1"}]}),
    ("Questionnaire.item", "que-1", {"type": "display", "item": [{"linkId": "1"}]}, {"type": "display"}),
    (
        "Questionnaire",
        "que-2",
        {"item": [{"linkId": "1", "item": [{"linkId": "1"}]}]},
        {"item": [{"linkId": "1", "item": [{"linkId": "2"}]}]},
    ),
    ("Questionnaire.item", "que-3", {"type": "display", "code": [{"code": "a"}]}, {"type": "string", "code": [{"code": "a"}]}),
    ("Questionnaire.item", "que-4", {"answerOption": [{"valueString": "a"}], "answerValueSet": "a:b"}, {"answerValueSet": "a:b"}),
    ("Questionnaire.item", "que-5", {"type": "boolean", "answerValueSet": "a:b"}, {"type": "choice", "answerValueSet": "a:b"}),
    ("Questionnaire.item", "que-6", {"type": "display", "required": True}, {"type": "string", "required": True}),
    ("Questionnaire.item.enableWhen", "que-7", {"operator": "exists", "answerString": "a"}, {"operator": "exists", "answerBoolean": True}),
    (
        "Questionnaire.item",
        "que-8",
        {"type": "group", "initial": [{"valueString": "a"}]},
        {"type": "string", "initial": [{"valueString": "a"}]},
    ),
    ("Questionnaire.item", "que-9", {"type": "display", "readOnly": True}, {"type": "string", "readOnly": True}),
    ("Questionnaire.item", "que-10", {"type": "date", "maxLength": 3}, {"type": "text", "maxLength": 3}),
    (
        "Questionnaire.item",
        "que-11",
        {"answerOption": [{"valueString": "a"}], "initial": [{"valueString": "a"}]},
        {"initial": [{"valueString": "a"}]},
    ),
    ("Questionnaire.item", "que-12", {"enableWhen": [{"question": n} for n in "abc"]}, {"enableWhen": [{"question": n} for n in "ab"]}),
    (
        "Questionnaire.item",
        "que-13",
        {"initial": [{"valueString": "a"}, {"valueString": "b"}]},
        {"repeats": True, "initial": [{"valueString": n} for n in "ab"]},
    ),
    (
        "QuestionnaireResponse.item",
        "qrs-1",
        {"answer": [{"valueString": "a"}], "item": [{"linkId": "1"}]},
        {"answer": [{"valueString": "a"}]},
    ),
]

CASES: list[tuple[Any, ...]] = [*DATATYPES, *BUNDLES, *CLINICAL, *ADMINISTRATION, *QUESTIONNAIRES]
