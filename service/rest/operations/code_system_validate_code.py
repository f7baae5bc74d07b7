"""`CodeSystem/$validate-code`: whether a code system has a code (https://hl7.org/fhir/R4/codesystem-operation-validate-code.html).

404 for a code system that is not here; 422 for a code that is not in the part of it that is.
"""

from collections.abc import Sequence

from service.records import terminology
from service.records.context import Context
from service.records.terminology import Terms
from service.rest.exchange import Call, FhirResponse
from service.rest.operations import arguments, code_check, coded, day, defined, displayed
from service.rest.operations.arguments import Arguments
from service.rest.operations.code_check import Expectation
from service.rest.operations.coded import Coded, Form
from service.rest.operations.operation import INSTANCE, STANDARD, TYPE, Operation, Parameter
from service.terminology import membership

_FORM = Form(system=None, version="version")


def run(ctx: Context, call: Call, given: Arguments) -> FhirResponse:
    """Answers with Parameters: `result`, `message` and `display`."""
    defined.require_one(call, given, "url", "codeSystem")
    day.require_present(ctx, given)
    abstract, language = given.flag("abstract"), displayed.language(given)
    return terminology.asked(ctx, lambda terms: _answer(terms, call, given, abstract, language))


def _answer(terms: Terms, call: Call, given: Arguments, abstract: bool, language: str | None) -> FhirResponse:
    name, lookup = defined.code_system(terms, call, given)
    codes = coded.read(given, _FORM, name.url)
    _require_of(codes, name.url)
    expected = Expectation(
        f"the code system {name.url[:200]}", abstract, lambda one, verdict: displayed.names(lookup, one, verdict, language)
    )
    verdicts = [membership.of_system(lookup, name.url, one.code, name.version) for one in codes]
    return code_check.answer([code_check.check(one, verdict, expected) for one, verdict in zip(codes, verdicts, strict=True)], expected)


def _require_of(codes: Sequence[Coded], url: str) -> None:
    for one in codes:
        if one.system != url:
            says = f"'{one.place}' is of {str(one.system)[:200]!r}, and the code system is {url[:200]!r}. Make them agree."
            raise arguments.refused(one.place.partition(".")[0], says, "invalid")


OPERATION = Operation(
    code="validate-code",
    levels=frozenset({TYPE, INSTANCE}),
    types=frozenset({"CodeSystem"}),
    changes_state=False,
    definition=STANDARD + "CodeSystem-validate-code",
    documentation="Whether a code system has a code; also of UCUM units and other codes that are told by how they are written.",
    parameters=(
        Parameter("url", "uri"),
        Parameter("codeSystem", "CodeSystem"),
        Parameter("code", "code"),
        Parameter("version", "string"),
        Parameter("display", "string"),
        Parameter("coding", "Coding"),
        Parameter("codeableConcept", "CodeableConcept"),
        Parameter("date", "dateTime"),
        Parameter("abstract", "boolean"),
        Parameter("displayLanguage", "code"),
    ),
    run=run,
)
