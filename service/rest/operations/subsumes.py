"""`CodeSystem/$subsumes`: how two codes of one code system relate (https://hl7.org/fhir/R4/codesystem-operation-subsumes.html).

Told by the hierarchy of what is stored here; a code that is not in it, or a hierarchy that means something else, is refused.
"""

from service.records import terminology
from service.records.context import Context
from service.records.terminology import Terms
from service.rest.exchange import Call, FhirResponse
from service.rest.operations import arguments, coded, defined, returned
from service.rest.operations.arguments import Arguments
from service.rest.operations.coded import Coded, Form
from service.rest.operations.operation import INSTANCE, STANDARD, TYPE, Operation, Parameter
from service.terminology import subsumption
from service.terminology.code_system import CodeSystem
from service.terminology.lookup import Canonical, Unanswerable

_APART = "not-subsumed"
_FIRST = Form("codeA", "codingA", concept=None, version=None)
_SECOND = Form("codeB", "codingB", concept=None, version=None)


def run(ctx: Context, call: Call, given: Arguments) -> FhirResponse:
    """Answers with Parameters whose `outcome` is equivalent, subsumes, subsumed-by or not-subsumed."""
    outcome = terminology.asked(ctx, lambda terms: _outcome(terms, call, given))
    return FhirResponse(200, returned.parameters(returned.one("outcome", "Code", outcome)))


def _outcome(terms: Terms, call: Call, given: Arguments) -> str:
    if call.id is not None:
        name, lookup = defined.stored_system(terms, call.id)
        first, second = _code(given, _FIRST, name.url), _code(given, _SECOND, name.url)
    else:
        lookup = terms.lookup
        first, second = _code(given, _FIRST, given.text("system")), _code(given, _SECOND, given.text("system"))
        name = Canonical(_system(given, first, second), given.text("version") or first.version)
    for one in (first, second):
        if one.system != name.url:
            says = f"'{one.place}' is of {str(one.system)[:200]!r}, not of {name.url[:200]!r}. Codes of one code system can be compared."
            raise arguments.refused(one.place, says, "invalid")
    defined.require_known(lookup, name)
    system = _hierarchical(lookup.code_system(name.url, name.version), name)
    outcome = subsumption.subsumes(system, first.code, second.code)
    if outcome == _APART and system.content == "fragment":
        says = f"of {name.url[:200]} only a part is stored here; beyond it {first.code[:80]!r} and {second.code[:80]!r} may well be related"
        raise Unanswerable("not-supported", "code-system-content", says)
    return outcome


def _code(given: Arguments, form: Form, system: str | None) -> Coded:
    (found,) = coded.read(given, form, system)
    return found


def _system(given: Arguments, first: Coded, second: Coded) -> str:
    found = given.text("system") or first.system or second.system
    if found is None:
        raise arguments.refused("system", "Which code system? Give 'system', or ask at CodeSystem/id/$subsumes.", "required")
    return found


def _hierarchical(system: CodeSystem | None, name: Canonical) -> CodeSystem:
    if system is None or system.content not in ("complete", "fragment"):
        raise Unanswerable("not-supported", "code-system-content", f"the hierarchy of {str(name)[:200]} is not stored here")
    return system


OPERATION = Operation(
    code="subsumes",
    levels=frozenset({TYPE, INSTANCE}),
    types=frozenset({"CodeSystem"}),
    changes_state=False,
    definition=STANDARD + "CodeSystem-subsumes",
    documentation="How two codes of a code system that is stored here relate: equivalent, subsumes, subsumed-by or not-subsumed.",
    parameters=(
        Parameter("codeA", "code"),
        Parameter("codeB", "code"),
        Parameter("system", "uri"),
        Parameter("version", "string"),
        Parameter("codingA", "Coding"),
        Parameter("codingB", "Coding"),
    ),
    run=run,
)
