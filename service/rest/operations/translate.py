"""`ConceptMap/$translate`: what a code is in another code system (https://hl7.org/fhir/R4/conceptmap-operation-translate.html).

By the map in the URL, by one that is sent or named, or by all that are here and fit. National Drug Codes of ten and of eleven digits are
translated by their form.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from service.records import terminology
from service.records.context import Context
from service.records.terminology import Terms
from service.rest.exchange import Call, FhirResponse
from service.rest.operations import arguments, coded, defined, returned
from service.rest.operations.arguments import Arguments
from service.rest.operations.coded import Coded, Form
from service.rest.operations.operation import INSTANCE, STANDARD, TYPE, Operation, Parameter
from service.rest.operations.returned import Tree
from service.terminology import ndc
from service.terminology.lookup import Unanswerable
from service.terminology.translation import Match, Question, Translation, translate

_FORM = Form(version="version")
_MOST_DEPENDENCIES = 50


def run(ctx: Context, call: Call, given: Arguments) -> FhirResponse:
    """Answers with Parameters: `result`, `message`, and each `match`."""
    _require_one_map(call, given)
    codes = coded.read(given, _FORM)
    question = Question(
        system="",
        code="",
        source=given.text("source"),
        target=given.text("target"),
        target_system=given.text("targetsystem"),
        reverse=given.flag("reverse"),
        dependencies=_dependencies(given),
    )
    found = terminology.asked(ctx, lambda terms: [_translated(terms, call, given, one, question) for one in codes])
    return FhirResponse(200, _answer(found))


def _require_one_map(call: Call, given: Arguments) -> None:
    if call.id is not None or given.has("url") or given.has("conceptMap"):
        defined.require_one(call, given, "url", "conceptMap")
    elif given.has("conceptMapVersion"):
        raise arguments.refused("conceptMapVersion", "'conceptMapVersion' is about 'url'. Give both, or neither.", "invalid")


def _translated(terms: Terms, call: Call, given: Arguments, one: Coded, question: Question) -> Translation:
    asked = replace(question, system=one.system or "", code=one.code, version=one.version)
    return translate(terms.lookup, _maps(terms, call, given), asked)


def _maps(terms: Terms, call: Call, given: Arguments) -> Sequence[Mapping[str, Any]] | None:
    """The one map that is meant; None for all that are known."""
    if call.id is not None:
        return (terms.resource("ConceptMap", call.id),)
    sent = given.resource("conceptMap")
    if sent is not None:
        return (sent.tree,)
    if not given.has("url"):
        return None
    name = defined.named(given, "url", "conceptMapVersion")
    tree = {"url": ndc.MAP} if name.url == ndc.MAP else terms.lookup.concept_map(name.url, name.version)
    if tree is None:
        raise Unanswerable("not-found", "concept-map", f"the concept map {str(name)[:200]!r} is not stored here")
    return (tree,)


def _dependencies(given: Arguments) -> Mapping[str, str]:
    """The other elements, by their URI: each as the code of its concept, else as its text."""
    found: dict[str, str] = {}
    rows = given.trees("dependency")
    if len(rows) > _MOST_DEPENDENCIES:
        raise arguments.refused("dependency", f"$translate takes at most {_MOST_DEPENDENCIES} dependencies.", "too-costly")
    for row in rows:
        parts = {part["name"]: part for part in row.get("part") or ()}
        element, concept = parts.get("element", {}).get("valueUri"), parts.get("concept", {}).get("valueCodeableConcept")
        if element is None or concept is None:
            raise arguments.refused("dependency", "A dependency has the parts element (valueUri) and concept (valueCodeableConcept).")
        codes = [coding["code"] for coding in concept.get("coding") or () if "code" in coding]
        found[element] = next(iter(codes), concept.get("text") or "")
    return found


def _answer(found: Sequence[Translation]) -> str:
    messages = dict.fromkeys(one.message for one in found if one.message)
    result = any(one.result for one in found)
    matches = [_match(match) for one in found for match in one.matches]
    return returned.parameters(
        returned.one("result", "Boolean", result), returned.one("message", "String", "; ".join(messages) or None), matches
    )


def _match(match: Match) -> Tree:
    concept = {"system": match.system, "version": match.version, "code": match.code, "display": match.display}
    return returned.group(
        "match",
        returned.one("equivalence", "Code", match.equivalence),
        returned.one("concept", "Coding", {name: value for name, value in concept.items() if value} or None),
        _products(match),
        returned.one("source", "Uri", match.map_url),
    )


def _products(match: Match) -> Iterator[Tree]:
    for row in match.product:
        concept = {"system": row.get("system"), "code": row.get("value"), "display": row.get("display")}
        coding = {name: value for name, value in concept.items() if value}
        yield returned.group("product", returned.one("element", "Uri", row.get("property")), returned.one("concept", "Coding", coding))


OPERATION = Operation(
    code="translate",
    levels=frozenset({TYPE, INSTANCE}),
    types=frozenset({"ConceptMap"}),
    changes_state=False,
    definition=STANDARD + "ConceptMap-translate",
    documentation="What a code is in another code system, by the concept maps that are here or one that is sent; NDC too.",
    parameters=(
        Parameter("url", "uri"),
        Parameter("conceptMap", "ConceptMap"),
        Parameter("conceptMapVersion", "string"),
        Parameter("code", "code"),
        Parameter("system", "uri"),
        Parameter("version", "string"),
        Parameter("source", "uri"),
        Parameter("coding", "Coding"),
        Parameter("codeableConcept", "CodeableConcept"),
        Parameter("target", "uri"),
        Parameter("targetsystem", "uri"),
        Parameter("dependency", "BackboneElement", many=True),
        Parameter("reverse", "boolean"),
    ),
    run=run,
)
