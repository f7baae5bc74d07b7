"""The ImplementationGuide resource: what the guide is, and a list of all that is in it.

https://hl7.org/fhir/R4/implementationguide.html
"""

import json
from collections.abc import Iterator
from typing import Any

from scripts.guide.source import CLINIC, Source, Tree
from service.fhir.guide import BASE, ID

VERSION = "1.0.0"
PATH = CLINIC / f"ImplementationGuide-{ID}.json"
US_CORE = ("hl7.fhir.us.core", "6.1.0", "http://hl7.org/fhir/us/core")
GROUPS = {
    "profiles": ("Profiles", "What a record of a ketamine infusion must hold, resource by resource."),
    "extensions": ("Extensions", "What R4 has no element for."),
    "terminology": ("Terminology", "Code systems, value sets, and maps between codes."),
    "questionnaires": ("Questionnaires", "The checklists before an infusion and at discharge."),
    "searches": ("Search parameters", "What can be searched for beyond R4."),
    "operations": ("Operations", "Operations that take or give more than R4 says."),
    "examples": ("Examples", "Valid resources, two at least for each profile."),
}
_KINDS = {
    "CodeSystem": "terminology",
    "ConceptMap": "terminology",
    "ValueSet": "terminology",
    "Questionnaire": "questionnaires",
    "SearchParameter": "searches",
    "OperationDefinition": "operations",
}


def resource(source: Source) -> dict[str, Any]:
    """The ImplementationGuide of what `source` holds."""
    groups = [{"id": id, "name": name, "description": words} for id, (name, words) in GROUPS.items()]
    return {
        "resourceType": "ImplementationGuide",
        "id": ID,
        "url": f"{BASE}/ImplementationGuide/{ID}",
        "version": VERSION,
        "name": "KetamineInfusion",
        "title": "Ketamine infusion records",
        "status": "active",
        "experimental": False,
        "date": "2026-11-22",
        "publisher": "Infusion Records",
        "description": "How a ketamine clinic writes down what happens: infusions, vital signs, controlled substances, checklists, harm.",
        "packageId": ID,
        "license": "Apache-2.0",
        "fhirVersion": ["4.0.1"],
        "dependsOn": [
            {"id": "uscore", "uri": f"{US_CORE[2]}/ImplementationGuide/{US_CORE[0]}", "packageId": US_CORE[0], "version": US_CORE[1]}
        ],
        "definition": {"grouping": groups, "resource": list(_listed(source))},
    }


def text(source: Source) -> str:
    """The file."""
    return json.dumps(resource(source), indent=2, ensure_ascii=False) + "\n"


def _listed(source: Source) -> Iterator[dict[str, Any]]:
    for tree in source.definitions:
        name = tree.get("title") or tree["name"]
        said = {"name": name, "description": tree["description"]} if "description" in tree else {"name": name}
        yield {"reference": {"reference": f"{tree['resourceType']}/{tree['id']}"}, **said, "groupingId": _group(tree)}
    profiles = {tree["id"]: tree["url"] for tree in source.of_type("StructureDefinition")}
    for one in source.examples:
        name = f"{one.profile}: {one.path.stem.partition('--')[2]}"
        yield {
            "reference": {"reference": one.address},
            "name": name,
            "exampleCanonical": profiles[one.profile],
            "groupingId": "examples",
        }


def _group(tree: Tree) -> str:
    if tree["resourceType"] == "StructureDefinition":
        return "extensions" if tree["type"] == "Extension" else "profiles"
    return _KINDS[tree["resourceType"]]
