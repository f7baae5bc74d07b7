"""A value set, compiled: asked about any code, it answers in, out or unknown. Each include is judged alone, so that what is not stored
makes the codes of its own code system unknown and no others.

Includes are united, excludes taken away, and value sets within an include narrow it. A stored expansion answers where the definition
cannot. https://hl7.org/fhir/R4/valueset.html#compositions
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from service.terminology.implicit import found
from service.terminology.lookup import Canonical, Json, Lookup, canonical
from service.terminology.part import CodeJudge, Part, effort, own, unknowable
from service.terminology.stored_expansion import is_partial, rows
from service.terminology.verdict import IN, NOT_IN, UNKNOWN, Judge, Verdict, best, either, unknown, without

_DEEPEST = 20
_MOST_EFFORT = 500_000
"""Codes that may be looked at to compile one value set."""


@dataclass(frozen=True, slots=True)
class Expanded:
    """The codes of a stored expansion, and what is said of any other."""

    verdicts: dict[tuple[str, str], Verdict]
    otherwise: Verdict

    def __call__(self, system: str, code: str) -> Verdict:
        """About one code."""
        return self.verdicts.get((system, code), self.otherwise)


@dataclass(frozen=True, slots=True)
class Composed:
    """`include` without `exclude`, without what is inactive when `lookup` is given to know it; `expanded` where that is unknown."""

    include: Sequence[Judge]
    exclude: Sequence[Judge] = ()
    active_only: Lookup | None = None
    expanded: Judge | None = None

    def __call__(self, system: str, code: str) -> Verdict:
        """About one code."""
        verdict = self._composed(system, code)
        return self.expanded(system, code) if verdict.answer is UNKNOWN and self.expanded else verdict

    def _composed(self, system: str, code: str) -> Verdict:
        verdict = either(self.include, system, code)
        if self.exclude and verdict is not NOT_IN:
            verdict = without(verdict, either(self.exclude, system, code))
        if self.active_only and verdict.answer is IN and (verdict.inactive or _is_inactive(self.active_only, system, code)):
            return NOT_IN
        return verdict


@dataclass(slots=True)
class Compiled:
    """A value set: its judge, and the code systems that it may have codes of. The last answer is kept, because value sets that name each
    other many times over ask for it again and again about one code."""

    judge: Judge
    systems: frozenset[str] = frozenset()
    _last: tuple[str, str, Verdict] | None = None

    def __call__(self, system: str, code: str) -> Verdict:
        """About one code."""
        last = self._last
        if last is None or last[1] != code or last[0] != system:
            self._last = last = (system, code, self.judge(system, code))
        return last[2]

    def anywhere(self, code: str) -> Verdict:
        """About a code whose system nobody named: in the value set with any of its systems."""
        return best(self(system, code) for system in (*sorted(self.systems), ""))


def named(lookup: Lookup, url: str) -> Compiled:
    """The value set at `url` or `url|version`, compiled once per lookup."""
    return _Compiler(lookup).named(canonical(url))


def of(lookup: Lookup, tree: Json) -> Compiled:
    """The value set of a ValueSet resource."""
    return _Compiler(lookup).resource(tree, str(Canonical(tree.get("url") or "the value set", tree.get("version"))))


@dataclass(slots=True)
class _Compiler:
    """One compilation. `within` are the value sets that it is inside of, outermost first; `inner` the contained ones, by name."""

    lookup: Lookup
    within: list[str] = field(default_factory=list)
    inner: dict[str, Compiled] = field(default_factory=dict)
    spent: int = 0

    def named(self, name: Canonical) -> Compiled:
        known: Compiled | None = self.lookup.compiled.get(str(name))
        if known is None and str(name) in self.within:
            return _nothing(f"the value set {str(name)[:200]} is defined by itself")
        if known is None:
            tree = found(self.lookup, name)
            if tree is None:
                return _nothing(f"the value set {str(name)[:200]} is not stored here")
            known = self.lookup.compiled[str(name)] = self.resource(tree, str(name))
        return known

    def resource(self, tree: Json, name: str) -> Compiled:
        if name in self.within or len(self.within) >= _DEEPEST:
            return _nothing(f"the value set {name[:200]} is defined by itself, or more than {_DEEPEST} deep")
        self.within.append(name)
        expanded = _expanded(name, tree["expansion"]) if tree.get("expansion") else None
        compiled = self._composed(tree, expanded) if tree.get("compose") else expanded
        self.within.pop()
        return compiled or _nothing(f"the value set {name[:200]} says nothing about its codes")

    def _composed(self, tree: Json, expanded: Compiled | None) -> Compiled:
        compose = tree["compose"]
        parts = [self._part(tree, part) for part in compose.get("include") or ()]
        excluded = [self._part(tree, part, is_exclude=True) for part in compose.get("exclude") or ()]
        judge = Composed(
            include=[judge for judge, _ in parts],
            exclude=[judge for judge, _ in excluded],
            active_only=self.lookup if compose.get("inactive") is False else None,
            expanded=expanded,
        )
        systems = frozenset[str]().union(*(systems for _, systems in parts))
        return Compiled(judge, systems | (expanded.systems if expanded else frozenset()))

    def _part(self, tree: Json, part: Json, is_exclude: bool = False) -> tuple[Judge, frozenset[str]]:
        """One include or exclude, and the code systems that it may have codes of."""
        imports = [self._imported(tree, url) for url in part.get("valueSet") or ()]
        system = part.get("system")
        if not system and not imports:
            return unknowable("an include has neither a system nor a value set"), frozenset()
        systems = frozenset({system}) if system else frozenset[str]().union(*(one.systems for one in imports))
        return Part(system, self._own(tree, part, is_exclude), imports), systems

    def _own(self, tree: Json, part: Json, is_exclude: bool) -> CodeJudge | None:
        """What a part itself says about codes of its system; None when it says nothing beyond that system."""
        if tree["compose"].get("lockedDate") and not part.get("version") and not part.get("concept"):
            return unknowable("its lockedDate asks for older versions")
        if not part.get("system") or _is_system_alone(part, is_exclude):
            return None
        self.spent += effort(self.lookup, part)
        return own(self.lookup, part) if self.spent <= _MOST_EFFORT else unknowable("too much would have to be looked at to know")

    def _imported(self, tree: Json, url: str) -> Compiled:
        if not url.startswith("#"):
            return self.named(canonical(url))
        name = f"{self.within[-1]}{url}"
        for inner in tree.get("contained") or ():
            if name not in self.inner and inner.get("resourceType") == "ValueSet" and inner.get("id") == url[1:]:
                self.inner[name] = self.resource(inner, name)
        return self.inner.get(name) or _nothing(f"{url[:80]} is not contained in {self.within[-1][:200]}")


def _is_system_alone(part: Json, is_exclude: bool) -> bool:
    """Whether a part means every code of its system, known or not: value sets narrow it, or all of them are excluded."""
    if part.get("concept") or part.get("filter"):
        return False
    return bool(part.get("valueSet")) or (is_exclude and not part.get("version"))


def _expanded(name: str, expansion: Json) -> Compiled:
    verdicts: dict[tuple[str, str], Verdict] = {}
    for row in rows(expansion):
        if row.get("abstract") is not True:
            verdict = Verdict(IN, None, row.get("display"), False, row.get("inactive") is True, row.get("designation") or ())
            verdicts.setdefault((row["system"], row["code"]), verdict)
    otherwise = unknown(f"the stored expansion of {name[:200]} is only a part of it") if is_partial(expansion) else NOT_IN
    return Compiled(Expanded(verdicts, otherwise), frozenset(system for system, _ in verdicts))


def _is_inactive(lookup: Lookup, system: str, code: str) -> bool:
    stored = lookup.code_system(system, None)
    concept = stored.concept(code) if stored else None
    return concept is not None and concept.inactive


def _nothing(reason: str) -> Compiled:
    return Compiled(unknowable(reason))
