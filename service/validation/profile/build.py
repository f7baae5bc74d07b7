"""Merged profile trees to checks, each compiled when it is first asked for and shared by all threads."""

from collections.abc import Iterator
from typing import Any

from service.fhir.definitions import Definitions
from service.fhir.element import Element
from service.fhir.profile.element import Discriminator, Node, Profile, ProfileConstraint, Slicing, TypeRule, ValueRule
from service.fhir.profile.merge import CORE, ProfileError, Profiles
from service.validation.profile import fhirpath, rules, traits
from service.validation.profile.checks import ElementCheck, ItemCheck, Rule, Slice, Slices
from service.validation.profile.coded import Codes, binding_rule
from service.validation.profile.item import Access, Item
from service.validation.profile.slicing import Telling
from service.validation.rules import BUILT_IN, RULES, UNCHECKED
from service.validation.run import Run

Json = Any
_BY_URL = Slicing((Discriminator("value", "url"),))
_BY_TYPE = Slicing((Discriminator("type", "$this"),))
_UNTOLD = Slicing(())
_EXTENSIONS = frozenset({"extension", "modifierExtension"})
_STRONG = frozenset({"required", "extensible"})


class Builder:
    """The checks of every profile of a library."""

    def __init__(self, definitions: Definitions, profiles: Profiles, codes: Codes) -> None:
        self.definitions = definitions
        self.profiles = profiles
        self.codes = codes
        self._checks: dict[tuple[str, str], ItemCheck] = {}

    def check(self, profile: Profile) -> ItemCheck:
        """The check of a value against a profile. Raises ProfileError for a profile that cannot be compiled."""
        key = (profile.canonical, profile.package)
        if key not in self._checks:
            self._checks[key] = _Compiler(self, profile).item(profile.root)
        return self._checks[key]

    def conforms(self, item: Item, canonical: str, near: str, run: Run) -> bool:
        """Whether a value meets a profile; one that is not known, or builds on what is not, is met by whatever has its type."""
        try:
            profile = self.profiles.find(canonical, near)
        except ProfileError:
            return True
        if profile is None:
            return not canonical.startswith(CORE) or item.kind in (None, "Resource", canonical.removeprefix(CORE))
        if item.kind not in (None, profile.type):
            return False
        return run.passes(lambda: self.check(profile).check(item, run))


class _Compiler:
    """Compiles the tree of one profile."""

    def __init__(self, builder: Builder, profile: Profile) -> None:
        self.builder = builder
        self.profile = profile
        self._made: dict[int, ItemCheck] = {}
        self._telling = Telling(self._root, self._conforms, self._is_member)

    def item(self, node: Node) -> ItemCheck:
        """What each value of a node must be."""
        if id(node) not in self._made:
            check = self._made[id(node)] = ItemCheck(_kinds(node))
            check.rules = list(self._rules(node))
            check.children = [one for kid in node.children.values() if (one := self._element(kid))]
            self._recur(node, check)
        return self._made[id(node)]

    def _recur(self, node: Node, check: ItemCheck) -> None:
        """Elements that share the content of another one (Questionnaire.item.item) are held to what the profile says of it."""
        for element in self._members(node):
            if element.same_as and element.name not in node.children:
                shared = _descend(self.profile.root, element.same_as)
                if shared is not None:
                    each = ItemCheck()
                    each.children = self.item(shared).children
                    each.rules = list(self._invariants(shared))
                    check.children.append(ElementCheck(element.name, Access(element), each, (0, None)))

    def _members(self, node: Node) -> list[Element]:
        if node.base is None:
            return list(self.builder.definitions.structures[node.path].elements.values())
        return list(node.base.elements.values())

    def _element(self, node: Node) -> ElementCheck | None:
        base = node.base
        if base is None:
            raise ProfileError(f"{node.id} has no element of R4")
        slicing = self._slices(node, _slicing(node)) if node.slices else None
        check = ElementCheck(node.name.removesuffix("[x]"), Access(base), self.item(node), _counts(node, base), slicing)
        if node.fixed and isinstance(node.fixed.value, str) and check.maximum is None and check.each.is_single and not slicing:
            check.expected = node.fixed.value
        is_idle = check.each.is_empty and not check.minimum and check.maximum is None and check.slicing is None
        return None if is_idle else check

    def _slices(self, node: Node, slicing: Slicing) -> Slices:
        return Slices([self._slice(name, part, slicing) for name, part in node.slices.items()], slicing.rules, slicing.ordered)

    def _slice(self, name: str, node: Node, slicing: Slicing) -> Slice:
        each = self.item(node)

        def satisfies(item: Item, run: Run) -> bool:
            return run.passes(lambda: each.check(item, run))

        made = Slice(name, self._telling.matches(node, slicing, satisfies), each, (node.minimum or 0, node.maximum))
        made.traits = traits.told(node, slicing)
        if node.slices:
            made.slicing = self._slices(node, _slicing(node))
        return made

    def _rules(self, node: Node) -> Iterator[Rule]:
        if node.fixed:
            yield rules.fixed(node.fixed)
        if node.pattern:
            yield rules.pattern(node.pattern)
        if node.binding and node.binding[0] in _STRONG and not _is_of_r4(node):
            yield binding_rule(self.builder.codes, *node.binding, self.profile.package)
        if node.maximal_value_set:
            yield binding_rule(self.builder.codes, "required", node.maximal_value_set, self.profile.package)
        if isinstance(node.facts.get("maxLength"), int):
            yield rules.longest(node.facts["maxLength"])
        yield from _bounds(node)
        for rule in node.types:
            yield from self._type_rules(rule)
        yield from self._invariants(node)

    def _type_rules(self, rule: TypeRule) -> Iterator[Rule]:
        if rule.profiles and rule.code != "Extension":
            yield self._any_of(rule.code, rule.profiles)
        elif rule.profiles:
            yield self._any_of(rule.code, [url for url in rule.profiles if self.builder.profiles.find(url, self.profile.package)])
        if rule.targets and rule.code == "Reference":
            names = [self._target_name(url) for url in rule.targets]
            types = frozenset(name for name in names if name) if all(names) and "Resource" not in names else frozenset()
            narrower = [url for url in rule.targets if not url.startswith(CORE)]
            yield rules.target(types, rule.targets if narrower else (), self._conforms)

    def _target_name(self, canonical: str) -> str | None:
        """The resource type of a target profile; None when it is not known. The profile itself may build on one that is not here."""
        if canonical.removeprefix(CORE) in self.builder.definitions.structures:
            return canonical.removeprefix(CORE)
        found = self.builder.profiles.library.find("StructureDefinition", canonical, near=self.profile.package)
        return str(found.tree["type"]) if found else None

    def _any_of(self, code: str, urls: "list[str] | tuple[str, ...]") -> Rule:
        """A value of a type must meet one of the profiles of the type."""
        near, builder = self.profile.package, self.builder
        only: list[ItemCheck] = []

        def check(item: Item, run: Run) -> None:
            if item.kind not in (None, code) or not urls:
                return
            if not only and len(urls) == 1 and (found := builder.profiles.find(urls[0], near)):
                only.append(builder.check(found))
            if only:
                only[0].check(item, run)
            elif len(urls) > 1 and not any(builder.conforms(item, url, near, run) for url in urls):
                run.error("structure", "type-profile", item.path, f"must meet one of {', '.join(urls)}")

        return check

    def _invariants(self, node: Node) -> Iterator[Rule]:
        for one in node.constraints:
            if one.key in BUILT_IN or one.key in UNCHECKED or one.key in RULES:
                continue
            yield self._invariant(one, node)

    def _invariant(self, one: ProfileConstraint, node: Node) -> Rule:
        try:
            holds = fhirpath.predicate(one, node.spoken_type, self._conforms, self._is_member)
        except fhirpath.Unreadable as error:
            raise ProfileError(f"the invariant {one.key} of {one.source} cannot be read: {error}") from error

        def check(item: Item, run: Run) -> None:
            try:
                kept = holds(item, run)
            except Exception as error:  # noqa: BLE001 whatever the engine raises, the rule was not decided
                run.warning(
                    "exception", "invariant-undecided", item.path, f"was not held to the invariant {one.key}: {type(error).__name__}"
                )
                return
            if not kept:
                report = run.error if one.severity == "error" else run.warning
                report("invariant", one.key, item.path, f"breaks the invariant {one.key}: {one.sentence}")

        return check

    def _root(self, canonical: str) -> Node | None:
        found = self.builder.profiles.find(canonical, self.profile.package)
        return found.root if found else None

    def _conforms(self, item: Item, canonical: str, run: Run) -> bool:
        return self.builder.conforms(item, canonical, self.profile.package, run)

    def _is_member(self, value: Json, value_set: str, run: Run) -> bool:
        return self.builder.codes.is_member(value, value_set, run)


def _kinds(node: Node) -> frozenset[str] | None:
    """The types that a profile leaves of those that R4 allows; None where it leaves them all."""
    found = rules.kinds(node.types) if node.base else None
    return None if found is None or (node.base and found.issuperset(kind.code for kind in node.base.types)) else found


def _is_of_r4(node: Node) -> bool:
    """Whether a profile repeats the required binding of R4, which holds for every resource."""
    own = node.base.binding if node.base else None
    return own is not None and node.binding == (own.strength, own.value_set) and own.strength == "required"


def _counts(node: Node, base: Element) -> tuple[int, int | None]:
    """What the profile asks beyond R4."""
    minimum = node.minimum or 0
    maximum = node.maximum
    return (minimum if minimum > base.minimum else 0, maximum if maximum != base.maximum else None)


def _slicing(node: Node) -> Slicing:
    """How a node's slices are told apart; extensions by their url and choices by their type, where nothing is said."""
    stated = node.slicing
    if stated is not None and stated.discriminators:
        return stated
    told = _BY_URL if node.name in _EXTENSIONS else _BY_TYPE if node.name.endswith("[x]") else _UNTOLD
    return Slicing(told.discriminators, stated.rules, stated.ordered) if stated else told


def _bounds(node: Node) -> Iterator[Rule]:
    for name, value in node.facts.items():
        for kind, least in (("minValue", True), ("maxValue", False)):
            if name.startswith(kind):
                yield rules.bound(ValueRule(name[len(kind) :], value), least)


def _descend(root: Node, path: str) -> Node | None:
    """The node of a path such as Questionnaire.item; None where the profile says nothing about it."""
    node: Node | None = root
    for name in path.split(".")[1:]:
        node = node.children.get(name) if node else None
    return node
