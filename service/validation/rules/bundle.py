"""Invariants of Bundle and Parameters (https://hl7.org/fhir/R4/bundle.html#invs)."""

from collections.abc import Iterator
from typing import Any

from service.validation.invariant import Rule, custom, distinct, either, exactly_one, is_one_of, no, objects, some, when
from service.validation.structure import Node

_REQUESTED = frozenset({"batch", "transaction", "history"})
_ANSWERED = frozenset({"batch-response", "transaction-response", "history"})


def _present_exactly_in(member: str, types: frozenset[str]) -> Rule:
    return custom(lambda node: all((member in entry) == (str(node.get("type")) in types) for entry in objects(node.get("entry"))))


def _versions(node: Node) -> Iterator[tuple[Any, Any]]:
    for entry in objects(node.get("entry")) if node.get("type") != "history" else ():
        if isinstance(entry.get("fullUrl"), str):
            resource = entry.get("resource")
            meta = resource.get("meta") if isinstance(resource, dict) else None
            yield entry["fullUrl"], str(meta.get("versionId", "")) if isinstance(meta, dict) else ""


def _first_is(resource_type: str) -> Rule:
    def holds(node: Node) -> bool:
        entries = objects(node.get("entry"))
        resource = entries[0].get("resource") if entries else None
        return isinstance(resource, dict) and resource.get("resourceType") == resource_type

    return custom(holds)


def _identified(node: Node) -> bool:
    identifier = node.get("identifier")
    return isinstance(identifier, dict) and "system" in identifier and "value" in identifier


def _any_has(member: str) -> Rule:
    return custom(lambda node: any(member in entry for entry in objects(node.get("entry"))))


def _names_no_version(node: Node) -> bool:
    return "/_history/" not in str(node.get("fullUrl", ""))


RULES: dict[str, Rule] = {
    "bdl-1": either(no("total"), is_one_of("type", "searchset", "history")),
    "bdl-2": when(_any_has("search"), is_one_of("type", "searchset")),
    "bdl-3": _present_exactly_in("request", _REQUESTED),
    "bdl-4": _present_exactly_in("response", _ANSWERED),
    "bdl-5": some("resource", "request", "response"),
    "bdl-7": distinct(_versions),
    "bdl-8": custom(_names_no_version),
    "bdl-9": when(is_one_of("type", "document"), custom(_identified)),
    "bdl-10": when(is_one_of("type", "document"), custom(lambda node: "timestamp" in node)),
    "bdl-11": when(is_one_of("type", "document"), _first_is("Composition")),
    "bdl-12": when(is_one_of("type", "message"), _first_is("MessageHeader")),
    "Parameters.parameter:inv-1": exactly_one("part", "value", "resource"),
}
