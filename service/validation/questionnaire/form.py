"""A Questionnaire as its responses are asked: its questions by place, what each takes, and when it is to be answered.

https://hl7.org/fhir/R4/questionnaire.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = Any
Value = tuple[str, Json]
"""The type of a value as the member names spell it (`Boolean`, `DateTime`, `Coding`), and the value."""

_KINDS = {
    "boolean": ("Boolean",),
    "decimal": ("Decimal",),
    "integer": ("Integer",),
    "date": ("Date",),
    "dateTime": ("DateTime",),
    "time": ("Time",),
    "string": ("String",),
    "text": ("String",),
    "url": ("Uri",),
    "attachment": ("Attachment",),
    "reference": ("Reference",),
    "quantity": ("Quantity",),
}
_CHOICES = ("choice", "open-choice")
UNANSWERED = frozenset({"group", "display"})
"""The kinds of item that take no answer."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One `enableWhen`: the answers to `question` are compared with `expected`."""

    question: str
    operator: str
    expected: Value


@dataclass(frozen=True, slots=True)
class Question:
    """One item of a questionnaire, with those inside it. `kind` is its type; `any_of`: one of its conditions is enough."""

    link: str
    kind: str
    text: str | None
    required: bool
    repeats: bool
    conditions: tuple[Condition, ...]
    any_of: bool
    options: tuple[Value, ...]
    value_set: str | None
    max_length: int | None
    questions: tuple["Question", ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The types that an answer may have."""
        if self.kind not in _CHOICES:
            return _KINDS.get(self.kind, ())
        listed = tuple(dict.fromkeys(kind for kind, _ in self.options)) or ("Coding",)
        return listed if self.kind == "choice" else tuple(dict.fromkeys((*listed, "String")))


def questions(items: Json) -> tuple[Question, ...]:
    """The questions of the `item` of a Questionnaire, or of one of its items."""
    return tuple(_question(item) for item in items or ())


def links(questions: tuple[Question, ...]) -> Iterator[str]:
    """The linkIds of questions and of those inside them."""
    for one in questions:
        yield one.link
        yield from links(one.questions)


def value(node: Mapping[str, Json], stem: str) -> Value | None:
    """The value of a choice such as `value[x]`; None when it has none, or only extensions instead of one."""
    size = len(stem)
    return next(((name[size:], found) for name, found in node.items() if name.startswith(stem) and name[size : size + 1].isupper()), None)


def _question(item: Mapping[str, Json]) -> Question:
    return Question(
        link=str(item.get("linkId")),
        kind=str(item.get("type")),
        text=item.get("text"),
        required=item.get("required") is True,
        repeats=item.get("repeats") is True,
        conditions=tuple(_condition(one) for one in item.get("enableWhen", ())),
        any_of=item.get("enableBehavior") == "any",
        options=tuple(found for one in item.get("answerOption", ()) if (found := value(one, "value"))),
        value_set=item.get("answerValueSet"),
        max_length=item.get("maxLength"),
        questions=questions(item.get("item")),
    )


def _condition(one: Mapping[str, Json]) -> Condition:
    return Condition(str(one.get("question")), str(one.get("operator")), value(one, "answer") or ("", None))
