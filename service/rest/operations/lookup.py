"""`CodeSystem/$lookup`: what is known of a code (https://hl7.org/fhir/R4/codesystem-operation-lookup.html).

Besides codes of code systems that are stored here: UCUM units and National Drug Codes, which are told by how they are written.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from service.records import terminology
from service.records.context import Context
from service.rest.exchange import Call, FhirResponse
from service.rest.operations import coded, day, displayed, returned
from service.rest.operations.arguments import Arguments
from service.rest.operations.coded import Form
from service.rest.operations.operation import STANDARD, TYPE, Operation, Parameter
from service.rest.operations.returned import Tree
from service.terminology import concepts
from service.terminology.concepts import Description
from service.terminology.page import in_language

_FORM = Form(concept=None, version="version")
_NAMED = frozenset({"url", "name", "version", "display", "definition", "designation", "parent", "child"})
"""Properties of every code system; the first five and designations have outputs of their own."""


def run(ctx: Context, _: Call, given: Arguments) -> FhirResponse:
    """Answers with Parameters: name, version, display, definition, and the designations and properties that are asked for."""
    (one,) = coded.read(given, _FORM)
    day.require_present(ctx, given)
    language, wanted = displayed.language(given), given.texts("property")
    version = one.version or given.text("version")
    found = terminology.asked(ctx, lambda terms: concepts.described(terms.lookup, one.system or "", one.code, version))
    return FhirResponse(200, returned.parameters(_head(found, language), _designations(found, wanted), _properties(found, wanted)))


def _head(found: Description, language: str | None) -> Sequence[Tree]:
    spoken = in_language(found.designations, language) if language else None
    display = spoken or found.display or found.code
    return [
        *returned.one("name", "String", found.name),
        *returned.one("version", "String", found.version),
        *returned.one("display", "String", display),
    ]


def _designations(found: Description, wanted: Sequence[str]) -> Iterator[Tree]:
    """All of them, or where properties are asked for those that are asked for, as `designation` or by language as `lang.de`."""
    languages = {name.removeprefix("lang.").casefold() for name in wanted if name.startswith("lang.")}
    for row in found.designations:
        if not wanted or "designation" in wanted or str(row.get("language", "")).casefold() in languages:
            yield displayed.designation(row)


def _properties(found: Description, wanted: Sequence[str]) -> Iterator[Tree]:
    for code, member, value in _known(found):
        if code in wanted or (not wanted and code != "url"):
            yield returned.group("property", returned.one("code", "Code", code), [{"name": "value", member: value}])


def _known(found: Description) -> Iterator[tuple[str, str, Any]]:
    """Every property with the member that holds its value."""
    yield "url", "valueUri", found.system
    if found.definition:
        yield "definition", "valueString", found.definition
    if found.inactive:
        yield "inactive", "valueBoolean", True
    if found.abstract:
        yield "abstract", "valueBoolean", True
    stated: set[tuple[str, str]] = {("inactive", "true"), ("abstract", "true")}
    for code, member, value in found.properties:
        if (code, str(value).lower()) not in stated:
            stated.add((code, str(value)))
            yield code, member, value
    for name, links in (("parent", found.parents), ("child", found.children)):
        for concept in links:
            if (name, concept.code) not in stated:
                yield name, "valueCode", concept.code


OPERATION = Operation(
    code="lookup",
    levels=frozenset({TYPE}),
    types=frozenset({"CodeSystem"}),
    changes_state=False,
    definition=STANDARD + "CodeSystem-lookup",
    documentation="What is known of a code: its names, definition, properties and place in the hierarchy; also of UCUM units and NDC.",
    parameters=(
        Parameter("code", "code"),
        Parameter("system", "uri"),
        Parameter("version", "string"),
        Parameter("coding", "Coding"),
        Parameter("date", "dateTime"),
        Parameter("displayLanguage", "code"),
        Parameter("property", "code", many=True),
    ),
    run=run,
)
