"""Bindings of profiles: whether what is coded belongs to a value set (https://hl7.org/fhir/R4/terminologies.html#strength).

A required binding that is broken is an error, an extensible one a warning. What cannot be known here, because the code system is not
stored, is reported as not checked: never as valid.
"""

from collections.abc import Mapping
from typing import Any

from service.fhir.library import Library
from service.terminology.lookup import Lookup
from service.terminology.membership import listed, membership
from service.terminology.shelf import Shelf
from service.terminology.verdict import IN, OUT, UNKNOWN, Verdict, unknown
from service.validation.profile.checks import Rule
from service.validation.profile.item import Item
from service.validation.run import Run

Json = Any
_SHOWN = 25
_MOST_KEPT = 10_000
_QUANTITIES = frozenset({"Quantity", "SimpleQuantity", "Age", "Count", "Distance", "Duration"})
_CODED = _QUANTITIES | {"code", "Coding", "CodeableConcept", "string", "uri", None}
"""The types that a binding speaks of (https://hl7.org/fhir/R4/terminologies.html#coded); None: the type is not known."""


class Codes:
    """What the library knows about value sets, asked from the package of the profile; beyond it, `Run.terms`."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._shelves: dict[str, Shelf] = {}
        self._sure: dict[tuple[str, str], set[tuple[str | None, Json]]] = {}
        self._shown: dict[tuple[str, str], str] = {}

    def shelf(self, near: str) -> Lookup:
        """The terminology as a package sees it."""
        if near not in self._shelves:
            self._shelves[near] = Shelf(self._library, near)
        return self._shelves[near]

    def verdict(self, value_set: str, near: str, pair: tuple[str | None, Json], run: Run) -> Verdict:
        """Whether (system, code) is in the value set; a system of None is that of a `code`, which the value set implies."""
        system, code = pair
        if not isinstance(code, str):
            return Verdict(OUT)
        found = membership(self.shelf(near), value_set, system, code)
        if found.answer is IN and len(sure := self.sure(value_set, near)) < _MOST_KEPT:
            sure.add(pair)
        if found.answer is UNKNOWN and run.terms is not None:
            found = membership(run.terms, value_set, system, code)
        return found

    def sure(self, value_set: str, near: str) -> set[tuple[str | None, Json]]:
        """The pairs of which the library, which never changes, has said that they are in the value set."""
        return self._sure.setdefault((value_set, near), set())

    def some(self, value_set: str, near: str) -> str:
        """A value set with its first codes, to show; its URL alone when they are not known."""
        key = (value_set, near)
        if key not in self._shown:
            shown = sorted(f"{system}|{code}" for system, code in listed(self.shelf(near), value_set) or ())
            more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
            self._shown[key] = f"{value_set}: {', '.join(shown[:_SHOWN])}{more}" if shown else value_set
        return self._shown[key]

    def is_member(self, value: Json, value_set: str, run: Run) -> bool:
        """FHIRPath's `memberOf`: unknown counts as a member, as only what is certainly wrong is refused."""
        return self.judged(value, value_set, "", run).answer is not OUT

    def judged(self, value: Json, value_set: str, near: str, run: Run) -> Verdict:
        """The verdict about a coded value: of several codings one that is in counts, then one that is unknown."""
        verdicts = [self.verdict(value_set, near, pair, run) for pair in _pairs(value)]
        for answer in (IN, UNKNOWN, OUT):
            if found := next((one for one in verdicts if one.answer is answer), None):
                return found
        return unknown("it has no code") if verdicts else Verdict(OUT)


def _pairs(value: Json) -> list[tuple[str | None, Json]]:
    """(system, code) of each coding in a code, Coding, CodeableConcept or Quantity."""
    if isinstance(value, str):
        return [(None, value)]
    if not isinstance(value, Mapping):
        return []
    if "coding" in value:
        return [(one.get("system", ""), one["code"]) for one in value["coding"] if "code" in one]
    return [(value.get("system", ""), value["code"])] if "code" in value else []


def binding_rule(codes: Codes, strength: str, value_set: str, near: str) -> Rule:
    """The rule of a binding of strength required or extensible."""

    sure = codes.sure(value_set, near)

    def rule(item: Item, run: Run) -> None:
        if item.kind not in _CODED:
            return
        pairs = _pairs(item.value)
        if any(pair in sure for pair in pairs):
            return
        if not pairs:
            _without_code(item, run, strength, value_set)
            return
        verdict = codes.judged(item.value, value_set, near, run)
        if verdict.answer is OUT:
            _outside(item, run, strength, codes.some(value_set, near))
        elif verdict.answer is UNKNOWN:
            run.information("code-invalid", "code-not-checked", item.path, f"was not checked against {value_set}: {verdict.reason}")

    return rule


def _outside(item: Item, run: Run, strength: str, value_set: str) -> None:
    if strength == "required":
        run.error("code-invalid", "required-binding", item.path, f"must hold a code of {value_set}")
    else:
        text = f"should hold a code of {value_set}; keep another only where none of these fits"
        run.warning("code-invalid", "extensible-binding", item.path, text)


def _without_code(item: Item, run: Run, strength: str, value_set: str) -> None:
    """Text alone breaks a required binding; an extension may say why there is no code. A quantity may do without a coded unit:
    a profile that wants one asks for the element `code`."""
    if item.kind in _QUANTITIES:
        return
    has_reason = bool(item.extra) or (isinstance(item.value, Mapping) and "extension" in item.value)
    if strength == "required" and not has_reason:
        run.error("code-invalid", "required-binding", item.path, f"has no code, and must hold one of {value_set}")
