"""`$validate`: would this resource be accepted? (https://hl7.org/fhir/R4/resource-operation-validate.html)

Without a mode the content is judged: the rules of R4, of the profiles that the resource claims or the service requires, and of those in
`profile`. `create`, `update` and `delete` rehearse the write with its header fields (If-None-Exist, If-Match, If-None-Match) and tell
everything that would refuse it. The answer is 200 also for what is not valid; another status means that nothing was judged.
At the level of a resource, without one in the request, the stored one is judged; mode `profile` asks for that by name.
"""

from collections.abc import Callable, Mapping, Sequence

from service.errors import BadRequest, Issue, PreconditionFailed
from service.fhir import outcome
from service.fhir.document import Document, encode, stored
from service.records import read as records
from service.records import rehearsal
from service.records.change import Create, Delete, Update
from service.records.context import Context
from service.rest import condition, precondition
from service.rest.exchange import Call, FhirResponse
from service.rest.operations import arguments
from service.rest.operations.arguments import RESOURCE, Arguments
from service.rest.operations.operation import CLINIC, INSTANCE, TYPE, Operation, Parameter


def run(ctx: Context, call: Call, given: Arguments) -> FhirResponse:
    """Answers with an OperationOutcome."""
    mode = given.text("mode")
    if mode is not None and mode not in _MODES:
        raise arguments.refused("mode", f"There is no mode {mode[:40]!r}. There are: {', '.join(_MODES)}; or leave it out.")
    try:
        issues: Sequence[Issue] = _MODES[mode](ctx, call, given) if mode else _content(ctx, call, given)
    except PreconditionFailed as error:  # an If-Match that no version could ever meet
        issues = error.issues
    return FhirResponse(200, encode(outcome.tree(issues)))


def _content(ctx: Context, call: Call, given: Arguments) -> list[Issue]:
    """What is sent, or what is stored when nothing is sent."""
    sent = given.resource("resource")
    if sent is None and call.id is None:
        raise _missing()
    return rehearsal.judge(ctx, call.named_type, (sent or _stored(ctx, call)).tree, given.texts("profile"))


def _profile(ctx: Context, call: Call, given: Arguments) -> list[Issue]:
    if call.id is None or given.has("resource"):
        raise _misplaced("profile", "is about a stored resource. Ask at Type/id/$validate; for a resource that you send leave mode out")
    if not given.has("profile"):
        raise arguments.refused("profile", "Mode 'profile' needs to know which: give its canonical URL.", "required")
    return rehearsal.judge(ctx, call.named_type, _stored(ctx, call).tree, given.texts("profile"))


def _create(ctx: Context, call: Call, given: Arguments) -> list[Issue]:
    if call.id is not None:
        raise _misplaced("create", "makes a new resource. Ask at Type/$validate, or use mode update")
    wanted = condition.stated(call.header("if-none-exist"), "If-None-Exist")
    return _rehearsed(ctx, Create(call.named_type, _sent(given), wanted), given, "create")


def _update(ctx: Context, call: Call, given: Arguments) -> list[Issue]:
    if call.id is None:
        raise _misplaced("update", "is about one resource. Ask at Type/id/$validate")
    if_match = precondition.required_version(call.header("if-match"))
    if_none_match = precondition.must_be_new(call.header("if-none-match"))
    change = Update(call.named_type, call.id, _sent(given), if_match=if_match, if_none_match=if_none_match)
    return _rehearsed(ctx, change, given, "update")


def _delete(ctx: Context, call: Call, given: Arguments) -> list[Issue]:
    if call.id is None:
        raise _misplaced("delete", "is about one resource. Ask at Type/id/$validate")
    if given.has("profile"):
        raise arguments.refused("profile", "A deletion is held to no profile. Leave 'profile' out.", "invalid")
    change = Delete(call.named_type, call.id, if_match=precondition.required_version(call.header("if-match")))
    return _rehearsed(ctx, change, given, "delete")


def _rehearsed(ctx: Context, change: Create | Update | Delete, given: Arguments, interaction: str) -> list[Issue]:
    """What the write would be told; where clients may not write the type, that and what is wrong with the content."""
    profiles = given.texts("profile")
    if interaction in ctx.service.definitions.types[change.type].interactions:
        return rehearsal.rehearse(ctx, change, profiles)
    says = f"{change.type} takes no {interaction} from clients: this server writes it itself."
    issue = Issue("error", "not-supported", "method", says)
    return [issue] if isinstance(change, Delete) else [issue, *rehearsal.judge(ctx, change.type, change.document.tree, profiles)]


_MODES: Mapping[str, Callable[[Context, Call, Arguments], list[Issue]]] = {
    "create": _create,
    "update": _update,
    "delete": _delete,
    "profile": _profile,
}
"""https://hl7.org/fhir/R4/codesystem-resource-validation-mode.html"""


def _sent(given: Arguments) -> Document:
    found = given.resource("resource")
    if found is None:
        raise _missing()
    return found


def _stored(ctx: Context, call: Call) -> Document:
    text = records.read(ctx, call.named_type, call.named_id).text
    assert text is not None
    ctx.trail.saw(call.named_type, text)
    return stored(text)


def _missing() -> BadRequest:
    return arguments.refused("resource", "There is nothing to validate. POST a resource, alone or as 'resource' in Parameters.", "required")


def _misplaced(mode: str, says: str) -> BadRequest:
    return arguments.refused("mode", f"Mode '{mode}' {says}.", "invalid")


OPERATION = Operation(
    code="validate",
    levels=frozenset({TYPE, INSTANCE}),
    types=frozenset(),
    changes_state=False,
    definition=CLINIC + "Resource-validate",
    documentation="Whether a resource is valid, and whether its create, update or delete would be accepted. Nothing is changed.",
    parameters=(Parameter("resource", RESOURCE), Parameter("mode", "code"), Parameter("profile", "uri", many=True)),
    run=run,
)
