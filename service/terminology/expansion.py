"""Which codes a value set has.

Includes are united, excludes taken away. Within one include, its codes or filters and each value set that it names narrow what is
left. A value set without `compose`, or with one that cannot be answered here, has the codes of its stored `expansion`.
Never a part for the whole: a code system of which nothing or only examples are stored has no expansion.
https://hl7.org/fhir/R4/valueset.html#compositions, https://hl7.org/fhir/R4/valueset.html#expansion
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from service.terminology import filters, grammar, judge
from service.terminology.code_system import CodeSystem, Concept
from service.terminology.implicit import found
from service.terminology.lookup import Canonical, Lookup, Unanswerable, canonical
from service.terminology.stored_expansion import is_partial, rows
from service.terminology.verdict import IN

Json = Any
Pair = tuple[str, str]
_NOT_HERE = frozenset({"not-found", "not-supported"})
_ENUMERABLE = frozenset({"complete", "fragment"})


@dataclass(frozen=True, slots=True)
class Limits:
    """How many codes the answer may have, how many any value set on the way to it, how deep value sets may name each other, and how many
    codes may be looked at for it in all.

    Without `details` a code system is looked at only where it decides which codes there are: enough for a search.
    """

    codes: int = 5000
    on_the_way: int = 100_000
    depth: int = 20
    effort: int = 1_000_000
    details: bool = True


@dataclass(frozen=True, slots=True)
class Member:
    """A code of a value set, as far as it is known here."""

    system: str
    code: str
    display: str | None = None
    abstract: bool = False
    inactive: bool = False
    designations: Sequence[Json] = ()


Members = Mapping[Pair, Member]


@dataclass(frozen=True, slots=True)
class Expansion:
    """`members` by (system, code), in the order of the definition. `fragments` are the code systems of which a part is stored that
    was published as such: the value set has no code of theirs beyond it here."""

    members: Members
    fragments: frozenset[str] = frozenset()


def expanded(lookup: Lookup, url: str, limits: Limits | None = None) -> Expansion:
    """The value set `url` or `url|version`. Raises Unanswerable."""
    expander = _Expander(lookup, limits or Limits())
    return expander.answer(expander.named(canonical(url)), lambda: judge.named(lookup, url))


def of(lookup: Lookup, tree: Json, limits: Limits | None = None) -> Expansion:
    """The value set of a ValueSet resource. Raises Unanswerable."""
    expander = _Expander(lookup, limits or Limits())
    return expander.answer(expander.resource(tree), lambda: judge.of(lookup, tree))


@dataclass(slots=True)
class _Expander:
    """One expansion. `within` are the value sets that it is inside of, outermost first."""

    lookup: Lookup
    limits: Limits
    within: list[str] = field(default_factory=list)
    known: dict[str, Members] = field(default_factory=dict)
    systems: dict[Canonical, CodeSystem | None] = field(default_factory=dict)
    fragments: set[str] = field(default_factory=set)
    spent: int = 0

    def answer(self, members: Members, compiled: Callable[[], judge.Compiled]) -> Expansion:
        """The expansion, when each of its codes is certainly one: where only a part of a code system is here, some may be excluded."""
        if len(members) > self.limits.codes:
            raise _too_costly(self.limits.codes)
        decide = compiled() if self.fragments else None
        for pair in members if decide else ():
            if decide and (verdict := decide(*pair)).answer is not IN:
                raise Unanswerable(
                    "not-supported", "code-system-content", f"whether it has {pair[0][:200]}|{pair[1][:80]}: {verdict.reason}"
                )
        return Expansion(members, frozenset(self.fragments))

    def named(self, name: Canonical) -> Members:
        """The codes of a value set by its URL, stored or implicit."""
        if str(name) not in self.known:
            tree = found(self.lookup, name)
            if tree is None:
                raise Unanswerable("not-found", "value-set", f"the value set {str(name)[:200]!r} is not stored here")
            self.known[str(name)] = self.resource(tree, str(name))
        return self.known[str(name)]

    def resource(self, tree: Json, name: str | None = None) -> Members:
        """The codes of a ValueSet resource."""
        name = name or str(Canonical(tree.get("url") or "the value set", tree.get("version")))
        if name in self.within:
            raise Unanswerable(
                "invalid", "value-set-circle", f"value sets name each other in a circle: {' > '.join((*self.within, name))[:500]}"
            )
        if len(self.within) >= self.limits.depth:
            raise Unanswerable("too-costly", "value-set-depth", f"value sets name each other more than {self.limits.depth} deep")
        self.within.append(name)
        members = self._defined(name, tree)
        self.within.pop()
        return members

    def _defined(self, name: str, tree: Json) -> Members:
        """What `compose` comes to; where that cannot be known, or when there is none, the stored expansion."""
        if not tree.get("compose") and not tree.get("expansion"):
            raise Unanswerable("not-found", "value-set-content", f"{name[:200]} has neither 'compose' nor 'expansion': it has no codes")
        try:
            return self._composed(tree, tree["compose"]) if tree.get("compose") else _stored(name, tree["expansion"])
        except Unanswerable as error:
            usable = tree.get("compose") and tree.get("expansion") and not is_partial(tree["expansion"])
            if not usable or error.code not in _NOT_HERE:
                raise
            return _stored(name, tree["expansion"])

    def _composed(self, tree: Json, compose: Json) -> Members:
        _require_unlocked(compose)
        members: dict[Pair, Member] = {}
        for part in compose.get("include") or ():
            for pair, member in self._part(tree, part).items():
                members.setdefault(pair, member)
            if len(members) > self.limits.on_the_way:
                raise _too_costly(self.limits.on_the_way)
        for part in compose.get("exclude") or ():
            members = self._without(tree, part, members)
        if compose.get("inactive") is False:
            members = {pair: member for pair, member in members.items() if not self._is_inactive(member)}
        return members

    def _spend(self, codes: int) -> None:
        self.spent += codes + 1
        if self.spent > self.limits.effort:
            raise Unanswerable("too-costly", "value-set-size", f"more than {self.limits.effort} codes would have to be looked at for it")

    def _without(self, tree: Json, part: Json, members: dict[Pair, Member]) -> dict[Pair, Member]:
        if part.get("system") and not any(part.get(name) for name in ("version", "concept", "filter", "valueSet")):
            self._spend(len(members))
            return {pair: member for pair, member in members.items() if member.system != part["system"]}
        gone = self._part(tree, part)
        self._spend(len(members))
        return {pair: member for pair, member in members.items() if pair not in gone}

    def _part(self, tree: Json, part: Json) -> Members:
        """The codes of one include or exclude."""
        imports = [self._imported(tree, url) for url in part.get("valueSet") or ()]
        self._spend(len(imports[0]) * len(imports) if imports else 0)
        if not part.get("system"):
            return _common(imports)
        if part.get("concept"):
            listed = {member.code: member for member in self._enumerated(part)}
        elif imports and not part.get("filter"):
            return {pair: member for pair, member in _common(imports).items() if pair[0] == part["system"]}
        else:
            listed = {member.code: member for member in self._chosen(part)}
        return _common([{(part["system"], code): member for code, member in listed.items()}, *imports])

    def _imported(self, tree: Json, url: str) -> Members:
        if not url.startswith("#"):
            return self.named(canonical(url))
        for inner in tree.get("contained") or ():
            if inner.get("resourceType") == "ValueSet" and inner.get("id") == url[1:]:
                return self.resource(inner, f"{self.within[-1]}{url}")
        raise Unanswerable("not-found", "value-set", f"{url[:80]!r} is not contained in {self.within[-1][:200]}")

    def _enumerated(self, part: Json) -> Iterator[Member]:
        """The codes that an include lists, whether or not their code system is stored."""
        self._spend(len(part["concept"]))
        system = self._system(part) if self.limits.details else None
        for row in part["concept"]:
            if row.get("code"):
                concept = (system.concept(row["code"]) if system else None) or Concept(row["code"])
                names = (*(row.get("designation") or ()), *concept.designations)
                display = row.get("display") or concept.display
                yield Member(part["system"], row["code"], display, concept.abstract, concept.inactive, names)

    def _chosen(self, part: Json) -> Iterator[Member]:
        """The codes of a stored code system that satisfy the filters of an include; all of them, when it has none."""
        system, name = self._system(part), Canonical(part["system"], part.get("version"))
        written = grammar.of(name.url)
        if written and (system is None or system.content not in _ENUMERABLE):
            raise Unanswerable(
                "not-supported",
                "code-system-syntax",
                f"the codes of {name.url} are decided by their syntax ({written.name}) and have no list",
            )
        if system is None:
            raise Unanswerable("not-found", "code-system", f"the code system {str(name)[:200]!r} is not stored here")
        if system.content not in _ENUMERABLE:
            raise Unanswerable(
                "not-supported",
                "code-system-content",
                f"the codes of {str(name)[:200]!r} are not stored here: its content is '{system.content}'",
            )
        self._spend(len(system.concepts) * (1 + len(part.get("filter") or ())))
        if system.content == "fragment":
            self.fragments.add(part["system"])
        for concept in filters.selected(system, part.get("filter") or ()).values():
            yield Member(part["system"], concept.code, concept.display, concept.abstract, concept.inactive, concept.designations)

    def _is_inactive(self, member: Member) -> bool:
        system = self._system({"system": member.system})
        concept = system.concept(member.code) if system else None
        return member.inactive or (concept is not None and concept.inactive)

    def _system(self, part: Json) -> CodeSystem | None:
        name = Canonical(part["system"], part.get("version"))
        if name not in self.systems:
            self.systems[name] = self.lookup.code_system(name.url, name.version)
        return self.systems[name]


def _common(sets: Sequence[Members]) -> Members:
    """What all of them have."""
    if not sets:
        raise Unanswerable("invalid", "value-set-include", "an include has neither a system nor a value set")
    first, *others = sets
    return {pair: member for pair, member in first.items() if all(pair in other for other in others)}


def _require_unlocked(compose: Json) -> None:
    """A locked date asks for the versions of another day, which are here only where they are named."""
    parts = [*(compose.get("include") or ()), *(compose.get("exclude") or ())]
    if compose.get("lockedDate") and any(not part.get("version") and not part.get("concept") for part in parts):
        raise Unanswerable(
            "not-supported", "locked-date", "its lockedDate asks for older versions: name the version of each code system and value set"
        )


def _stored(name: str, expansion: Json) -> Members:
    """The codes of a stored expansion. Raises Unanswerable when it says that it is not all of them."""
    if is_partial(expansion):
        raise Unanswerable("not-supported", "partial-expansion", f"the stored expansion of {name[:200]} is only a part of it")
    members: dict[Pair, Member] = {}
    for row in rows(expansion):
        if row.get("abstract") is not True:
            pair = row["system"], row["code"]
            names = row.get("designation") or ()
            members.setdefault(pair, Member(*pair, row.get("display"), False, row.get("inactive") is True, names))
    return members


def _too_costly(most: int) -> Unanswerable:
    return Unanswerable("too-costly", "value-set-size", f"it comes to more than {most} codes")
