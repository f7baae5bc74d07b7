"""Cases as in `invariant_cases`, for the conformance resources and TestScript."""

from typing import Any

A: dict[str, Any] = {"text": "a"}
# fmt: off
NAMED = {
    "adf": "ActivityDefinition", "cid": "ChargeItemDefinition", "cmd": "ConceptMap", "cpb": "CapabilityStatement",
    "cpd": "CompartmentDefinition", "csd": "CodeSystem", "ees": "EffectEvidenceSynthesis", "esc": "ExampleScenario",
    "evd": "EventDefinition", "evi": "Evidence", "evv": "EvidenceVariable", "gdf": "GraphDefinition", "ig": "ImplementationGuide",
    "lib": "Library", "mea": "Measure", "msd": "MessageDefinition", "nsd": "NamingSystem", "opd": "OperationDefinition",
    "pdf": "PlanDefinition", "que": "Questionnaire", "red": "ResearchElementDefinition", "rsd": "ResearchDefinition",
    "rvs": "RiskEvidenceSynthesis", "sdf": "StructureDefinition", "smp": "StructureMap", "spd": "SearchParameter",
    "tcp": "TerminologyCapabilities", "tst": "TestScript", "vsd": "ValueSet",
}
# fmt: on
NAMES = [(name, prefix + "-0", {"name": "not a name"}, {"name": "AName"}) for prefix, name in NAMED.items()]

ELEMENTS = [
    ("ElementDefinition.slicing", "eld-1", {"rules": "open"}, {"description": "a"}),
    ("ElementDefinition", "eld-2", {"min": 2, "max": "1"}, {"min": 2, "max": "*"}),
    ("ElementDefinition.max", "eld-3", {"value": "many"}, {"value": "2"}),
    ("ElementDefinition.type", "eld-4", {"code": "string", "aggregation": ["bundled"]}, {"code": "Reference", "aggregation": ["bundled"]}),
    ("ElementDefinition", "eld-5", {"contentReference": "#a", "maxLength": 3}, {"contentReference": "#a"}),
    (
        "ElementDefinition",
        "eld-6",
        {"fixedString": "a", "type": [{"code": "string"}, {"code": "code"}]},
        {"fixedString": "a", "type": [{"code": "string"}]},
    ),
    ("ElementDefinition", "eld-7", {"patternString": "a", "type": [{"code": "string"}, {"code": "code"}]}, {"patternString": "a"}),
    ("ElementDefinition", "eld-8", {"patternString": "a", "fixedString": "a"}, {"fixedString": "a"}),
    ("ElementDefinition.binding", "eld-12", {"valueSet": "relative"}, {"valueSet": "http://x.example/vs"}),
    ("ElementDefinition", "eld-13", {"type": [{"code": "a"}, {"code": "a"}]}, {"type": [{"code": "a"}, {"code": "b"}]}),
    ("ElementDefinition", "eld-14", {"constraint": [{"key": "a"}, {"key": "a"}]}, {"constraint": [{"key": "a"}]}),
    ("ElementDefinition", "eld-15", {"defaultValueString": "a", "meaningWhenMissing": "b"}, {"meaningWhenMissing": "b"}),
    ("ElementDefinition", "eld-16", {"sliceName": "a b"}, {"sliceName": "a-b/c"}),
    ("ElementDefinition.type", "eld-17", {"code": "string", "targetProfile": ["a:b"]}, {"code": "canonical", "targetProfile": ["a:b"]}),
    ("ElementDefinition", "eld-18", {"isModifier": True}, {"isModifier": True, "isModifierReason": "a"}),
    ("ElementDefinition", "eld-19", {"path": "a b"}, {"path": "Observation.value[x]"}),
    ("ElementDefinition", "eld-20", {"path": "Observation.Value"}, {"path": "Observation.value"}),
    ("ElementDefinition.constraint", "eld-21", {"key": "a"}, {"expression": "a"}),
    ("ElementDefinition", "eld-22", {"sliceIsConstraining": True}, {"sliceIsConstraining": True, "sliceName": "a"}),
]


def snapshot(*elements: dict[str, Any]) -> dict[str, Any]:
    """A StructureDefinition fragment with a snapshot."""
    return {"snapshot": {"element": list(elements)}}


def differential(*elements: dict[str, Any]) -> dict[str, Any]:
    """A StructureDefinition fragment with a differential."""
    return {"differential": {"element": list(elements)}}


CORE = {"url": "http://hl7.org/fhir/StructureDefinition/a"}
ROOT, CHILD = {"path": "A", "id": "A"}, {"path": "A.b", "id": "A.b"}
OF_A: dict[str, Any] = {"kind": "resource", "type": "A"}
STRUCTURES: list[tuple[Any, ...]] = [
    (
        "StructureDefinition",
        "sdf-1",
        {"derivation": "specialization", **snapshot(ROOT, ROOT)},
        {"derivation": "constraint", **snapshot(ROOT, ROOT)},
    ),
    ("StructureDefinition.mapping", "sdf-2", {"identity": "a"}, {"name": "a"}),
    (
        "StructureDefinition.snapshot",
        "sdf-3",
        {"element": [{"min": 0, "max": "1"}]},
        {"element": [{"definition": "a", "min": 0, "max": "1"}]},
    ),
    ("StructureDefinition", "sdf-4", {"abstract": False}, {"abstract": False, "baseDefinition": "a:b"}),
    (
        "StructureDefinition",
        "sdf-5",
        {"type": "Extension", "derivation": "constraint"},
        {"type": "Extension", "context": [{"type": "element"}]},
    ),
    ("StructureDefinition", "sdf-6", {"name": "A"}, snapshot(ROOT)),
    ("StructureDefinition.snapshot", "sdf-8", {"element": [ROOT, {"path": "B.c"}]}, {"element": [ROOT, CHILD]}, OF_A | snapshot(ROOT)),
    (
        "StructureDefinition.differential",
        "sdf-8a",
        {"element": [ROOT, {"path": "B.c"}]},
        {"element": [ROOT, CHILD]},
        OF_A | differential(ROOT),
    ),
    ("StructureDefinition.snapshot", "sdf-8b", {"element": [ROOT]}, {"element": [{"base": {"path": "A"}}]}),
    ("StructureDefinition", "sdf-9", snapshot({"path": "A", "label": "a"}), snapshot(ROOT, {"path": "A.b", "label": "a"})),
    ("StructureDefinition.snapshot.element", "sdf-10", {"binding": {"strength": "example"}}, {"binding": {"description": "a"}}),
    ("StructureDefinition", "sdf-11", {"kind": "resource", "type": "B", **snapshot(ROOT)}, OF_A | snapshot(ROOT)),
    ("StructureDefinition", "sdf-14", snapshot({"path": "A"}), snapshot(ROOT)),
    ("StructureDefinition", "sdf-15", OF_A | snapshot({"path": "A", "type": [{"code": "a"}]}), OF_A | snapshot(ROOT)),
    ("StructureDefinition", "sdf-15a", OF_A | differential({"path": "A", "type": [{"code": "a"}]}), OF_A | differential(ROOT)),
    ("StructureDefinition", "sdf-16", snapshot(ROOT, ROOT), snapshot(ROOT, CHILD)),
    ("StructureDefinition", "sdf-17", differential(ROOT, ROOT), differential(ROOT, CHILD)),
    ("StructureDefinition", "sdf-18", {"type": "A", "contextInvariant": ["a"]}, {"type": "Extension", "contextInvariant": ["a"]}),
    ("StructureDefinition", "sdf-19", CORE | snapshot({"type": [{"code": "a b"}]}), CORE | snapshot({"type": [{"code": "string"}]})),
    ("StructureDefinition.differential", "sdf-20", {"element": [{"path": "A", "slicing": {"rules": "open"}}]}, {"element": [ROOT]}),
    ("StructureDefinition", "sdf-21", {"derivation": "constraint", **differential({"defaultValueString": "a"})}, differential(ROOT)),
    ("StructureDefinition", "sdf-22", CORE | differential({"path": "A", "defaultValueString": "a"}), CORE | differential(ROOT)),
    ("StructureDefinition", "sdf-23", snapshot({"path": "A", "sliceName": "a"}), snapshot(ROOT, {"path": "A.b", "sliceName": "a"})),
]

KIND = {"implementation": {"description": "a"}}
SOFTWARE = {"software": {"name": "a"}}
CONFORMANCE = [
    ("ConceptMap.group.element.target", "cmd-1", {"equivalence": "narrower"}, {"equivalence": "narrower", "comment": "a"}),
    ("ConceptMap.group.unmapped", "cmd-2", {"mode": "fixed"}, {"mode": "fixed", "code": "a"}),
    ("ConceptMap.group.unmapped", "cmd-3", {"mode": "other-map"}, {"mode": "other-map", "url": "a:b"}),
    ("CapabilityStatement", "cpb-1", {"kind": "instance"}, {"rest": [{"mode": "server"}]}),
    ("CapabilityStatement", "cpb-2", {"kind": "instance"}, {"description": "a"}),
    ("CapabilityStatement", "cpb-3", {"kind": "capability", "messaging": [{"endpoint": [{"address": "a:b"}]}]}, {"kind": "capability"}),
    (
        "CapabilityStatement",
        "cpb-7",
        {"document": [{"profile": "a:b", "mode": "producer"}] * 2},
        {"document": [{"profile": "a:b"}, {"profile": "a:c"}]},
    ),
    ("CapabilityStatement.rest", "cpb-9", {"resource": [{"type": "Patient"}] * 2}, {"resource": [{"type": "Patient"}]}),
    ("CapabilityStatement.rest.resource", "cpb-12", {"searchParam": [{"name": "a"}] * 2}, {"searchParam": [{"name": "a"}]}),
    ("CapabilityStatement", "cpb-14", {"kind": "instance"}, {"kind": "instance", **KIND}),
    ("CapabilityStatement", "cpb-15", {"kind": "capability", **KIND}, {"kind": "capability", **SOFTWARE}),
    ("CapabilityStatement", "cpb-16", {"kind": "requirements", **SOFTWARE}, {"kind": "requirements"}),
    (
        "CodeSystem",
        "csd-1",
        {"concept": [{"code": "a", "concept": [{"code": "a"}]}]},
        {"concept": [{"code": "a", "concept": [{"code": "b"}]}]},
    ),
    (
        "ImplementationGuide.definition",
        "ig-1",
        {"grouping": [{"id": "a"}], "resource": [{"groupingId": "b"}]},
        {"grouping": [{"id": "a"}], "resource": [{"groupingId": "a"}]},
    ),
    (
        "ImplementationGuide",
        "ig-2",
        {"fhirVersion": ["4.0.1"], "definition": {"resource": [{"fhirVersion": ["3.0.1"]}]}},
        {"fhirVersion": ["4.0.1"], "definition": {"resource": [{"fhirVersion": ["4.0.1"]}]}},
    ),
    ("MessageDefinition.focus", "md-1", {"max": "0"}, {"max": "1"}),
    ("NamingSystem", "nsd-1", {"kind": "root", "uniqueId": [{"type": "uuid"}]}, {"kind": "root", "uniqueId": [{"type": "oid"}]}),
    ("NamingSystem", "nsd-2", {"uniqueId": [{"type": "oid", "preferred": True}] * 2}, {"uniqueId": [{"type": "oid", "preferred": True}]}),
    ("OperationDefinition.parameter", "opd-1", {"name": "a"}, {"type": "string"}),
    ("OperationDefinition.parameter", "opd-2", {"type": "code", "searchType": "string"}, {"type": "string", "searchType": "string"}),
    ("OperationDefinition.parameter", "opd-3", {"type": "code", "targetProfile": ["a:b"]}, {"type": "canonical", "targetProfile": ["a:b"]}),
    ("StructureMap.group.rule.target", "smp-1", {"element": "a"}, {"element": "a", "context": "b"}),
    ("StructureMap.group.rule.target", "smp-2", {"context": "a"}, {"context": "a", "contextType": "type"}),
    ("SearchParameter", "spd-1", {"xpath": "a"}, {"xpath": "a", "xpathUsage": "normal"}),
    ("SearchParameter", "spd-2", {"type": "token", "chain": ["a"]}, {"type": "reference", "chain": ["a"]}),
    ("TerminologyCapabilities.codeSystem", "tcp-1", {"version": [{"code": "a"}, {"isDefault": True}]}, {"version": [{"isDefault": True}]}),
    ("TerminologyCapabilities", "tcp-2", {"kind": "instance"}, {"description": "a"}),
    ("TerminologyCapabilities", "tcp-3", {"kind": "instance"}, {"kind": "instance", **KIND}),
    ("TerminologyCapabilities", "tcp-4", {"kind": "capability", **KIND}, {"kind": "capability", **SOFTWARE}),
    ("TerminologyCapabilities", "tcp-5", {"kind": "requirements", **SOFTWARE}, {"kind": "requirements"}),
    ("ValueSet.compose.include", "vsd-1", {"version": "a"}, {"system": "a:b"}),
    ("ValueSet.compose.include", "vsd-2", {"concept": [{"code": "a"}]}, {"concept": [{"code": "a"}], "system": "a:b"}),
    ("ValueSet.compose.include", "vsd-3", {"concept": [{"code": "a"}], "filter": [{"property": "a"}]}, {"concept": [{"code": "a"}]}),
    ("ValueSet.expansion.contains", "vsd-6", {"abstract": True}, {"display": "a"}),
    ("ValueSet.expansion.contains", "vsd-9", {"display": "a"}, {"display": "a", "abstract": True}),
    ("ValueSet.expansion.contains", "vsd-10", {"code": "a"}, {"code": "a", "system": "a:b"}),
]

STEP = {"operation": {"encodeRequestUrl": True}, "assert": {"warningOnly": True}}
ONE_STEP = {"operation": {"encodeRequestUrl": True}}
TESTS = [
    ("TestReport.setup.action", "inv-1", STEP, ONE_STEP),
    ("TestReport.test.action", "inv-2", STEP, ONE_STEP),
    ("TestScript.setup.action", "tst-1", STEP, ONE_STEP),
    ("TestScript.test.action", "tst-2", STEP, ONE_STEP),
    ("TestScript.variable", "tst-3", {"expression": "a", "headerField": "b", "path": "c"}, {"expression": "a"}),
    ("TestScript.metadata", "tst-4", {"link": [{"url": "a:b"}]}, {"capability": [{"required": True}]}),
    ("TestScript.setup.action.assert", "tst-5", {"path": "a", "response": "okay"}, {"path": "a"}),
    ("TestScript.test.action.assert", "tst-6", {"path": "a", "response": "okay"}, {"path": "a"}),
    *(
        (f"TestScript.{part}.action.operation", key, {"targetId": "a", "url": "b"}, {"targetId": "a"})
        for part, key in (("setup", "tst-7"), ("test", "tst-8"), ("teardown", "tst-9"))
    ),
    ("TestScript.setup.action.assert", "tst-10", {"compareToSourceId": "a"}, {"compareToSourceId": "a", "compareToSourcePath": "b"}),
    ("TestScript.test.action.assert", "tst-11", {"compareToSourceId": "a"}, {"compareToSourceId": "a", "compareToSourceExpression": "b"}),
    ("TestScript.setup.action.assert", "tst-12", {"direction": "request", "response": "okay"}, {"direction": "request"}),
    (
        "TestScript.test.action.assert",
        "tst-13",
        {"direction": "request", "response": "okay"},
        {"direction": "response", "response": "okay"},
    ),
]

CASES: list[tuple[Any, ...]] = [*NAMES, *ELEMENTS, *STRUCTURES, *CONFORMANCE, *TESTS]
