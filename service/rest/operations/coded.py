"""The code that a terminology operation is asked about: `code` with its system, a `coding`, or a `codeableConcept`. One of them.

https://hl7.org/fhir/R4/terminology-service.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.rest.operations import arguments
from service.rest.operations.arguments import Arguments


@dataclass(frozen=True, slots=True)
class Coded:
    """One code as it was given. `place` names the input, as in `codeableConcept.coding[1]`."""

    place: str
    code: str
    system: str | None = None
    version: str | None = None
    display: str | None = None

    def __str__(self) -> str:
        return f"{self.system}#{self.code}"


@dataclass(frozen=True, slots=True)
class Form:
    """The names of the inputs that hold a code; None for one that the operation does not have."""

    code: str = "code"
    coding: str = "coding"
    concept: str | None = "codeableConcept"
    system: str | None = "system"
    version: str | None = "version"


def read(given: Arguments, form: Form, system: str | None = None) -> Sequence[Coded]:
    """The codes, of which a concept may have several. `system` is the one that is meant where a code comes without.

    BadRequest unless there is exactly one of the inputs, and for one that lacks its code or system.
    """
    names = [name for name in (form.code, form.coding, form.concept) if name]
    found = [name for name in names if given.has(name)]
    if len(found) != 1:
        says = f"Give one of {', '.join(names)}" + (", not several." if found else ".")
        raise arguments.refused(found[1] if found else form.code, says, "invalid" if found else "required")
    if found[0] == form.code:
        return (_plain(given, form, system),)
    tree = given.tree(found[0])
    assert tree is not None
    stated = given.text(form.system) if form.system else None
    codes = (_coding(tree, form.coding, stated or system),) if found[0] == form.coding else _concept(tree, found[0], stated or system)
    _require_agreement(given, codes, stated, found[0])
    return codes


def _plain(given: Arguments, form: Form, system: str | None) -> Coded:
    stated = (given.text(form.system) if form.system else None) or system
    if stated is None:
        assert form.system is not None
        raise arguments.refused(form.system, f"'{form.code}' needs '{form.system}', the code system that it is of.", "required")
    version = given.text(form.version) if form.version else None
    display = given.text("display") if given.has("display") else None
    code = given.text(form.code)
    assert code is not None
    return Coded(form.code, code, stated, version, display)


def _require_agreement(given: Arguments, codes: Sequence[Coded], system: str | None, name: str) -> None:
    """BadRequest for another system beside a coding than its own, or a display, which a coding has itself."""
    if system is not None and any(one.system != system for one in codes):
        raise arguments.refused("system", f"'system' says {system[:200]!r}, and '{name}' another one. Leave it out.", "invalid")
    if given.has("display"):
        raise arguments.refused("display", f"'display' is about 'code'; '{name}' says it itself. Leave it out.", "invalid")


def _coding(tree: Mapping[str, Any], place: str, system: str | None) -> Coded:
    if not isinstance(tree.get("code"), str):
        raise arguments.refused(place.partition(".")[0], f"'{place}' needs a code.", "required")
    return Coded(place, tree["code"], tree.get("system") or system, tree.get("version"), tree.get("display"))


def _concept(tree: Mapping[str, Any], name: str, system: str | None) -> Sequence[Coded]:
    codings = tree.get("coding") or ()
    if not codings:
        raise arguments.refused(name, f"'{name}' has no coding: a text alone is no code.", "required")
    return tuple(_coding(coding, f"{name}.coding[{place}]", system) for place, coding in enumerate(codings))
