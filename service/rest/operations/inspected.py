"""What the reports of the register share: their parameters, read into one question.

`start` and `end` are dates or instants, both included; without them the period is the last days, as many as the report says. People,
places and vials are named by reference (`Practitioner/123`) or by id.
"""

from collections.abc import Callable, Sequence

from service.fhir import reference, temporal
from service.ledger.entry import FLAGS
from service.records.context import Context
from service.records.register import gate
from service.records.register.question import Question
from service.records.register.report import Report
from service.records.register.uncollected import uncollected
from service.rest import routes
from service.rest.exchange import Call, FhirResponse
from service.rest.operations import arguments, reported
from service.rest.operations.arguments import Arguments
from service.rest.operations.operation import CLINIC, SYSTEM, Operation, Parameter

PERIOD = (Parameter("start", "date"), Parameter("end", "date"))
SITE = Parameter("site", "string")
PRODUCT = (Parameter("substance", "code"), Parameter("lot", "string"), Parameter("vial", "string"))
PERFORMER, WITNESS, PATIENT = (Parameter(name, "string") for name in ("performer", "witness", "patient"))
FLAG = Parameter("flag", "code", many=True)
AS_OF = Parameter("asOf", "dateTime")

_KINDS = {"site": "Location", "vial": "Medication", "performer": "Practitioner", "witness": "Practitioner", "patient": "Patient"}
_PEOPLE = frozenset({"Practitioner", "PractitionerRole"})
_LONGEST = 200


def question(ctx: Context, given: Arguments, days: int | None = None) -> Question:
    """What was asked. BadRequest for what cannot be meant.

    `days`: how long the period is where none was given; None for a report that has no period.
    """
    since, before, period = _period(ctx, given, days) if days is not None else (temporal.BEGINNING, temporal.END, ())
    flags = given.listed("flag")
    for flag in flags:
        if flag not in FLAGS:
            raise arguments.refused("flag", f"There is no flag {flag[:20]!r}. There are: {', '.join(FLAGS)}.")
    asked = given.moment("asOf", ctx.service.settings.zone)
    return Question(
        since=since,
        before=before,
        as_of=asked.hi if asked else None,
        site=_id(ctx, given, "site"),
        substance=_word(given, "substance"),
        lot=_word(given, "lot"),
        vial=_id(ctx, given, "vial"),
        performer=_named(ctx, given, "performer"),
        witness=_named(ctx, given, "witness"),
        patient=_named(ctx, given, "patient"),
        flags=flags,
        told=(*arguments.pairs_of(given, without=("start", "end")), *period),
    )


def _period(ctx: Context, given: Arguments, days: int) -> tuple[int, int, Sequence[tuple[str, str]]]:
    zone = ctx.service.settings.zone
    start, end = (given.moment(name, zone) for name in ("start", "end"))
    before = end.hi + 1 if end else ctx.service.clock() + 1
    since = start.lo if start else before - days * temporal.DAY
    if since >= before:
        raise arguments.refused("end", "The period ends before it begins. Give 'start' before 'end'.")
    told = arguments.pairs_of(given, ("start", "end"))
    return since, before, told if start else (*told, ("period", f"the last {days} days"))


def _word(given: Arguments, name: str) -> str | None:
    """A text that is compared as it is."""
    text = given.text(name)
    if text is not None and len(text) > _LONGEST:
        raise arguments.refused(name, f"'{name}' has more than {_LONGEST} characters: nothing here is called so.")
    return text


def _named(ctx: Context, given: Arguments, name: str) -> str | None:
    """A reference, as `Type/id`."""
    text = given.text(name)
    if text is None:
        return None
    kind = _KINDS[name]
    literal = reference.parse(text if "/" in text else f"{kind}/{text}")
    kinds = _PEOPLE if kind in _PEOPLE else {kind}
    is_one = literal is not None and literal.type in kinds and literal.is_local(ctx.service.settings.base_url)
    if literal is None or not is_one or not routes.is_id(literal.id):
        raise arguments.refused(name, f"'{name}' is a {kind} here, as in {kind}/123, not {text[:60]!r}.")
    return f"{literal.type}/{literal.id}"


def _id(ctx: Context, given: Arguments, name: str) -> str | None:
    found = _named(ctx, given, name)
    return found.partition("/")[2] if found else None


def operation(code: str, documentation: str, parameters: Sequence[Parameter], made: Callable[[Context, Arguments], Report]) -> Operation:
    """An operation of the whole system that answers with the report that `made` makes, in the format that is asked for."""

    def run(ctx: Context, call: Call, given: Arguments) -> FhirResponse:
        gate.require_read(ctx)
        with uncollected():
            report = made(ctx, given)
        return reported.answer(ctx, call, report)

    return Operation(
        code=code,
        levels=frozenset({SYSTEM}),
        types=frozenset(),
        changes_state=False,
        definition=CLINIC + code,
        documentation=documentation,
        parameters=tuple(parameters),
        run=run,
        reports=True,
    )
