"""Invariants of ElementDefinition (https://hl7.org/fhir/R4/elementdefinition.html#invs)."""

import re
from typing import Any

from service.validation.invariant import Rule, at_most_one, custom, distinct, either, is_one_of, no, objects, some, when
from service.validation.structure import Node

_STEP = r"""[^\s.,:;'"/|?!@#$%&*()\[\]{}]{1,64}"""
_PATH = re.compile(rf"{_STEP}(\.{_STEP}(\[x\])?(:[^\s.]+)?)*")
_TIDY_PATH = re.compile(r"[A-Za-z][A-Za-z0-9]*(\.[a-z][A-Za-z0-9]*(\[x])?)*")
_SLICE_NAME = re.compile(r"[a-zA-Z0-9/\-_\[\]@]+")
_POINTING = is_one_of("code", "Reference", "canonical")


def fits(element: str, pattern: re.Pattern[str]) -> Rule:
    """The string matches the pattern as a whole, when there is one."""
    return custom(lambda node: not isinstance(node.get(element), str) or bool(pattern.fullmatch(node[element])))


def whole(text: Any) -> int | None:
    """The number that a string of digits spells; None for anything else."""
    return int(text) if isinstance(text, str) and re.fullmatch(r"[0-9]{1,9}", text) else None


def _cardinality(node: Node) -> bool:
    least, most = node.get("min"), whole(node.get("max"))
    return type(least) is not int or most is None or least <= most


def _one_type(element: str) -> Rule:
    return either(no(element), custom(lambda node: len(objects(node.get("type"))) <= 1))


def _starts(element: str, *prefixes: str) -> Rule:
    return custom(lambda node: not isinstance(node.get(element), str) or node[element].startswith(prefixes))


RULES: dict[str, Rule] = {
    "eld-1": some("discriminator", "description"),
    "eld-2": custom(_cardinality),
    "eld-3": custom(lambda node: node["value"] == "*" or whole(node["value"]) is not None),
    "eld-4": either(no("aggregation"), _POINTING),
    "eld-5": either(
        no("contentReference"),
        no("type", "defaultValue", "fixed", "pattern", "example", "minValue", "maxValue", "maxLength", "binding"),
    ),
    "eld-6": _one_type("fixed"),
    "eld-7": _one_type("pattern"),
    "eld-8": at_most_one("pattern", "fixed"),
    "eld-12": _starts("valueSet", "http:", "https", "urn:"),
    "eld-13": distinct(lambda node: [str(kind["code"]) for kind in objects(node.get("type")) if "code" in kind]),
    "eld-14": distinct(lambda node: [str(constraint["key"]) for constraint in objects(node.get("constraint")) if "key" in constraint]),
    "eld-15": at_most_one("defaultValue", "meaningWhenMissing"),
    "eld-16": fits("sliceName", _SLICE_NAME),
    "eld-17": either(no("targetProfile"), _POINTING),
    "eld-18": when(is_one_of("isModifier", True), some("isModifierReason")),
    "eld-19": fits("path", _PATH),
    "eld-20": fits("path", _TIDY_PATH),
    "eld-21": some("expression"),
    "eld-22": when(some("sliceIsConstraining"), some("sliceName")),
}
