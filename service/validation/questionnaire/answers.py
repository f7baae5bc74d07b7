"""A QuestionnaireResponse held to its Questionnaire: items, their order and number, types and options of answers, what must be answered.

The Questionnaire is the library's, or contained in the response; of one that is not known nothing is said but that. Only a response
that is complete (`completed`, `amended`) must answer what is required, and may not answer what is not enabled.
https://hl7.org/fhir/R4/questionnaireresponse.html#link
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.fhir.library import Library
from service.terminology.verdict import OUT, UNKNOWN, Verdict
from service.validation.questionnaire.enabling import Scope, enabled, equal
from service.validation.questionnaire.form import UNANSWERED, Question, Value, links, questions, value
from service.validation.run import Run

Json = Any
Judged = Callable[[Json, str, str, Run], Verdict]
"""The verdict about (coded value, value set, package that asks, run)."""

_COMPLETE = frozenset({"completed", "amended"})
_SHOWN = 12
_MOST_ASKED = 200_000
"""Questions and conditions that one response is asked: many times what a form of any clinic comes to."""
_Around = tuple[Scope, ...]


@dataclass(frozen=True, slots=True)
class _Form:
    questions: tuple[Question, ...]
    links: frozenset[str]
    near: str


class Answers:
    """The questionnaires of a library, ready to be asked. Safe to share between threads: reading one twice is harmless."""

    def __init__(self, library: Library, judged: Judged) -> None:
        self._library = library
        self._judged = judged
        self._forms: dict[str, _Form] = {}

    def check(self, response: Mapping[str, Json], path: str, run: Run) -> None:
        """Reports what is wrong with the answers of a QuestionnaireResponse that R4 finds well-formed."""
        url = response.get("questionnaire")
        form = self._form(url, run) if isinstance(url, str) else None
        if form is None:
            told = f"{url} is not known here" if url else "no questionnaire is named"
            run.information("not-found", "questionnaire-unknown", path, f"was not held to a questionnaire: {told}")
            return
        items = response.get("item", ())
        try:
            _Filling(form, self._judged, run, response.get("status") in _COMPLETE).items(form.questions, items, path, (Scope(items),))
        except _TooMuch:
            text = "was held to its questionnaire in part only: it has too many items for so many questions"
            run.warning("too-costly", "questionnaire-size", path, text)

    def _form(self, url: str, run: Run) -> _Form | None:
        if url.startswith("#"):
            inner = run.target(url)
            return _read(inner, "") if inner and inner.get("resourceType") == "Questionnaire" else None
        if url not in self._forms:
            found = self._library.find("Questionnaire", url)
            if found is None:
                return None
            self._forms[url] = _read(found.tree, found.package)
        return self._forms[url]


def _read(tree: Mapping[str, Json], near: str) -> _Form:
    found = questions(tree.get("item"))
    return _Form(found, frozenset(links(found)), near)


class _TooMuch(Exception):
    """The response has been asked enough."""


@dataclass(slots=True)
class _Filling:
    """One response being held to its form; `complete` responses answer what is required. `asked` counts questions and conditions."""

    form: _Form
    judged: Judged
    run: Run
    complete: bool
    asked: int = 0

    def items(self, asked: Sequence[Question], given: Sequence[Mapping[str, Json]], path: str, around: _Around) -> None:
        """The items at one place; `around` are the items of the response around it, from the outermost in."""
        found = self._placed(asked, given, path)
        for question in asked:
            self.asked += 1 + len(question.conditions)
            if self.asked > _MOST_ASKED:
                raise _TooMuch
            state = enabled(question, around)
            self._number(question, found[question.link], path, state)
            for place, item in found[question.link]:
                self._item(question, item, place, (state, around))

    def _placed(
        self, asked: Sequence[Question], given: Sequence[Mapping[str, Json]], path: str
    ) -> dict[str, list[tuple[str, Mapping[str, Json]]]]:
        """The given items by linkId, with their places; reports those that do not belong here or stand in the wrong order."""
        order = {question.link: number for number, question in enumerate(asked)}
        found: dict[str, list[tuple[str, Mapping[str, Json]]]] = {link: [] for link in order}
        last = 0
        for index, item in enumerate(given):
            place, link = f"{path}.item[{index}]", item.get("linkId")
            if link not in order:
                self._stranger(link, place, tuple(order))
                continue
            if order[link] < last:
                self.run.error("structure", "item-order", place, f"({link!r}) stands before this in the questionnaire: keep its order")
            last = max(last, order[link])
            found[link].append((place, item))
        return found

    def _stranger(self, link: str | None, place: str, known: Sequence[str]) -> None:
        if link is None:
            return  # R4 itself has told that it is missing
        if link in self.form.links:
            text = f"({link!r}) belongs at another place of the questionnaire: nest the items as it does"
        else:
            listed = ", ".join(known[:_SHOWN]) + (", ..." if len(known) > _SHOWN else "")
            text = f"has the linkId {link[:80]!r}, which the questionnaire does not have; here it has {listed or 'no items'}"
        self.run.error("structure", "item-unknown", place, text)

    def _number(self, question: Question, found: Sequence[tuple[str, Mapping[str, Json]]], path: str, state: bool | None) -> None:
        """Whether there are enough items for a question, and not too many."""
        many = question.repeats and question.kind == "group"
        if len(found) > 1 and not many:
            self.run.error(
                "structure", "item-too-many", found[1][0], f"answers {question.link!r} again: give one item, with all its answers"
            )
        content = any("answer" in item or "item" in item for _, item in found)
        if self.complete and question.required and state and not content:
            place = found[0][0] if found else f"{path}.item"
            self.run.error("required", "item-required", place, f"must answer {_named(question)}")

    def _item(self, question: Question, item: Mapping[str, Json], place: str, at: tuple[bool | None, _Around]) -> None:
        state, around = at
        if question.text is not None and item.get("text", question.text) != question.text:
            self.run.warning("value", "item-text", f"{place}.text", f"is not the text of {_named(question)}")
        if state is False:
            if self.complete and ("answer" in item or "item" in item):
                self.run.error(
                    "business-rule", "item-disabled", place, f"answers {_named(question)}, which is not to be answered: remove it"
                )
        elif question.kind in UNANSWERED:
            self._group(question, item, place, around)
        else:
            self._answered(question, item, place, around)

    def _group(self, question: Question, item: Mapping[str, Json], place: str, around: _Around) -> None:
        if "answer" in item:
            self.run.error(
                "structure", "answer-unexpected", f"{place}.answer", f"answers {question.link!r}, which is a {question.kind}: remove it"
            )
        inner = item.get("item", ())
        self.items(question.questions, inner, place, (*around, Scope(inner)))

    def _answered(self, question: Question, item: Mapping[str, Json], place: str, around: _Around) -> None:
        if "item" in item:
            self.run.error(
                "structure", "item-unknown", f"{place}.item", f"stands inside the question {question.link!r}: put it into its answer"
            )
        answers = item.get("answer", ())
        if len(answers) > 1 and not question.repeats:
            self.run.error(
                "structure", "answer-too-many", f"{place}.answer[1]", f"is a second answer to {question.link!r}, which takes one"
            )
        for index, answer in enumerate(answers):
            at, given, inner = f"{place}.answer[{index}]", value(answer, "value"), answer.get("item", ())
            if given:
                self._value(question, given, f"{at}.value{given[0]}")
            self.items(question.questions, inner, at, (*around, Scope(inner)))

    def _value(self, question: Question, given: Value, place: str) -> None:
        kind, content = given
        if kind not in question.kinds:
            self.run.error("structure", "answer-type", place, f"is a {kind}, and {question.link!r} takes {' or '.join(question.kinds)}")
            return
        if question.max_length is not None and isinstance(content, str) and len(content) > question.max_length:
            text = f"has {len(content)} characters, and {question.link!r} takes {question.max_length} at most"
            self.run.error("value", "answer-length", place, text)
        if question.kind == "choice" or kind != "String":
            self._option(question, given, place)

    def _option(self, question: Question, given: Value, place: str) -> None:
        """A choice is one of the options; an open choice may also be a text of its own."""
        if question.options and not any(equal(given, option) for option in question.options):
            shown = ", ".join(_shown(option) for option in question.options[:_SHOWN])
            self.run.error("code-invalid", "answer-option", place, f"is none of the answers of {question.link!r}: {shown}")
        elif question.value_set:
            verdict = self.judged(given[1], question.value_set, self.form.near, self.run)
            if verdict.answer is OUT:
                self.run.error("code-invalid", "answer-option", place, f"is not in {question.value_set}, the answers of {question.link!r}")
            elif verdict.answer is UNKNOWN:
                text = f"was not checked against {question.value_set}: {verdict.reason}"
                self.run.information("code-invalid", "code-not-checked", place, text)


def _named(question: Question) -> str:
    return f"{question.link!r} ({question.text})" if question.text else repr(question.link)


def _shown(option: Value) -> str:
    kind, content = option
    return f"{content.get('system', '')}|{content.get('code', '')}" if kind == "Coding" else str(content)
