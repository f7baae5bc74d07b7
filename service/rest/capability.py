"""The CapabilityStatement, derived from what is there: routes, served types, search parameters and operations.

Nothing in it is written down twice, so it says what the server does. https://hl7.org/fhir/R4/capabilitystatement.html
"""

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any
from weakref import WeakKeyDictionary

from service.fhir.document import encode
from service.records.context import Service
from service.rest import discovery, guides
from service.rest.operations.operation import INSTANCE, SYSTEM, TYPE, VERSION, Operation
from service.rest.operations.table import OPERATIONS
from service.rest.routes import ROUTES
from service.search import apart
from service.search.audit import parameters as audit_parameters
from service.search.parameter import Registry, SearchParameter

Tree = dict[str, Any]

RELEASED = "2026-11-22"
"""The day of the present version."""
_DISTRIBUTION = "infusion-records"
_TYPE_LEVEL = ("read", "vread", "update", "patch", "delete", "history-instance", "history-type", "create", "search-type")
_SYSTEM_LEVEL = ("transaction", "batch", "search-system", "history-system")
_SAME_ROUTE = {"batch": "transaction"}
_EVERYWHERE = {
    "_filter": "An expression of comparisons, on every type.",
    "_has": "What is referred to by a resource that matches, as in _has:Observation:patient:code=x, on every type.",
    "_list": "The items of a List, by its id, on every type.",
    "_type": "The types of a search below the base or in a whole compartment.",
}
"""Search parameters that belong to no type."""

_made: WeakKeyDictionary[Registry, str] = WeakKeyDictionary()


def text(service: Service) -> str:
    """The CapabilityStatement of `service` as JSON, made at the first call after what can be searched changed."""
    registry = service.registry
    if service.is_insecure:
        return encode(statement(service))
    if registry not in _made:
        _made[registry] = encode(statement(service))
    return _made[registry]


def statement(service: Service) -> Tree:
    """The CapabilityStatement of `service` as a tree."""
    base = service.settings.base_url
    return {
        "resourceType": "CapabilityStatement",
        "id": "metadata",
        "url": f"{base}/metadata",
        "version": version(_DISTRIBUTION),
        "name": "InfusionRecords",
        "title": "Infusion Records",
        "status": "active",
        "experimental": False,
        "date": RELEASED,
        "kind": "instance",
        "instantiates": [guides.SERVER],
        "software": {"name": "Infusion Records", "version": version(_DISTRIBUTION)},
        "implementation": {"description": "Clinical records of a ketamine infusion clinic", "url": base},
        "implementationGuide": guides.guides(service.library),
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "patchFormat": ["application/json-patch+json", "application/fhir+json"],
        "rest": [_rest(service)],
    }


def _rest(service: Service) -> Tree:
    offered = {route.interaction for route in ROUTES}
    profiles = guides.supported(service.library)
    return {
        "mode": "server",
        "documentation": "HTML for browsers on every URL. Idempotency-Key on POST, X-Provenance on writes. XML is not offered.",
        "security": _security(service),
        "resource": [_resource(service, name, profiles.get(name, [])) for name in sorted(service.definitions.types)],
        "interaction": [{"code": code} for code in _SYSTEM_LEVEL if _SAME_ROUTE.get(code, code) in offered],
        "searchParam": [{"name": name, "type": "special", "documentation": told} for name, told in sorted(_EVERYWHERE.items())],
        "operation": [_operation(one) for one in OPERATIONS if SYSTEM in one.levels],
        "compartment": [f"http://hl7.org/fhir/CompartmentDefinition/{kind.lower()}" for kind in service.registry.compartments],
    }


def _security(service: Service) -> Tree:
    if service.is_insecure:
        return {"description": "INSECURE: no authentication; everyone on this machine may read and change everything."}
    return discovery.security(service)


def _resource(service: Service, name: str, profiles: list[str]) -> Tree:
    offered = {route.interaction for route in ROUTES} & service.definitions.types[name].interactions
    parameters = _parameters(service, name)
    writes = {
        "updateCreate": "update" in offered,
        "conditionalCreate": "create" in offered,
        "conditionalRead": "full-support",
        "conditionalUpdate": "update" in offered,
        "conditionalDelete": _conditional_delete(service, offered),
    }
    combinations = guides.combinations(service.library, name, frozenset(parameters))
    return {
        **({"extension": combinations} if combinations else {}),
        "type": name,
        "profile": f"http://hl7.org/fhir/StructureDefinition/{name}",
        **({"supportedProfile": profiles} if profiles else {}),
        "interaction": [{"code": code} for code in _TYPE_LEVEL if code in offered],
        "versioning": "versioned-update",
        "readHistory": "vread" in offered,
        **writes,
        "referencePolicy": ["literal", "logical", "enforced"] if service.settings.check_references else ["literal", "logical"],
        **_includes(service, name, parameters.values()),
        "searchParam": [_parameter(one) for _, one in sorted(parameters.items())],
        "operation": [_operation(one) for one in OPERATIONS if _is_offered(one, name, "update" in offered)],
    }


def _parameters(service: Service, name: str) -> Mapping[str, SearchParameter]:
    """What `name` is searched by. The audit trail has a search of its own."""
    if name == apart.TYPE:
        return {one.code: one for one in audit_parameters.offered(service.registry.defined)}
    return service.registry.for_type(name)


def _conditional_delete(service: Service, offered: Iterable[str]) -> str:
    if "delete" not in offered:
        return "not-supported"
    return "multiple" if service.settings.conditional_delete_multiple else "single"


def _includes(service: Service, name: str, parameters: Iterable[SearchParameter]) -> Tree:
    """What can be included with a search of `name`, forwards and backwards; left out where there is nothing."""
    if name == apart.TYPE:
        return {}
    forwards = sorted(f"{name}:{one.code}" for one in parameters if one.kind == "reference")
    backwards = sorted(
        f"{source}:{one.code}"
        for source in service.definitions.types.keys() - {apart.TYPE}
        for one in service.registry.for_type(source).values()
        if one.kind == "reference" and (name in one.targets or not one.targets)
    )
    return {member: found for member, found in (("searchInclude", forwards), ("searchRevInclude", backwards)) if found}


def _parameter(parameter: SearchParameter) -> Tree:
    return {"name": parameter.code, "definition": parameter.url, "type": parameter.kind}


def _is_offered(operation: Operation, name: str, is_writable: bool) -> bool:
    """Whether the type `name` has the operation."""
    if not operation.levels & {TYPE, INSTANCE, VERSION} or (operation.types and name not in operation.types):
        return False
    return is_writable or not operation.changes_state


def _operation(operation: Operation) -> Tree:
    return {"name": operation.code, "definition": operation.definition, "documentation": operation.documentation}
