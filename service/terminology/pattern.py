"""Regular expressions in time that grows with the text and never explodes, whoever wrote them: all ways to match are followed side by side.

The whole text must match. https://swtch.com/~rsc/regexp/regexp1.html
"""

from dataclasses import dataclass

from service.terminology import pattern_syntax
from service.terminology.lookup import Unanswerable
from service.terminology.pattern_syntax import Edge, Either, Node, One, Repeat, Sequence, Test

LONGEST = 500
MOST_STATES = 1000
MOST_STEPS = 5_000_000
"""Characters of a pattern, states that it may become, and how often states may be looked at with one pattern."""


@dataclass(slots=True)
class _State:
    """Passes one character that `test` accepts to `following`; without a test it is in all of `following` at once."""

    test: Test | None
    following: list[int]
    edge: str = ""


class Pattern:
    """One compiled expression. Not for several threads."""

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST:
            raise Unanswerable("too-costly", "regex-size", f"a regular expression has at most {LONGEST} characters")
        self._states = [_State(None, [])]
        self._text = text
        self._start = self._state(pattern_syntax.parse(text), 0)
        self._steps = 0

    def matches(self, text: str) -> bool:
        """Whether the whole text matches. Raises Unanswerable when it has cost too much."""
        present = self._reached([self._start], 0, len(text))
        for place, character in enumerate(text, start=1):
            found = [self._states[number] for number in present]
            moved = [state.following[0] for state in found if state.test is not None and state.test(character)]
            if not moved:
                return False
            present = self._reached(moved, place, len(text))
        return 0 in present

    def _reached(self, numbers: list[int], place: int, length: int) -> dict[int, None]:
        """Those states and all that they are in at once, at that place of the text."""
        found: dict[int, None] = {}
        waiting = list(numbers)
        while waiting:
            number = waiting.pop()
            if number in found:
                continue
            found[number] = None
            state = self._states[number]
            if state.test is None and not (state.edge == "^" and place > 0) and not (state.edge == "$" and place < length):
                waiting.extend(state.following)
        self._steps += len(found)
        if self._steps > MOST_STEPS:
            raise Unanswerable("too-costly", "regex-steps", f"the regular expression {self._text[:80]!r} takes too long on these codes")
        return found

    def _state(self, node: Node, following: int) -> int:
        """The state at which `node` begins, when `following` comes after it."""
        if isinstance(node, One):
            return self._added(_State(node.test, [following]))
        if isinstance(node, Edge):
            return self._added(_State(None, [following], node.sign))
        if isinstance(node, Sequence):
            for part in reversed(node.parts):
                following = self._state(part, following)
            return following
        if isinstance(node, Either):
            return self._added(_State(None, [self._state(part, following) for part in node.parts]))
        return self._repeated(node, following)

    def _repeated(self, node: Repeat, following: int) -> int:
        entry = following
        if node.most is None:
            entry = self._added(_State(None, [following]))
            self._states[entry].following.append(self._state(node.part, entry))
        for _ in range((node.most or node.least) - node.least):
            entry = self._added(_State(None, [following, self._state(node.part, entry)]))
        for _ in range(node.least):
            entry = self._state(node.part, entry)
        return entry

    def _added(self, state: _State) -> int:
        if len(self._states) >= MOST_STATES:
            raise Unanswerable("too-costly", "regex-size", f"the regular expression {self._text[:80]!r} repeats too much")
        self._states.append(state)
        return len(self._states) - 1
