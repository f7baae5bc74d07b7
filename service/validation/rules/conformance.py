"""Invariants of the conformance and terminology resources, StructureDefinition excepted."""

import re
from collections.abc import Iterator
from typing import Any

from service.validation.invariant import (
    Rule,
    at_most_one,
    custom,
    distinct,
    either,
    every,
    is_not,
    is_one_of,
    no,
    objects,
    some,
    strings,
    when,
)
from service.validation.rules.elementdefinition import fits, whole
from service.validation.structure import Node

_NAME = fits("name", re.compile(r"[A-Z][A-Za-z0-9_]{0,254}"))
_NAMED = (
    "adf",
    "cid",
    "cmd",
    "cpb",
    "cpd",
    "csd",
    "ees",
    "esc",
    "evd",
    "evi",
    "evv",
    "gdf",
    "ig",
    "lib",
    "mea",
    "msd",
    "nsd",
    "opd",
    "pdf",
)
_NAMED_TOO = ("que", "red", "rsd", "rvs", "sdf", "smp", "spd", "tcp", "tst", "vsd")


def _taken(element: str, member: str) -> Rule:
    """No two objects of the element have the same member."""
    return distinct(lambda node: [str(item[member]) for item in objects(node.get(element)) if member in item])


def _codes(node: Node) -> Iterator[str]:
    for concept in objects(node.get("concept")):
        if "code" in concept:
            yield str(concept["code"])
        yield from _codes(concept)


def _documents(node: Node) -> list[str]:
    return [f"{document.get('profile', '')}{document.get('mode', '')}" for document in objects(node.get("document"))]


def _grouped(node: Node) -> bool:
    groups = {str(grouping.get("id")) for grouping in objects(node.get("grouping"))}
    return all(
        resource["groupingId"] in groups for resource in objects(node.get("resource")) if isinstance(resource.get("groupingId"), str)
    )


def _versioned(node: Node) -> bool:
    known = set(strings(node.get("fhirVersion")))
    resources = [resource for definition in objects(node.get("definition")) for resource in objects(definition.get("resource"))]
    return all(version in known for resource in resources for version in strings(resource.get("fhirVersion")))


def _preferred(node: Node) -> list[Any]:
    return [str(unique.get("type")) for unique in objects(node.get("uniqueId")) if unique.get("preferred") is True]


def _coded_versions(node: Node) -> bool:
    versions = objects(node.get("version"))
    return len(versions) <= 1 or all("code" in version for version in versions)


def _many(node: Node) -> bool:
    return node.get("max") == "*" or (whole(node.get("max")) or 0) > 0


_ONE_PURPOSE = some("description", "software", "implementation")
_OF_INSTANCE = either(is_not("kind", "instance"), some("implementation"))
_OF_CAPABILITY = either(is_not("kind", "capability"), every(no("implementation"), some("software")))
_OF_REQUIREMENTS = either(is_not("kind", "requirements"), no("implementation", "software"))

RULES: dict[str, Rule] = {
    **{f"{prefix}-0": _NAME for prefix in (*_NAMED, *_NAMED_TOO)},
    "cmd-1": either(some("comment"), is_not("equivalence", "narrower", "inexact")),
    "cmd-2": when(is_one_of("mode", "fixed"), some("code")),
    "cmd-3": when(is_one_of("mode", "other-map"), some("url")),
    "cpb-1": some("rest", "messaging", "document"),
    "cpb-2": _ONE_PURPOSE,
    "cpb-3": either(
        custom(lambda node: all("endpoint" not in item for item in objects(node.get("messaging")))), is_one_of("kind", "instance")
    ),
    "cpb-7": distinct(_documents),
    "cpb-9": _taken("resource", "type"),
    "cpb-12": _taken("searchParam", "name"),
    "cpb-14": _OF_INSTANCE,
    "cpb-15": _OF_CAPABILITY,
    "cpb-16": _OF_REQUIREMENTS,
    "csd-1": distinct(_codes),
    "ig-1": custom(_grouped),
    "ig-2": custom(_versioned),
    "md-1": custom(_many),
    "nsd-1": either(is_not("kind", "root"), custom(lambda node: all(item.get("type") != "uuid" for item in objects(node.get("uniqueId"))))),
    "nsd-2": distinct(_preferred),
    "opd-1": some("type", "part"),
    "opd-2": when(some("searchType"), is_one_of("type", "string")),
    "opd-3": when(some("targetProfile"), is_one_of("type", "Reference", "canonical")),
    "smp-1": when(some("element"), some("context")),
    "smp-2": when(some("context"), some("contextType")),
    "spd-1": either(no("xpath"), some("xpathUsage")),
    "spd-2": either(no("chain"), is_one_of("type", "reference")),
    "tcp-1": custom(_coded_versions),
    "tcp-2": _ONE_PURPOSE,
    "tcp-3": _OF_INSTANCE,
    "tcp-4": _OF_CAPABILITY,
    "tcp-5": _OF_REQUIREMENTS,
    "vsd-1": some("valueSet", "system"),
    "vsd-2": when(some("concept", "filter"), some("system")),
    "vsd-3": at_most_one("concept", "filter"),
    "vsd-6": some("code", "display"),
    "vsd-9": either(some("code"), is_one_of("abstract", True)),
    "vsd-10": either(no("code"), some("system")),
}
