"""Invariants of TestScript and TestReport."""

from service.validation.invariant import Rule, at_most_one, custom, either, every, exactly_one, is_one_of, no, objects, some

_MEASURES = (
    "contentType",
    "expression",
    "headerField",
    "minimumId",
    "navigationLinks",
    "path",
    "requestMethod",
    "resource",
    "responseCode",
)
_COMPARED = either(
    no("compareToSourceId", "compareToSourceExpression", "compareToSourcePath"),
    every(some("compareToSourceId"), some("compareToSourceExpression", "compareToSourcePath")),
)
_REQUESTLESS = ("capabilities", "search", "transaction", "history")


def _type_code(*codes: str) -> Rule:
    return custom(lambda node: any(coding.get("code") in codes for coding in objects(node.get("type"))))


_ADDRESSED = either(some("sourceId"), exactly_one("targetId", "url", "params"), _type_code(*_REQUESTLESS))
_DIRECTED = either(
    every(no("response", "responseCode"), is_one_of("direction", "request")), no("direction"), is_one_of("direction", "response")
)
_ONE_MEASURE = either(some("extension"), at_most_one(*_MEASURES, "response", "validateProfileId"))
_ONE_STEP = exactly_one("operation", "assert")

RULES: dict[str, Rule] = {
    "TestReport.setup.action:inv-1": _ONE_STEP,
    "TestReport.test.action:inv-2": _ONE_STEP,
    "tst-1": _ONE_STEP,
    "tst-2": _ONE_STEP,
    "tst-3": custom(lambda node: not {"expression", "headerField", "path"} <= node.keys()),
    "tst-4": custom(
        lambda node: any(not {"required", "validated"}.isdisjoint(capability) for capability in objects(node.get("capability")))
    ),
    "tst-5": _ONE_MEASURE,
    "tst-6": _ONE_MEASURE,
    "tst-7": _ADDRESSED,
    "tst-8": _ADDRESSED,
    "tst-9": _ADDRESSED,
    "tst-10": _COMPARED,
    "tst-11": _COMPARED,
    "tst-12": _DIRECTED,
    "tst-13": _DIRECTED,
}
