"""Invariants of clinical resources: what is observed, given, planned and concluded."""

import json

from service.validation.chronology import certainly_after
from service.validation.invariant import (
    Rule,
    all_or_none,
    at_most_one,
    coded,
    codings,
    contextual,
    custom,
    each,
    either,
    exactly_one,
    is_one_of,
    no,
    objects,
    some,
    when,
)
from service.validation.rules.datatypes import UCUM, number
from service.validation.run import Run
from service.validation.structure import Node
from service.validation.target import target_type

ALLERGY_VERIFICATION = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"
CONDITION_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
CONDITION_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"

_ALLERGY_IN_ERROR = coded("verificationStatus", ALLERGY_VERIFICATION, "entered-in-error")
_CONDITION_IN_ERROR = coded("verificationStatus", CONDITION_VERIFICATION, "entered-in-error")


def _component_codes(node: Node, run: Run) -> bool:
    own = set(map(_canonical, codings(run.resource.get("code"))))
    return not any(_canonical(coding) in own for component in objects(node.get("component")) for coding in codings(component.get("code")))


def _canonical(coding: Node) -> tuple[str, str, str]:
    if coding.keys() <= {"system", "code", "display"}:
        return str(coding.get("system")), str(coding.get("code")), str(coding.get("display"))
    return "", "", json.dumps(coding, sort_keys=True, default=str)


def _on_problem_list(node: Node) -> bool:
    return any(coding.get("code") == "problem-list-item" for category in objects(node.get("category")) for coding in codings(category))


def _member_practises(node: Node, run: Run) -> bool:
    member = node.get("member")
    reference = member.get("reference") if isinstance(member, dict) else None
    return not isinstance(reference, str) or target_type(reference, run) in {None, "", "Practitioner"}


def _not_after(first: str, second: str) -> Rule:
    return custom(lambda node: not certainly_after(node.get(first), node.get(second)))


def _percentages(node: Node) -> bool:
    bounds = objects(node.get("low")) + objects(node.get("high"))
    return all(bound.get("code") == "%" and bound.get("system") == UCUM for bound in bounds)


def _at_most_certain(node: Node) -> bool:
    value = number(node.get("probabilityDecimal"))
    return value is None or value <= 100


def _is_stratified(node: Node) -> bool:
    return ("component" in node) != (not {"code", "description", "_description", "criteria"}.isdisjoint(node))


RULES: dict[str, Rule] = {
    "ait-1": either(_ALLERGY_IN_ERROR, some("clinicalStatus")),
    "ait-2": when(_ALLERGY_IN_ERROR, no("clinicalStatus")),
    "cmp-1": some("text", "entry", "section"),
    "cmp-2": at_most_one("emptyReason", "entry"),
    "con-1": some("summary", "assessment"),
    "con-2": some("code", "detail"),
    "con-3": either(some("clinicalStatus"), _CONDITION_IN_ERROR, custom(lambda node: not _on_problem_list(node))),
    "con-4": either(no("abatement"), coded("clinicalStatus", CONDITION_CLINICAL, "resolved", "remission", "inactive")),
    "con-5": when(_CONDITION_IN_ERROR, no("clinicalStatus")),
    "cpl-3": at_most_one("detail", "reference"),
    "ctm-1": when(some("onBehalfOf"), contextual(_member_practises)),
    "fhs-1": at_most_one("age", "born"),
    "fhs-2": either(some("age"), no("estimatedAge")),
    "gol-1": when(some("detail"), some("measure")),
    "imm-1": some("documentType", "reference"),
    "imr-1": some("vaccineCode", "targetDisease"),
    "mad-1": some("dose", "rate"),
    "mdd-1": _not_after("whenPrepared", "whenHandedOver"),
    "msq-3": is_one_of("coordinateSystem", 0, 1),
    "msq-5": all_or_none("chromosome", "genomeBuild"),
    "msq-6": exactly_one("genomeBuild", "referenceSeqId", "referenceSeqPointer", "referenceSeqString"),
    "nor-1": some("oralDiet", "supplement", "enteralFormula"),
    "obs-3": some("low", "high", "text"),
    "obs-6": at_most_one("dataAbsentReason", "value"),
    "obs-7": either(no("component"), no("value"), contextual(_component_codes)),
    "prr-1": either(no("orderDetail"), some("code")),
    "ras-1": custom(_percentages),
    "ras-2": custom(_at_most_certain),
    "rqg-1": exactly_one("resource", "action"),
    "mrp-1": either(custom(lambda node: node.get("type") != "data-collection"), no("group")),
    "mrp-2": each("group", each("stratifier", each("stratum", exactly_one("value", "component")))),
    "mea-1": each("group", each("stratifier", custom(_is_stratified))),
    "Task:inv-1": _not_after("authoredOn", "lastModified"),
}
