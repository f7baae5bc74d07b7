"""`$translate`: what a code of one code system is in another, by concept maps (https://hl7.org/fhir/R4/conceptmap-operation-translate.html).

A target that depends on other elements counts only when what it depends on is given: half a condition is no mapping. What a group does
not map follows its rule for that: the code itself, a fixed code, or another map. Reversed, targets lead back to their sources, and the
equivalence is turned round. NDCs are translated between ten and eleven digits by `terminology.ndc.MAP`, which is computed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Protocol

from service.terminology import membership, ndc
from service.terminology.lookup import Json, Lookup, canonical

_UNMATCHED = frozenset({"unmatched", "disjoint"})
_REVERSED = MappingProxyType({"wider": "narrower", "narrower": "wider", "subsumes": "specializes", "specializes": "subsumes"})
_NONE = "no map that is known here leads from this code to such a one"
_DEEPEST = 10


class Maps(Lookup, Protocol):
    """A `Lookup` that has concept maps, too."""

    def concept_map(self, url: str, version: str | None) -> Json | None:
        """The ConceptMap; None when there is none."""

    def concept_maps(self, system: str, reverse: bool) -> Sequence[Json]:
        """Those that map codes of the system; those that map to it, when `reverse`."""


@dataclass(frozen=True, slots=True)
class Question:
    """`source` and `target` are value sets, by URL; `dependencies` are values as text by the URI of what they are of. Reversed, the code is
    one that maps lead to."""

    system: str
    code: str
    version: str | None = None
    source: str | None = None
    target: str | None = None
    target_system: str | None = None
    reverse: bool = False
    dependencies: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Match:
    """A code that it may be, with what the map says of it. Without a code: that there is none. `product` and `depends_on` are rows of the
    map; `map_url` is where it is said."""

    equivalence: str
    system: str | None = None
    code: str | None = None
    display: str | None = None
    version: str | None = None
    comment: str | None = None
    map_url: str | None = None
    product: Sequence[Json] = ()
    depends_on: Sequence[Json] = ()


@dataclass(frozen=True, slots=True)
class Translation:
    """`result` is whether a match means the same or something related; `message` says why not, or what was left out."""

    result: bool
    matches: Sequence[Match]
    message: str | None = None


def translate(lookup: Maps, maps: Iterable[Json] | None, question: Question) -> Translation:
    """The matches by `maps`, in their order; by every map that is known for the code system, when None."""
    if maps is None:
        maps = (*lookup.concept_maps(question.system, question.reverse), {"url": ndc.MAP})
    translator = _Translator(lookup, question)
    found = (match for tree in maps for match in translator.of_map(tree))
    matches = [match for match in found if translator.is_wanted(match)]
    result = any(match.equivalence not in _UNMATCHED for match in matches)
    notes = [*dict.fromkeys(translator.notes), *_about_ndc(question)]
    return Translation(result, matches, "; ".join(notes) or (None if result else _NONE))


@dataclass(slots=True)
class _Translator:
    """One question on its way through maps. `notes` is what the answer should say beside its matches; a map that others refer to is
    `visited` once, however many do."""

    lookup: Maps
    question: Question
    notes: list[str] = field(default_factory=list)
    within: list[str] = field(default_factory=list)
    visited: set[str] = field(default_factory=set)

    def of_map(self, tree: Json) -> Iterator[Match]:
        """The matches of one map."""
        if tree.get("url") == ndc.MAP:
            yield from _of_ndc(self.question)
        if not self._fits(tree):
            return
        for group in tree.get("group") or ():
            if self.question.reverse:
                yield from self._back(tree, group)
            elif self._is_from(group):
                yield from self._forth(tree, group)

    def is_wanted(self, match: Match) -> bool:
        """Whether it is of the code system and the value set that were asked for. That there is no match is always told."""
        asked = self.question
        if match.code is None:
            return True
        if asked.target_system is not None and match.system != asked.target_system:
            return False
        if asked.target is None or asked.reverse:
            return True
        verdict = membership.membership(self.lookup, asked.target, match.system or "", match.code)
        if verdict.answer is membership.UNKNOWN:
            self.notes.append(f"whether {match.system}|{match.code} is in {asked.target} could not be checked: {verdict.reason}")
        return verdict.answer is not membership.OUT

    def _fits(self, tree: Json) -> bool:
        """Whether the map is for codes of the value set that the code was chosen from."""
        side = "target" if self.question.reverse else "source"
        stated = tree.get(f"{side}Canonical") or tree.get(f"{side}Uri")
        asked = self.question.source
        return asked is None or stated is None or canonical(asked).url == canonical(stated).url

    def _is_from(self, group: Json) -> bool:
        named = group.get("sourceVersion")
        is_version = named is None or self.question.version in (None, named)
        return group.get("source") == self.question.system and is_version

    def _forth(self, tree: Json, group: Json) -> Iterator[Match]:
        rows = [row for row in group.get("element") or () if self._is_asked(row.get("code"))]
        for row in rows:
            for target in row.get("target") or ({"equivalence": "unmatched"},):
                if self._depends(target):
                    yield _match(tree, group.get("target"), target, version=group.get("targetVersion"))
        if not rows:
            yield from self._unmapped(tree, group, group.get("unmapped") or {})

    def _back(self, tree: Json, group: Json) -> Iterator[Match]:
        named = group.get("targetVersion")
        if group.get("target") != self.question.system or (named is not None and self.question.version not in (None, named)):
            return
        for row in group.get("element") or ():
            for target in row.get("target") or ():
                if row.get("code") and self._is_asked(target.get("code")):
                    said = _match(tree, group.get("source"), {**target, **_named(row)}, version=group.get("sourceVersion"))
                    yield replace(said, equivalence=_REVERSED.get(said.equivalence, said.equivalence))

    def _unmapped(self, tree: Json, group: Json, rule: Json) -> Iterator[Match]:
        mode = rule.get("mode")
        if mode == "provided":
            yield _match(
                tree, group.get("target"), {"code": self.question.code, "equivalence": "equal"}, version=group.get("targetVersion")
            )
        elif mode == "fixed":
            said = {"code": rule.get("code"), "display": rule.get("display"), "equivalence": "relatedto"}
            yield _match(tree, group.get("target"), said, version=group.get("targetVersion"))
        elif mode == "other-map":
            yield from self._elsewhere(str(rule.get("url")))

    def _elsewhere(self, url: str) -> Iterator[Match]:
        name = canonical(url)
        tree = self.lookup.concept_map(name.url, name.version)
        if tree is None:
            self.notes.append(f"what is not mapped is in {url[:200]}, which is not stored here")
        elif url in self.within or len(self.within) >= _DEEPEST:
            self.notes.append(f"maps refer to each other in a circle or more than {_DEEPEST} deep: {url[:200]}")
        elif url not in self.visited:
            self.visited.add(url)
            self.within.append(url)
            yield from self.of_map(tree)
            self.within.pop()

    def _is_asked(self, code: str | None) -> bool:
        if code is None:
            return False
        system = self.lookup.code_system(self.question.system, None)
        return code == self.question.code if system is None else system.key(code) == system.key(self.question.code)

    def _depends(self, target: Json) -> bool:
        """Whether everything that it depends on was given as it has to be."""
        for row in target.get("dependsOn") or ():
            given = self.question.dependencies.get(str(row.get("property")))
            if given is None:
                self.notes.append(f"a match depends on {row.get('property')}: give it as a dependency")
            if given != row.get("value"):
                return False
        return True


def _named(row: Json) -> dict[str, Json]:
    """The code and display of a source, and not those of the target; nor what belongs to one way only."""
    return {"code": row["code"], "display": row.get("display"), "product": ()}


def _match(tree: Json, system: str | None, target: Json, version: str | None) -> Match:
    code = target.get("code")
    return Match(
        equivalence=target.get("equivalence") or "relatedto",
        system=system if code else None,
        code=code,
        display=target.get("display"),
        version=version if code else None,
        comment=target.get("comment"),
        map_url=tree.get("url"),
        product=target.get("product") or (),
        depends_on=target.get("dependsOn") or (),
    )


def _of_ndc(question: Question) -> Iterator[Match]:
    """An NDC with eleven digits; reversed, every code of ten digits that is written so."""
    if question.system != ndc.NDC or not ndc.is_code(question.code):
        return
    found = ndc.read(question.code)
    if not question.reverse:
        yield Match("equal", ndc.NDC, found.eleven, map_url=ndc.MAP)
        return
    comment = None if len(found.ten) == 1 else "one of these is on the label; which one, eleven digits do not tell"
    for form in found.ten:
        yield Match("equal" if len(found.ten) == 1 else "inexact", ndc.NDC, form, comment=comment, map_url=ndc.MAP)


def _about_ndc(question: Question) -> Iterator[str]:
    """Why a code cannot be read as an NDC."""
    if question.system == ndc.NDC:
        try:
            ndc.read(question.code)
        except ndc.MalformedNdc as error:
            yield str(error)
