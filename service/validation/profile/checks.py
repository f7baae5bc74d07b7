"""What a compiled profile does at run time: it counts the values of an element, asks each its rules, and deals them out to slices.

https://hl7.org/fhir/R4/profiling.html#slicing
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from service.validation.profile.item import Access, Item
from service.validation.run import Run

Json = Any
Rule = Callable[[Item, Run], None]
Matches = Callable[[Item, Run], bool]

DEFAULT_SLICE = "@default"


class ItemCheck:
    """The rules of one value, and the elements inside it. `kinds` are the FHIR types that it may have (None: any)."""

    __slots__ = ("children", "kinds", "rules")

    def __init__(self, kinds: frozenset[str] | None = None) -> None:
        self.kinds = kinds
        self.rules: list[Rule] = []
        self.children: list[ElementCheck] = []

    def check(self, item: Item, run: Run) -> None:
        """Reports everything that is wrong with one value; of one that has the wrong type, no more than that."""
        if self.kinds is not None and item.kind is not None and item.kind not in self.kinds:
            shown = " or ".join(sorted(self.kinds))
            run.error("structure", "profile-type", item.path, f"is a {item.kind}, and the profile allows {shown} only")
            return
        for rule in self.rules:
            rule(item, run)
        if self.children:
            content = item.content
            for child in self.children:
                child.check(content, item.path, run)

    @property
    def is_empty(self) -> bool:
        """Whether it asks nothing."""
        return self.kinds is None and not self.rules and not self.children

    @property
    def is_single(self) -> bool:
        """Whether it asks one rule and nothing else."""
        return self.kinds is None and len(self.rules) == 1 and not self.children


class ElementCheck:
    """One element: how often it may come, what each value must be, and its slices.

    `minimum` is 0 where R4 itself asks for as many; `maximum` None where R4's own limit holds. `expected` is the text that the
    element must be, where the profile asks nothing else of it.
    """

    __slots__ = ("access", "each", "expected", "maximum", "minimum", "name", "slicing")

    def __init__(self, name: str, access: Access, each: ItemCheck, counts: tuple[int, int | None], slicing: "Slices | None" = None) -> None:
        self.name = name
        self.access = access
        self.each = each
        self.minimum, self.maximum = counts
        self.slicing = slicing
        self.expected: str | None = None

    def check(self, node: Mapping[str, Json], path: str, run: Run) -> None:
        """Reports everything that is wrong with the element in `node`, an object at `path`."""
        if self.access.only is not None:
            name, beside, _ = self.access.only
            value = node.get(name)
            if value is None:
                if not self.minimum and self.slicing is None and beside not in node:
                    return
            elif value == self.expected:
                return
        items = self.access.items(node, path)
        if len(items) < self.minimum:
            self._too_few(len(items), path, run)
        if self.maximum is not None and len(items) > self.maximum:
            self._too_many(items, path, run)
        if not self.each.is_empty:
            for item in items:
                self.each.check(item, run)
        if self.slicing is not None:
            self.slicing.check(items, f"{path}.{self.name}", run)

    def _too_few(self, count: int, path: str, run: Run) -> None:
        text = (
            "is missing: the profile asks for it"
            if self.minimum == 1
            else f"occurs {count} times, and must occur at least {self.minimum} times"
        )
        run.error("required", "required-element", f"{path}.{self.name}", text)

    def _too_many(self, items: Sequence[Item], path: str, run: Run) -> None:
        if self.maximum == 0:
            run.error("structure", "prohibited-element", items[0].path, "may not be given in this profile: remove it")
        else:
            run.error(
                "structure", "too-many", f"{path}.{self.name}", f"occurs {len(items)} times, and may occur {self.maximum} times at most"
            )


class Slice:
    """A slice: which values are its own, how many it may have, what each must be, and its slices in turn.

    `traits` says in words what its values have that others have not.
    """

    __slots__ = ("each", "matches", "maximum", "minimum", "name", "slicing", "traits")

    def __init__(self, name: str, matches: Matches, each: ItemCheck, counts: tuple[int, int | None]) -> None:
        self.name = name
        self.matches = matches
        self.each = each
        self.minimum, self.maximum = counts
        self.slicing: Slices | None = None
        self.traits = ""

    def check(self, items: Sequence[Item], path: str, run: Run) -> None:
        """Reports what is wrong with the values of the slice; `path` is the element that is sliced."""
        if len(items) < self.minimum:
            mend = f": one with {self.traits}" if self.traits else ""
            text = f"has {len(items)} in the slice {self.name!r}, and must have at least {self.minimum}{mend}"
            run.error("required", "slice-minimum", path, text)
        if self.maximum is not None and len(items) > self.maximum:
            text = f"is number {self.maximum + 1} in the slice {self.name!r}, which may have {self.maximum} at most: remove it"
            run.error("structure", "slice-maximum", items[self.maximum].path, text)
        for item in items:
            self.each.check(item, run)
        if self.slicing is not None:
            self.slicing.check(items, path, run)


class Slices:
    """The slices of an element in their order. `rules` is open, closed or openAtEnd; `default` is for what is in no slice."""

    __slots__ = ("default", "ordered", "rules", "slices")

    def __init__(self, slices: Sequence[Slice], rules: str, ordered: bool) -> None:
        self.slices = [one for one in slices if one.name != DEFAULT_SLICE]
        self.default = next((one for one in slices if one.name == DEFAULT_SLICE), None)
        self.rules = rules
        self.ordered = ordered

    def check(self, items: Sequence[Item], path: str, run: Run) -> None:
        """Deals the values out and reports what is wrong with each slice, and with what is in none."""
        dealt: list[list[Item]] = [[] for _ in self.slices]
        rest: list[Item] = []
        latest, ended = 0, False
        for item in items:
            place = self._place(item, run)
            if place is None:
                rest.append(item)
                ended = True
                continue
            if (self.ordered and place < latest) or (ended and self.rules == "openAtEnd"):
                self._out_of_order(item, self.slices[place], run)
            latest = max(latest, place)
            dealt[place].append(item)
        for one, own in zip(self.slices, dealt, strict=True):
            one.check(own, path, run)
        self._others(rest, path, run)

    def _place(self, item: Item, run: Run) -> int | None:
        for place, one in enumerate(self.slices):
            if one.matches(item, run):
                return place
        return None

    def _others(self, rest: Sequence[Item], path: str, run: Run) -> None:
        if self.default is not None:
            self.default.check(rest, path, run)
        elif self.rules == "closed":
            names = ", ".join(one.name for one in self.slices)
            for item in rest:
                run.error(
                    "structure", "slice-unmatched", item.path, f"is in none of the slices that the profile allows ({names}): remove it"
                )

    def _out_of_order(self, item: Item, one: Slice, run: Run) -> None:
        order = ", ".join(each.name for each in self.slices)
        run.error(
            "structure", "slice-order", item.path, f"is in the slice {one.name!r}, out of the order that the profile asks for: {order}"
        )
