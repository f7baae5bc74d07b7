"""Valid resources of our own making, new at each call, for tests to bend."""

from typing import Any

from service.fhir.document import Number

Tree = dict[str, Any]

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
XHTML = '<div xmlns="http://www.w3.org/1999/xhtml">'


def concept(code: str, system: str = LOINC) -> Tree:
    """A CodeableConcept of one coding."""
    return {"coding": [{"system": system, "code": code}]}


def millimetres(value: int | Number) -> Tree:
    """A pressure."""
    return {"value": value, "unit": "mmHg", "system": UCUM, "code": "mm[Hg]"}


def patient() -> Tree:
    """A person with names, contacts, extensions on primitives and a narrative."""
    return {
        "resourceType": "Patient",
        "id": "p-1",
        "meta": {"versionId": "1", "lastUpdated": "2026-11-17T09:35:00.120-08:00", "tag": [{"system": "a:b", "code": "c"}]},
        "language": "de-CH",
        "text": {"status": "generated", "div": XHTML + '<p style="color: red">Jordan <b>Sample</b></p></div>'},
        "extension": [{"url": "https://clinic.example/fhir/StructureDefinition/note", "valueString": "a"}],
        "identifier": [{"use": "usual", "system": "https://clinic.example/fhir/sid/mrn", "value": "KET-1", "period": {"start": "2026"}}],
        "active": True,
        "name": [
            {"family": "Sample", "given": ["Jordan", None], "_given": [None, {"extension": [{"url": "a:b", "valueCode": "c"}]}]},
            {"use": "nickname", "_family": {"extension": [{"url": "a:b", "valueBoolean": False}]}},
        ],
        "telecom": [{"system": "phone", "value": "555-0100", "rank": 1}],
        "gender": "female",
        "birthDate": "1982-05",
        "_birthDate": {"id": "b1", "extension": [{"url": "a:b", "valueDateTime": "1982-05-04T14:35:45-05:00"}]},
        "deceasedBoolean": False,
        "address": [{"use": "home", "line": ["12 Sample St"], "city": "Los Angeles"}],
        "contact": [{"name": {"text": "A friend"}, "organization": {"reference": "#o"}}],
        "communication": [{"language": concept("en", "urn:ietf:bcp:47")}],
        "contained": [{"resourceType": "Organization", "id": "o", "name": "Employer"}],
        "managingOrganization": {"reference": "https://other.example/fhir/Organization/7/_history/2"},
    }


def observation() -> Tree:
    """A blood pressure with decimals that must keep their digits."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [concept("vital-signs", "http://terminology.hl7.org/CodeSystem/observation-category")],
        "code": concept("85354-9"),
        "subject": {"reference": "Patient/p-1", "type": "Patient"},
        "encounter": {"reference": "urn:uuid:8d01d869-cb4e-598e-b211-fc3503c1e65a"},
        "effectiveDateTime": "2026-11-17T09:40:00-08:00",
        "issued": "2026-11-17T17:40:00.000Z",
        "performer": [{"reference": "Practitioner/1"}, {"display": "a nurse"}],
        "component": [
            {"code": concept("8480-6"), "valueQuantity": millimetres(124), "referenceRange": [{"low": millimetres(90)}]},
            {"code": concept("8462-4"), "valueQuantity": millimetres(Number("78.0"))},
            {"code": concept("8478-0"), "dataAbsentReason": {"text": "not measured"}},
        ],
        "referenceRange": [{"text": "below 120/80", "low": millimetres(Number("9E1")), "high": millimetres(120)}],
    }


def encounter() -> Tree:
    """A visit under way."""
    return {
        "resourceType": "Encounter",
        "status": "in-progress",
        "statusHistory": [{"status": "arrived", "period": {"start": "2026-11-17T09:30:00-08:00", "end": "2026-11-17T09:36:00-08:00"}}],
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": "Patient/p-1"},
        "period": {"start": "2026-11-17T09:30:00-08:00"},
        "length": {"value": 110, "unit": "min", "system": UCUM, "code": "min"},
        "location": [{"location": {"reference": "Location/1"}, "status": "active"}],
    }


def condition() -> Tree:
    """A problem with the codings that its required bindings ask for."""
    return {
        "resourceType": "Condition",
        "clinicalStatus": concept("active", "http://terminology.hl7.org/CodeSystem/condition-clinical"),
        "code": {"text": "Depression"},
        "subject": {"reference": "Patient/p-1"},
        "onsetDateTime": "2019",
    }


def binary() -> Tree:
    """Three bytes."""
    return {"resourceType": "Binary", "contentType": "text/plain; charset=utf-8", "data": "YWJj"}


def bundle(*resources: Tree) -> Tree:
    """A collection."""
    entries = [{"fullUrl": f"urn:uuid:{number:08}-0000-4000-8000-000000000000", "resource": r} for number, r in enumerate(resources)]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


VALID = {"Patient": patient, "Observation": observation, "Encounter": encounter, "Condition": condition, "Binary": binary}
