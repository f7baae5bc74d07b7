"""The corpus before both validators: the gate of the service and HAPI's, each beside the outcome that the specification asks for.

What they disagree about is explained in docs/conformance.md, row by row: a disagreement without a row is an error, and so is a row
about which they agree.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.corpus.case import Case, cases, text
from tests.corpus.gate import gate
from tools.conformance.validator import BUILT, ROOT, Message
from tools.conformance.wording import rules

FOLDER = BUILT / "corpus"
EXPLAINED = ROOT / "docs" / "conformance.md"
_ROW = re.compile(r"^\| `([^`]+)` \|", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the two validators say of a case: `ours` are the rules of the gate's errors, `theirs` HAPI's errors."""

    case: Case
    ours: tuple[str, ...]
    theirs: tuple[Message, ...]

    @property
    def is_agreed(self) -> bool:
        """Whether both take it, or both refuse it."""
        return bool(self.ours) == bool(self.theirs)

    @property
    def is_same_rule(self) -> bool:
        """Whether HAPI names the rule that fails as well."""
        return any(self.case.error in rules(message) for message in self.theirs)


def write() -> list[Path]:
    """Writes each case to a file of its own, for HAPI."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    paths = []
    for case in cases():
        path = FOLDER / f"{case.id}.json"
        path.write_text(text(case.tree), encoding="utf-8")
        paths.append(path)
    return paths


def report(said: Mapping[str, Sequence[Message]]) -> int:
    """Prints the figures and what is not as it should be; returns how many cases that are."""
    verdicts = _verdicts(said)
    refused = [verdict for verdict in verdicts if verdict.case.error]
    wrong = [verdict for verdict in verdicts if verdict.ours != ((verdict.case.error,) if verdict.case.error else ())]
    apart = [verdict for verdict in verdicts if not verdict.is_agreed]
    both = [verdict for verdict in refused if verdict.is_agreed]
    other = [verdict for verdict in both if not verdict.is_same_rule]
    print(f"corpus: {len(verdicts)} cases, {len(verdicts) - len(refused)} valid, {len(refused)} with one rule that fails")
    print(f"  the gate gives the expected outcome in {len(verdicts) - len(wrong)}, and not in {len(wrong)}")
    print(f"  HAPI and the gate agree in {len(verdicts) - len(apart)}, and disagree in {len(apart)}")
    print(f"  of {len(both)} that both refuse, HAPI names the same rule in {len(both) - len(other)}, another in {len(other)}")
    for verdict in [*wrong, *apart, *other]:
        print(f"  {verdict.case.id}: {verdict.case.error}; gate {verdict.ours}; HAPI {[_short(message) for message in verdict.theirs]}")
    return len(wrong) + _unexplained({verdict.case.id for verdict in [*apart, *other]})


def _verdicts(said: Mapping[str, Sequence[Message]]) -> list[Verdict]:
    FOLDER.mkdir(parents=True, exist_ok=True)
    held = gate(FOLDER)
    found = []
    for case in cases():
        ours = tuple(issue.rule for issue in held.check(case.tree) if issue.severity == "error")
        theirs = tuple(message for message in said.get(str(FOLDER / f"{case.id}.json"), ()) if message.is_error)
        found.append(Verdict(case, ours, theirs))
    return found


def _unexplained(apart: set[str]) -> int:
    explained = set(_ROW.findall(EXPLAINED.read_text(encoding="utf-8")))
    for name in sorted(apart - explained):
        print(f"  {name}: a disagreement that docs/conformance.md does not explain")
    for name in sorted(explained - apart):
        print(f"  {name}: docs/conformance.md explains a disagreement that there is not")
    return len(apart ^ explained)


def _short(message: Message) -> str:
    return message.message.rsplit("/", 1)[-1] or message.text[:60]
