"""The profiles that the resources of the demonstration claim in `meta.profile`: the clinic's own, US Core 6.1.0, R4's vital signs.

One table says which resource claims what; a test holds every resource to what it claims. A profile is claimed together with the US Core
profile that it is made on, so that a client that knows US Core alone finds it. https://hl7.org/fhir/R4/resource.html#Meta
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from service.demo import codes

Tree = dict[str, Any]

CLINIC = "https://clinic.example/fhir/StructureDefinition/"
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
R4 = "http://hl7.org/fhir/StructureDefinition/"

_ALWAYS: Mapping[str, tuple[str, ...]] = {
    "AdverseEvent": (CLINIC + "infusion-adverse-event",),
    "AllergyIntolerance": (US_CORE + "allergyintolerance",),
    "CarePlan": (CLINIC + "infusion-plan", US_CORE + "careplan"),
    "Consent": (CLINIC + "infusion-consent",),
    "DetectedIssue": (CLINIC + "vitals-alert",),
    "Encounter": (US_CORE + "encounter",),
    "EpisodeOfCare": (CLINIC + "infusion-series",),
    "Flag": (CLINIC + "safety-flag",),
    "Goal": (US_CORE + "goal",),
    "List": (CLINIC + "controlled-substance-inventory",),
    "Location": (US_CORE + "location",),
    "Medication": (US_CORE + "medication",),
    "MedicationDispense": (CLINIC + "controlled-substance-draw", US_CORE + "medicationdispense"),
    "MedicationRequest": (US_CORE + "medicationrequest",),
    "Organization": (US_CORE + "organization",),
    "Patient": (US_CORE + "patient",),
    "Practitioner": (CLINIC + "care-team-practitioner", US_CORE + "practitioner"),
    "PractitionerRole": (US_CORE + "practitionerrole",),
    "Procedure": (US_CORE + "procedure",),
    "RelatedPerson": (US_CORE + "relatedperson",),
    "SupplyDelivery": (CLINIC + "controlled-substance-receipt",),
}
_LOINC: Mapping[str, tuple[str, ...]] = {
    "85354-9": (CLINIC + "infusion-blood-pressure", US_CORE + "blood-pressure", R4 + "bp"),
    "8867-4": (CLINIC + "infusion-heart-rate", US_CORE + "heart-rate", R4 + "heartrate"),
    "2708-6": (CLINIC + "infusion-oxygen-saturation", US_CORE + "pulse-oximetry", R4 + "oxygensat"),
    "9279-1": (CLINIC + "infusion-respiratory-rate", US_CORE + "respiratory-rate", R4 + "resprate"),
    "8310-5": (CLINIC + "infusion-temperature", US_CORE + "body-temperature", R4 + "bodytemp"),
    "29463-7": (US_CORE + "body-weight", R4 + "bodyweight"),
    "19889-5": (CLINIC + "infusion-etco2",),
    "8884-9": (CLINIC + "infusion-ecg-rhythm",),
    "131328-0": (CLINIC + "infusion-ecg-strip",),
    "44261-6": (CLINIC + "mood-assessment", US_CORE + "observation-screening-assessment"),
    "70274-6": (CLINIC + "mood-assessment", US_CORE + "observation-screening-assessment"),
    "93373-9": (CLINIC + "mood-assessment", US_CORE + "observation-screening-assessment"),
    "72514-3": (CLINIC + "monitoring-scale",),
}
_LOCAL: Mapping[str, tuple[str, ...]] = {
    "cs-count": (codes.LEDGER_PROFILE,),
    "cs-waste": (codes.LEDGER_PROFILE,),
    "cadss-total": (CLINIC + "monitoring-scale",),
    "dissociation-distress": (CLINIC + "monitoring-scale",),
    "moaas": (CLINIC + "monitoring-scale",),
    "nausea-nrs": (CLINIC + "monitoring-scale",),
}
_BY_CODE: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    codes.LOINC: _LOINC,
    codes.LOCAL: _LOCAL,
    codes.MDC: {"157784": (CLINIC + "infusion-pump-flow",)},
}


def claimed(resource: Mapping[str, Any]) -> tuple[str, ...]:
    """The profiles that a resource claims, the clinic's first."""
    kind = resource["resourceType"]
    special = _SPECIAL.get(kind)
    return (*(special(resource) if special else ()), *_ALWAYS.get(kind, ()))


def claiming(bundle: Tree) -> Tree:
    """The Bundle, each of its resources claiming its profiles; `meta` comes right after `resourceType`."""
    return bundle | {"entry": [entry | {"resource": _claiming(entry["resource"])} for entry in bundle["entry"]]}


def _claiming(resource: Tree) -> Tree:
    profiles = list(dict.fromkeys((*claimed(resource), *resource.get("meta", {}).get("profile", ()))))
    if not profiles:
        return resource
    meta = resource.get("meta", {}) | {"profile": profiles}
    return (
        {"resourceType": resource["resourceType"], "meta": meta}
        | {name: inner for name, inner in resource.items() if name != "meta"}
        | {"meta": meta}
    )


def _condition(resource: Mapping[str, Any]) -> Iterator[str]:
    problem = resource["category"][0]["coding"][0]["code"] == "problem-list-item"
    yield US_CORE + ("condition-problems-health-concerns" if problem else "condition-encounter-diagnosis")


def _observation(resource: Mapping[str, Any]) -> Iterator[str]:
    for one in resource["code"]["coding"]:
        yield from _BY_CODE.get(one["system"], {}).get(one["code"], ())


def _encounter(resource: Mapping[str, Any]) -> Iterator[str]:
    """A visit at which ketamine is given, which is one that somebody escorts the patient home from."""
    roles = [code["code"] for one in resource.get("participant", ()) for kind in one["type"] for code in kind["coding"]]
    if "ESC" in roles:
        yield CLINIC + "ketamine-infusion-encounter"


def _medication(resource: Mapping[str, Any]) -> Iterator[str]:
    if "extension" in resource:
        prepared = resource["identifier"][0]["system"].endswith("prepared-syringe")
        yield CLINIC + ("prepared-syringe" if prepared else "controlled-vial")


def _request(resource: Mapping[str, Any]) -> Iterator[str]:
    if any("maxDosePerAdministration" in one for one in resource["dosageInstruction"]):
        yield CLINIC + "infusion-medication-request"


def _administration(resource: Mapping[str, Any]) -> Iterator[str]:
    if "device" not in resource:
        yield CLINIC + "rescue-medication-administration"
    else:
        yield CLINIC + ("ketamine-infusion-segment" if "partOf" in resource else "ketamine-infusion-administration")


def _device(resource: Mapping[str, Any]) -> Iterator[str]:
    kinds = {code["code"]: one for code in resource.get("type", {}).get("coding", ()) for one in (_DEVICES.get(code["code"]),) if one}
    yield from kinds.values()


def _provenance(resource: Mapping[str, Any]) -> Iterator[str]:
    """US Core asks on whose behalf a person acted; the worked example does not say."""
    if all("onBehalfOf" in agent for agent in resource["agent"] if agent["who"].get("type") == "Practitioner"):
        yield US_CORE + "provenance"


def _response(resource: Mapping[str, Any]) -> Iterator[str]:
    name = resource["questionnaire"].rpartition("/")[2].partition("|")[0]
    yield CLINIC + {"pre-infusion-checklist": "pre-infusion-checklist-response", "discharge-criteria": "discharge-checklist-response"}[name]


_DEVICES = {codes.PUMP.code: CLINIC + "infusion-pump", codes.MONITOR.code: CLINIC + "vital-signs-monitor"}
_SPECIAL: Mapping[str, Callable[[Mapping[str, Any]], Iterator[str]]] = {
    "Condition": _condition,
    "Device": _device,
    "Encounter": _encounter,
    "Medication": _medication,
    "MedicationAdministration": _administration,
    "MedicationRequest": _request,
    "Observation": _observation,
    "Provenance": _provenance,
    "QuestionnaireResponse": _response,
}
