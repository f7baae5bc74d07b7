"""What is known of one code: its names, what it means, its properties, and what lies directly above and below it.

Supplements of the code system add names and properties; whether there is such a code they never decide.
https://hl7.org/fhir/R4/codesystem-operation-lookup.html, https://hl7.org/fhir/R4/codesystem-definitions.html#CodeSystem.supplements
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from service.fhir.units import UCUM, suggestion
from service.terminology import code_system, grammar, ndc
from service.terminology.code_system import CodeSystem, Concept
from service.terminology.lookup import Canonical, Json, Lookup, Unanswerable, canonical
from service.terminology.subsumption import require

Property = tuple[str, str, Json]
"""The code of a property, the name of the value's element (`valueCode`), and the value."""


@dataclass(frozen=True, slots=True)
class Description:
    """One code of a code system. `name` is of the code system, `designations` are rows with `value` and perhaps `language` and `use`."""

    system: str
    version: str | None
    name: str
    code: str
    display: str | None = None
    definition: str | None = None
    abstract: bool = False
    inactive: bool = False
    designations: Sequence[Json] = ()
    properties: Sequence[Property] = ()
    parents: Sequence[Concept] = ()
    children: Sequence[Concept] = ()


def described(lookup: Lookup, system: str, code: str, version: str | None = None) -> Description:
    """What is known of the code. Raises Unanswerable when the code system is not here, or does not have it."""
    stored, written = lookup.code_system(system, version), grammar.of(system)
    if written and (stored is None or stored.content != "complete"):
        return _written(written, code)
    if stored is None:
        raise Unanswerable("not-found", "code-system", f"the code system {str(Canonical(system, version))[:200]!r} is not stored here")
    concept = require(stored, code)
    key = stored.key(code)
    every = [concept, *added(lookup, stored, code)]
    return Description(
        system=system,
        version=stored.version,
        name=stored.name or stored.url,
        code=concept.code,
        display=concept.display,
        definition=concept.definition,
        abstract=concept.abstract,
        inactive=concept.inactive,
        designations=[row for one in every for row in _names(one, concept)],
        properties=[found for one in every for found in _properties(one)],
        parents=[stored.concepts[one] for one in stored.parents.get(key, ())],
        children=[stored.concepts[one] for one in stored.children.get(key, ())],
    )


def displays(lookup: Lookup, system: str, code: str, version: str | None = None) -> tuple[str, ...]:
    """Every name of the code, the preferred one first; empty when none is known."""
    try:
        found = described(lookup, system, code, version)
    except Unanswerable:
        return ()
    names = (found.display, *(row.get("value") for row in found.designations))
    return tuple(dict.fromkeys(name for name in names if name))


def added(lookup: Lookup, system: CodeSystem, code: str) -> list[Concept]:
    """What the supplements of the code system say of the code."""
    key = f"supplements {system.url}"
    if key not in lookup.compiled:
        lookup.compiled[key] = [
            (canonical(tree["supplements"]).version, code_system.read({"caseSensitive": system.case_sensitive, **tree}))
            for tree in lookup.supplements(system.url)
        ]
    fitting = (supplement for version, supplement in lookup.compiled[key] if version in (None, system.version))
    return [concept for concept in (supplement.concept(code) for supplement in fitting) if concept]


def _names(one: Concept, concept: Concept) -> Iterator[Json]:
    """The designations of a row; the display of a supplement is one, too."""
    if one is not concept and one.display and one.display != concept.display:
        yield {"value": one.display}
    yield from (row for row in one.designations if row.get("value"))


def _properties(concept: Concept) -> Iterator[Property]:
    for row in concept.stated:
        for name, value in row.items():
            if name.startswith("value") and row.get("code"):
                yield row["code"], name, value


def _written(written: grammar.Grammar, code: str) -> Description:
    if not written.accepts(code):
        raise Unanswerable("not-found", "unknown-code", f"{code[:80]!r} is no code of {written.url} ({written.name}){_mend(written, code)}")
    properties = _forms(code) if written.url == ndc.NDC else ()
    return Description(written.url, None, written.name, code, written.display(code), properties=properties)


def _mend(written: grammar.Grammar, code: str) -> str:
    """What to write instead, as far as that can be told."""
    if written.url == ndc.NDC:
        try:
            ndc.read(code)
        except ndc.MalformedNdc as error:
            return f": {error}"
    meant = suggestion(code) if written.url == UCUM else None
    return f": {meant!r} was probably meant" if meant else ""


def _forms(code: str) -> list[Property]:
    """The ways in which an NDC is written."""
    found = ndc.read(code)
    ten = [("ten-digits", "valueString", form) for form in found.ten]
    return [("eleven-digits", "valueString", found.eleven), ("hyphenated", "valueString", found.hyphenated), *ten]
