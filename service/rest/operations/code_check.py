"""What the two `$validate-code` share: from what is known of each code to `result`, `message` and `display`.

Of a concept one coding has to be right. A code of which it is not known here whether it belongs is never `true` and never `false`:
the answer is a 422 that says why it could not be checked. https://hl7.org/fhir/R4/valueset-operation-validate-code.html
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from service.rest.exchange import FhirResponse
from service.rest.operations import returned
from service.rest.operations.coded import Coded
from service.terminology.lookup import Unanswerable
from service.terminology.membership import IN, UNKNOWN, Verdict


@dataclass(frozen=True, slots=True)
class Checked:
    """A code, what is known of it, and what objects to it although it belongs."""

    coded: Coded
    verdict: Verdict
    objection: str | None = None

    @property
    def is_right(self) -> bool:
        """Whether it belongs and nothing objects."""
        return self.verdict.answer is IN and self.objection is None


@dataclass(frozen=True, slots=True)
class Expectation:
    """`place` is what a code is looked for in, as text; `abstract`: groups may be chosen; `displays` are the right names of a code."""

    place: str
    abstract: bool
    displays: Callable[[Coded, Verdict], Sequence[str]]


def check(coded: Coded, verdict: Verdict, expected: Expectation) -> Checked:
    """What is known of a code, with what objects to it: that nobody may choose it, or that it has another name."""
    if verdict.answer is not IN:
        return Checked(coded, verdict)
    if verdict.abstract and not expected.abstract:
        return Checked(coded, verdict, f"{coded} is a group that is not chosen itself; ask with abstract=true where groups are allowed")
    names = expected.displays(coded, verdict)
    if coded.display is not None and names and _folded(coded.display) not in map(_folded, names):
        return Checked(coded, verdict, f"{coded.display[:100]!r} is not the display of {coded}, which is {names[0]!r}")
    return Checked(coded, verdict)


def answer(found: Sequence[Checked], expected: Expectation) -> FhirResponse:
    """The Parameters. Raises Unanswerable when it is not known."""
    right = next((one for one in found if one.is_right), None)
    if right is not None:
        return _answered(True, "; ".join(_hints(right, expected)) or None, right, expected)
    unknown = [one for one in found if one.verdict.answer is UNKNOWN]
    if unknown:
        told = "; ".join(f"{one.coded}: {one.verdict.reason}" for one in unknown)
        raise Unanswerable("not-supported", "code-not-checked", f"it could not be checked against {expected.place}: {told}")
    told = "; ".join(one.objection or f"{one.coded} is not in {expected.place}" for one in found)
    return _answered(False, told, next((one for one in found if one.objection), found[0]), expected)


def _hints(right: Checked, expected: Expectation) -> list[str]:
    """What is worth knowing of a code that is right."""
    hints = [f"{right.coded} is inactive"] if right.verdict.inactive else []
    hints += [right.verdict.reason] if right.verdict.reason else []
    if right.coded.display is not None and not expected.displays(right.coded, right.verdict):
        hints.append(f"no display of {right.coded} is known here, so {right.coded.display[:100]!r} was not checked")
    return hints


def _answered(result: bool, message: str | None, about: Checked, expected: Expectation) -> FhirResponse:
    names = expected.displays(about.coded, about.verdict) if about.verdict.answer is IN else ()
    return FhirResponse(
        200,
        returned.parameters(
            returned.one("result", "Boolean", result),
            returned.one("message", "String", message),
            returned.one("display", "String", next(iter(names), None)),
        ),
    )


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
