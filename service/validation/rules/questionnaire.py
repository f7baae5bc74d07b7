"""Invariants of Questionnaire and QuestionnaireResponse (https://hl7.org/fhir/R4/questionnaire.html#invs)."""

from collections.abc import Iterator

from service.validation.invariant import Rule, at_most_one, custom, distinct, either, every, is_not, is_one_of, no, objects, some, when
from service.validation.structure import Node

_ANSWERED = ("choice", "open-choice", "decimal", "integer", "date", "dateTime", "time", "string", "quantity")
_WRITTEN = ("boolean", "decimal", "integer", "string", "text", "url", "open-choice")
_NOT_SHOWN = is_not("type", "display")


def _link_ids(node: Node) -> Iterator[str]:
    for item in objects(node.get("item")):
        if "linkId" in item:
            yield str(item["linkId"])
        yield from _link_ids(item)


def _count(member: str, most: int) -> Rule:
    return custom(lambda node: len(objects(node.get(member))) <= most)


RULES: dict[str, Rule] = {
    "que-1": every(when(is_one_of("type", "group"), some("item")), when(is_one_of("type", "display"), no("item"))),
    "que-2": distinct(_link_ids),
    "que-3": either(_NOT_SHOWN, no("code")),
    "que-4": at_most_one("answerOption", "answerValueSet"),
    "que-5": either(is_one_of("type", *_ANSWERED), no("answerValueSet", "answerOption")),
    "que-6": either(_NOT_SHOWN, no("required", "repeats")),
    "que-7": when(is_one_of("operator", "exists"), custom(lambda node: "answerBoolean" in node)),
    "que-8": either(is_not("type", "group", "display"), no("initial")),
    "que-9": either(_NOT_SHOWN, no("readOnly")),
    "que-10": either(is_one_of("type", *_WRITTEN), no("maxLength")),
    "que-11": at_most_one("answerOption", "initial"),
    "que-12": either(_count("enableWhen", 2), some("enableBehavior")),
    "que-13": either(is_one_of("repeats", True), _count("initial", 1)),
    "qrs-1": at_most_one("answer", "item"),
}
