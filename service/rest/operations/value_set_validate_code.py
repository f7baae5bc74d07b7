"""`ValueSet/$validate-code`: whether a code is in a value set (https://hl7.org/fhir/R4/valueset-operation-validate-code.html).

404 for a value set that is not here; 422 for a code of which it cannot be known here, as of a code system that is not stored.
"""

from collections.abc import Sequence

from service.records import terminology
from service.records.context import Context
from service.records.terminology import Terms
from service.rest.exchange import Call, FhirResponse
from service.rest.operations import code_check, coded, defined, displayed
from service.rest.operations.arguments import Arguments
from service.rest.operations.code_check import Checked, Expectation
from service.rest.operations.coded import Coded, Form
from service.rest.operations.operation import CLINIC, INSTANCE, TYPE, Operation, Parameter
from service.terminology import membership

_FORM = Form(version="systemVersion")


def run(ctx: Context, call: Call, given: Arguments) -> FhirResponse:
    """Answers with Parameters: `result`, `message` and `display`."""
    defined.require_one(call, given, "url", "valueSet")
    codes = coded.read(given, _FORM)
    abstract, language = given.flag("abstract"), displayed.language(given)
    return terminology.asked(ctx, lambda terms: _answer(terms, call, given, codes, abstract, language))


def _answer(terms: Terms, call: Call, given: Arguments, codes: Sequence[Coded], abstract: bool, language: str | None) -> FhirResponse:
    tree = defined.value_set(terms, call, given)
    place = f"the value set {str(tree.get('url') or call.id or 'that was sent')[:200]}"
    expected = Expectation(place, abstract, lambda one, verdict: displayed.names(terms.lookup, one, verdict, language))
    found: list[Checked] = []
    for one in codes:
        displayed.require_version(terms.lookup, one)
        found.append(code_check.check(one, membership.of_tree(terms.lookup, tree, one.system or "", one.code), expected))
    return code_check.answer(found, expected)


OPERATION = Operation(
    code="validate-code",
    levels=frozenset({TYPE, INSTANCE}),
    types=frozenset({"ValueSet"}),
    changes_state=False,
    definition=CLINIC + "ValueSet-validate-code",
    documentation="Whether a code is in a value set. A code of which that cannot be known here is refused, never accepted.",
    parameters=(
        Parameter("url", "uri"),
        Parameter("valueSet", "ValueSet"),
        Parameter("valueSetVersion", "string"),
        Parameter("code", "code"),
        Parameter("system", "uri"),
        Parameter("systemVersion", "string"),
        Parameter("display", "string"),
        Parameter("coding", "Coding"),
        Parameter("codeableConcept", "CodeableConcept"),
        Parameter("abstract", "boolean"),
        Parameter("displayLanguage", "code"),
    ),
    run=run,
)
