"""One include or exclude of a value set, compiled into a judge of codes.

    a list of codes              decides
    a whole code system          decides when it is complete here, or by the grammar of its codes; a part knows the codes that it holds
    filters                      decide where the code system is stored; else its codes are unknown, and those of others are not in it

https://hl7.org/fhir/R4/valueset-definitions.html#ValueSet.compose.include
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from service.terminology import filters, grammar
from service.terminology.code_system import CodeSystem, Concept
from service.terminology.lookup import Canonical, Json, Lookup, Unanswerable
from service.terminology.verdict import IN, NOT_IN, OUT, Judge, Verdict, both, every, unknown

CodeJudge = Callable[[str], Verdict]
"""Answers about codes of one code system."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one include has: codes of `system` (of any, when None) that its own list or rule (`own`) and all of `imports` know."""

    system: str | None
    own: CodeJudge | None
    imports: Sequence[Judge]

    def __call__(self, system: str, code: str) -> Verdict:
        """About one code."""
        if self.system is not None and system != self.system:
            return NOT_IN
        verdict = self.own(code) if self.own else Verdict(IN)
        if verdict.answer is OUT or not self.imports:
            return verdict
        return both(verdict, every(self.imports, system, code)) if self.own else every(self.imports, system, code)


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nothing can be known, for `verdict.reason`."""

    verdict: Verdict

    def __call__(self, *_: str) -> Verdict:
        """About one code."""
        return self.verdict


@dataclass(frozen=True, slots=True)
class Listed:
    """The codes by `key`; no others."""

    key: Callable[[str], str]
    verdicts: Mapping[str, Verdict]

    def __call__(self, code: str) -> Verdict:
        """About one code."""
        return self.verdicts.get(self.key(code), NOT_IN)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The concepts of a stored code system that were `selected`; `otherwise` is said of any other code."""

    system: CodeSystem
    selected: Mapping[str, Concept]
    otherwise: Verdict

    def __call__(self, code: str) -> Verdict:
        """About one code."""
        concept = self.selected.get(self.system.key(code))
        return _verdict(concept) if concept else self.otherwise


@dataclass(frozen=True, slots=True)
class Written:
    """The codes that a grammar accepts."""

    grammar: grammar.Grammar

    def __call__(self, code: str) -> Verdict:
        """About one code."""
        return Verdict(IN, self.grammar.remark, self.grammar.display(code)) if self.grammar.accepts(code) else NOT_IN


def unknowable(reason: str) -> Unknown:
    """A judge that knows nothing."""
    return Unknown(unknown(reason))


def own(lookup: Lookup, part: Json) -> CodeJudge:
    """What the codes or filters of an include say about codes of its system; all of them, when it has neither."""
    if part.get("concept"):
        return _listed(lookup, part)
    name = Canonical(part["system"], part.get("version"))
    system, written = lookup.code_system(name.url, name.version), grammar.of(name.url)
    if written and not part.get("filter") and (system is None or system.content != "complete"):
        return Written(written)
    if system is None:
        return unknowable(f"the code system {str(name)[:200]} is not stored here")
    return _chosen(system, part.get("filter") or ())


def effort(lookup: Lookup, part: Json) -> int:
    """How many codes are looked at for the judge of an include."""
    if part.get("concept"):
        return 1 + len(part["concept"])
    system = lookup.code_system(part["system"], part.get("version"))
    return 1 + (len(system.concepts) * (1 + len(part.get("filter") or ())) if system else 0)


def _chosen(system: CodeSystem, rules: Sequence[Json]) -> CodeJudge:
    if system.content == "not-present":
        return unknowable(f"the codes of {system.url} are not stored here")
    try:
        selected = filters.selected(system, rules)
    except Unanswerable as error:
        return unknowable(str(error))
    if system.content == "complete":
        return Chosen(system, selected, NOT_IN)
    return Chosen(system, selected, unknown(f"only a part of {system.url} is stored here ({system.content})"))


def _listed(lookup: Lookup, part: Json) -> CodeJudge:
    """The codes of the list, with what their code system says of them where it is stored."""
    system, written = lookup.code_system(part["system"], part.get("version")), grammar.of(part["system"])
    key = system.key if system else written.key if written else str
    verdicts: dict[str, Verdict] = {}
    for row in part["concept"]:
        if row.get("code"):
            concept = (system.concept(row["code"]) if system else None) or Concept(row["code"])
            verdicts.setdefault(key(row["code"]), _verdict(concept, row))
    return Listed(key, verdicts)


def _verdict(concept: Concept, row: Json = MappingProxyType({})) -> Verdict:
    """A concept that is in, with the names that a row of the value set gives it before its own."""
    names = (*(row.get("designation") or ()), *concept.designations)
    return Verdict(IN, None, row.get("display") or concept.display, concept.abstract, concept.inactive, names)
