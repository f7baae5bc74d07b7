"""How a report names people, products and coded values: one text each, the reference itself where nothing says more."""

from collections.abc import Iterable, Mapping
from typing import Any

from service.ledger.amount import milligrams

Tree = Mapping[str, Any]

_LICENCES = ("MD", "DO", "NP", "PA", "RN", "LN", "CRNA")
"""Types of identifiers that are licences (https://terminology.hl7.org/CodeSystem-v2-0203.html)."""
_NAME_USES = ("official", "usual")


def called(tree: Tree | None, reference: str = "") -> str:
    """The name of a person, with the letters behind it, or of anything else; `reference` where there is none."""
    if tree is None:
        return reference
    name = tree.get("name")
    return (name if isinstance(name, str) else _human(name or ())) or reference


def _human(names: Iterable[Tree]) -> str:
    every = list(names)
    chosen: Tree = next((one for use in _NAME_USES for one in every if one.get("use") == use), every[0] if every else {})
    parts = [*chosen.get("prefix", ()), *chosen.get("given", ()), chosen.get("family"), *chosen.get("suffix", ())]
    return chosen.get("text") or " ".join(part for part in parts if part)


def contact(tree: Tree | None) -> str:
    """The telephone numbers and mail addresses that are not old ones."""
    told = (one.get("value") for one in (tree or {}).get("telecom", ()) if one.get("use") != "old")
    return ", ".join(one for one in told if one)


def typed(tree: Tree | None, code: str) -> str:
    """The first identifier of a type: MR for the number of a chart."""
    for one in (tree or {}).get("identifier", ()):
        if any(coding.get("code") == code for coding in one.get("type", {}).get("coding", ())):
            return str(one.get("value", ""))
    return ""


def licence(tree: Tree | None) -> str:
    """The number of the licence to practise, from the qualifications or the identifiers."""
    for one in (tree or {}).get("qualification", ()):
        if value := next((found["value"] for found in one.get("identifier", ()) if found.get("value")), ""):
            return str(value)
    return next((value for code in _LICENCES if (value := typed(tree, code))), "")


def strength(ug_per_ml: int) -> str:
    """A strength as milligrams in a millilitre; empty when it is not known."""
    return f"{milligrams(ug_per_ml)} mg/mL" if ug_per_ml else ""


def volume(amount_ug: int, ug_per_ml: int) -> int | None:
    """The microlitres that hold an amount, to the nearest; None when the strength is not known."""
    return (amount_ug * 1000 + ug_per_ml // 2) // ug_per_ml if ug_per_ml else None


def concept(found: object) -> str:
    """What a CodeableConcept says: its text, or the first display, or the first code."""
    if not isinstance(found, Mapping):
        return ""
    coding: Tree = next(iter(found.get("coding", ())), {})
    return str(found.get("text") or coding.get("display") or coding.get("code") or "")
