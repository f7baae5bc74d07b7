"""The granular part of a scope: which parameters it may have for which type, and whether a resource meets it.

A restriction that the service cannot evaluate must not be granted, and one that it ignored would widen access. So there is an allow-list:
token parameters whose value stands in one element at the top of the resource. Modifiers, chains and `_filter` have no place in the grammar.

A value names the system of its code, `system|code`: without one it would match the same letters of any system, and who writes the
resource chooses that. Elements of type `code` (a status) have a system by definition; there the code stands alone. One condition has one
spelling.
https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html#finer-grained-resource-constraints-using-search-parameters
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from service.security.clinical import ANY


@dataclass(frozen=True, slots=True, order=True)
class Condition:
    """What a resource must have: a code in the element of a search parameter. `system` is empty where the element has type `code`."""

    parameter: str
    system: str
    code: str

    def __str__(self) -> str:
        return f"{self.parameter}={self.system}|{self.code}" if self.system else f"{self.parameter}={self.code}"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter that a scope may have: the element of the resource that it looks at, and whether that is a bare code."""

    element: str
    is_code: bool = False


def _concepts(*names: str, **named: str) -> dict[str, Parameter]:
    """Parameters over CodeableConcept or Coding; `clinical_status="clinicalStatus"` where the element has another name."""
    found = {name: Parameter(name) for name in names}
    return found | {name.replace("_", "-"): Parameter(element) for name, element in named.items()}


def _codes(*names: str) -> dict[str, Parameter]:
    """Parameters over elements of type `code`, of the same name."""
    return {name: Parameter(name, is_code=True) for name in names}


EVERY_TYPE = MappingProxyType({"_security": Parameter("meta.security"), "_tag": Parameter("meta.tag")})
"""What a scope on any type, and on `*`, may have: the labels."""

_STATUS = _codes("status")
_CONDITION_STATUS = _concepts(clinical_status="clinicalStatus", verification_status="verificationStatus")

ALLOWED: Mapping[str, Mapping[str, Parameter]] = MappingProxyType(
    {
        ANY: {},
        "AdverseEvent": _concepts("category", "event"),
        "AllergyIntolerance": {**_codes("category"), **_CONDITION_STATUS},
        "AuditEvent": {**_codes("action", "outcome"), **_concepts("subtype", "type")},
        "Basic": _concepts("code"),
        "CarePlan": {**_STATUS, **_concepts("category")},
        "CareTeam": {**_STATUS, **_concepts("category")},
        "Communication": {**_STATUS, **_concepts("category")},
        "Condition": {**_concepts("category", "code"), **_CONDITION_STATUS},
        "Consent": {**_STATUS, **_concepts("category", "scope")},
        "DetectedIssue": _concepts("code"),
        "Device": {**_STATUS, **_concepts("type")},
        "DiagnosticReport": {**_STATUS, **_concepts("category", "code")},
        "DocumentReference": {**_STATUS, **_concepts("category", "type")},
        "Encounter": {**_STATUS, **_concepts("class", "type")},
        "EpisodeOfCare": {**_STATUS, **_concepts("type")},
        "Goal": _concepts("category"),
        "Immunization": {**_STATUS, **_concepts(vaccine_code="vaccineCode")},
        "List": {**_STATUS, **_concepts("code")},
        "Medication": {**_STATUS, **_concepts("code")},
        "MedicationAdministration": _STATUS,
        "MedicationDispense": {**_STATUS, **_concepts("type")},
        "MedicationRequest": {**_codes("intent", "status"), **_concepts("category")},
        "MedicationStatement": {**_STATUS, **_concepts("category")},
        "Observation": {**_STATUS, **_concepts("category", "code")},
        "Procedure": {**_STATUS, **_concepts("category", "code")},
        "QuestionnaireResponse": _STATUS,
        "ServiceRequest": {**_codes("intent", "status"), **_concepts("category", "code")},
        "Specimen": {**_STATUS, **_concepts("type")},
        "SupplyDelivery": _STATUS,
        "Task": {**_codes("intent", "status"), **_concepts("code")},
    }
)
"""Besides `EVERY_TYPE`, by type. A type that is not listed has none of its own."""


def parameter(type: str, name: str) -> Parameter | None:
    """The parameter `name` of a scope on `type` (or `*`); None when no scope on it may have that."""
    return EVERY_TYPE.get(name) or ALLOWED.get(type, {}).get(name)


def meets(tree: Mapping[str, Any], conditions: tuple[Condition, ...]) -> bool:
    """Whether a resource has every code that is asked for. A condition that its type does not allow is not met."""
    return all(_has(tree, condition) for condition in conditions)


def _has(tree: Mapping[str, Any], condition: Condition) -> bool:
    found = parameter(str(tree.get("resourceType")), condition.parameter)
    if found is None:
        return False
    return (condition.system, condition.code) in set(_tokens(_element(tree, found.element), found))


def _element(tree: Mapping[str, Any], path: str) -> Any:
    value: Any = tree
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _tokens(value: Any, found: Parameter) -> Iterator[tuple[str, str]]:
    """Every (system, code) in an element, be it one value or several, Coding or CodeableConcept."""
    for item in value if isinstance(value, list) else [value]:
        if found.is_code and isinstance(item, str):
            yield "", item
        elif not found.is_code and isinstance(item, Mapping):
            codings = item.get("coding", []) if "coding" in item else [item]
            yield from ((str(coding.get("system", "")), str(coding.get("code", ""))) for coding in codings)
