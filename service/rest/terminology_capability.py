"""The TerminologyCapabilities: what the terminology operations can do (https://hl7.org/fhir/R4/terminologycapabilities.html).

It lists the code systems of the library and those that are told by how their codes are written. Those that are stored besides are found
by a search of CodeSystem.
"""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from service.fhir.document import encode
from service.fhir.library import Library
from service.records.context import Service
from service.rest.capability import RELEASED
from service.rest.operations import expand
from service.terminology import grammar, subsumption

Tree = dict[str, Any]

_DISTRIBUTION = "infusion-records"
_ENUMERABLE = frozenset({"complete", "fragment"})
_NOT_PARAMETERS = frozenset({"url", "valueSet", "valueSetVersion"})
_DESCRIPTION = "Code systems that are stored here besides these are found by a search of CodeSystem, value sets of ValueSet."
_FILTER = "Words, each of which has to stand in the code or in a name of it, whatever the case."


def text(service: Service) -> str:
    """The TerminologyCapabilities of `service` as JSON."""
    return encode(statement(service))


def statement(service: Service) -> Tree:
    """The TerminologyCapabilities of `service` as a tree."""
    base = service.settings.base_url
    parameters = [{"name": one.name} for one in expand.OPERATION.parameters if one.name not in _NOT_PARAMETERS]
    return {
        "resourceType": "TerminologyCapabilities",
        "id": "terminology",
        "url": f"{base}/metadata?mode=terminology",
        "version": version(_DISTRIBUTION),
        "name": "InfusionRecordsTerminology",
        "title": "Terminology of Infusion Records",
        "status": "active",
        "experimental": False,
        "date": RELEASED,
        "description": _DESCRIPTION,
        "kind": "instance",
        "software": {"name": "Infusion Records", "version": version(_DISTRIBUTION)},
        "implementation": {"description": "Clinical records of a ketamine infusion clinic", "url": base},
        "codeSystem": _systems(service.library),
        "expansion": {"hierarchical": False, "paging": True, "incomplete": False, "parameter": parameters, "textFilter": _FILTER},
        "codeSearch": "explicit",
        "validateCode": {"translations": True},
        "translation": {"needsMap": True},
    }


def _systems(library: Library) -> list[Tree]:
    """The code systems whose codes are known here."""
    systems: dict[str, Tree] = {url: {"uri": url} for url in grammar.urls()}
    for url in library.urls("CodeSystem"):
        found = library.find("CodeSystem", url)
        if found is not None and found.tree.get("content") in _ENUMERABLE:
            systems[url] = _system(url, found.tree)
    return [systems[url] for url in sorted(systems)]


def _system(url: str, tree: Mapping[str, Any]) -> Tree:
    stated = tree.get("version")
    return {
        "uri": url,
        **({"version": [{"code": stated}]} if stated else {}),
        "subsumption": tree.get("hierarchyMeaning") not in subsumption.NONE,
    }
