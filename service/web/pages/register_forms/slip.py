"""One form: shown empty, sent, refused with everything that was typed, or committed once.

What is typed is read first, then the second person signs, then all of it is committed. No password and no code is ever shown again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Response, request

from service.audit.event import MINOR, SERIOUS, Event
from service.audit.kinds import REFUSED, REST, Kind
from service.clock import to_datetime
from service.errors import BadRequest, Conflict, Forbidden, Gone, NotFound, ServiceError, Unauthorized, Unprocessable
from service.records import trail
from service.records.change import Create
from service.records.context import Service
from service.records.entering import number, signing, submit
from service.records.entering.elements import Occasion, Signers
from service.records.entering.typed import Typed
from service.records.register import gate
from service.records.sign_in import Attempt
from service.security.caller import Caller
from service.web.pages import desk as desks
from service.web.pages.desk import Desk
from service.web.pages.register_forms.beside import placed
from service.web.pages.register_forms.field import Field

Make = Callable[[Occasion], Sequence[Create]]
"""From when, by whom and under which number to the changes that write it down."""

TOGETHER, PERHAPS, ALONE = "together", "perhaps", "alone"
"""Whether a second person signs: always, if one is named, never."""

MOMENT = Field("when", "When it happened, by the clinic's clock", "moment")
_MOST_REASON = 300
_SIGNED = ("name", "password", "code")
_HOUR = 3_600_000_000
_REFUSED = (BadRequest, Conflict, Unprocessable)


@dataclass(frozen=True, slots=True)
class Opened:
    """A form that is about something: `facts` (name, text) say what; `hidden` fields carry it along; `seen` (`Type/id`) is what a second
    person must be able to see; `read` reads what was typed and answers with what makes the changes.

    `volume` tells the volume of an amount in micrograms, where the form works one out.
    """

    facts: tuple[tuple[str, str], ...]
    fields: tuple[Field, ...]
    read: Callable[[Typed], Make]
    seen: tuple[str, ...]
    hidden: Mapping[str, str] = field(default_factory=dict)
    volume: Callable[[int], str] | None = None


@dataclass(frozen=True, slots=True)
class Slip:
    """A kind of form. `opened` finds out from the query or the sent form what it is about, or answers with the page to choose it.

    `statement` is what two people sign.
    """

    name: str
    title: str
    lead: str
    button: str
    second: str
    statement: str
    opened: Callable[[Desk, Mapping[str, str]], Opened | Response]


@dataclass(frozen=True, slots=True)
class _Sent:
    """A form that came in."""

    slip: Slip
    opened: Opened
    fields: Mapping[str, str]
    typed: Typed


def add(pages: Blueprint, service: Service, slip: Slip) -> None:
    """Adds /register/{name}."""
    path = f"/register/{slip.name}"
    desks.add(pages, service, path, f"register_{slip.name}", get=lambda desk: _begun(desk, slip), post=lambda desk: _sent(desk, slip))


def _begun(desk: Desk, slip: Slip) -> Response:
    gate.require_write(desk.ctx)
    opened = slip.opened(desk, request.args.to_dict())
    if isinstance(opened, Response):
        return opened
    now = desk.service.clock()
    wall = f"{to_datetime(now).astimezone(desk.site.zone):%Y-%m-%dT%H:%M:%S}"
    values = {"when": wall, "number": number.fresh(now), **{one.name: one.value for one in opened.fields if one.value}}
    return _shown(desk, slip, opened, values)


def _shown(desk: Desk, slip: Slip, opened: Opened, values: Mapping[str, str], **parts: Any) -> Response:
    status = parts.pop("status", 200)
    return desk.show(
        "register-form.html",
        slip.title,
        status,
        slip=slip,
        opened=opened,
        fields=(*opened.fields, MOMENT, _late(desk)),
        values={name: value for name, value in values.items() if name not in ("password", "code")},
        second="" if slip.second == PERHAPS and desk.service.provider else slip.second,
        **{"above": (), "beside": {}, "worked_out": "", **parts},
    )


def _late(desk: Desk) -> Field:
    hint = f"Needed for what is older than {_late_hours(desk)} hours, and where a witness signs long after."
    return Field("late", "Why it is written down late", hint=hint, is_needed=False, most=_MOST_REASON)


def _late_hours(desk: Desk) -> int:
    """After how many hours a record is late, by the clinic's policies for all substances."""
    return desk.service.policies.of("", (), desk.service.clock()).late_hours


def _sent(desk: Desk, slip: Slip) -> Response:
    fields = desk.form()
    gate.require_write(desk.ctx)
    if not number.is_number(fields.get("number", "")):
        raise BadRequest.of("invalid", "form", "The form has lost its number. Open the page again.")
    opened = slip.opened(desk, fields)
    if isinstance(opened, Response):
        raise BadRequest.of("invalid", "form", "The form does not say what it is about. Open the page again.")
    sent = _Sent(slip, opened, fields, Typed(fields, desk.site.zone, desk.service.clock()))
    if fields.get("step") == "volume" and opened.volume:
        return _worked_out(desk, sent)
    try:
        made = ",".join(_done(desk, sent))
        return desk.go(f"{desk.site.root}/register/recorded?form={slip.name}&number={fields['number']}&of={made}")
    except Unauthorized as error:
        return _shown(desk, slip, opened, fields, status=403, beside={"name": [str(error)]})
    except Forbidden as error:
        _tell(desk, slip, error, REFUSED, SERIOUS)
        return _shown(desk, slip, opened, fields, status=403, above=[str(error)])
    except (NotFound, Gone, *_REFUSED) as error:
        _tell(desk, slip, error, REST["transaction"], MINOR)
        above, beside = placed(error.issues, {*(one.name for one in opened.fields), "when", "late", *_SIGNED})
        return _shown(desk, slip, opened, fields, status=error.status, above=above, beside=beside)


def _tell(desk: Desk, slip: Slip, error: ServiceError, kind: Kind, outcome: str) -> None:
    """What was refused is for the audit trail: by its rules, never by what was typed."""
    rules = ", ".join(dict.fromkeys(issue.rule for issue in error.issues))
    trail.note(desk.ctx, Event(kind, outcome, told=f"{error.status} {rules}", subject=f"form {slip.name} of the register"))


def _worked_out(desk: Desk, sent: _Sent) -> Response:
    """The form again, with the volume of the amount."""
    assert sent.opened.volume is not None
    amount = sent.typed.amount("amount")
    beside = {name: [says] for name, says in sent.typed.wrong.items()}
    told = "" if beside else sent.opened.volume(amount)
    return _shown(desk, sent.slip, sent.opened, sent.fields, status=400 if beside else 200, beside=beside, worked_out=told)


def _done(desk: Desk, sent: _Sent) -> list[str]:
    """What the form made; what it made the first time, if it came before."""
    form = submit.Form(sent.slip.name, sent.fields["number"], sent.fields)
    before = submit.known(desk.ctx, form)
    if before is not None:
        return before
    make, when, late = _read(sent, _late_hours(desk))
    try:
        signers = Signers(desk.ctx.caller, _second(desk, sent))
    except Unauthorized:  # the same form, sent at once by an impatient click, may have used up the one-time code
        meanwhile = submit.known(desk.ctx, form)
        if meanwhile is None:
            raise
        return meanwhile
    occasion = Occasion(form.number, when, sent.typed.now, late, signers)
    return submit.submit(signing.together(desk.ctx, occasion), form, [*make(occasion), *signing.signatures(occasion, sent.slip.statement)])


def _read(sent: _Sent, hours: int) -> tuple[Make, str, str]:
    """Everything that was typed. Raises BadRequest with everything that is wrong."""
    typed = sent.typed
    make, when, late = sent.opened.read(typed), typed.moment("when"), typed.text("late")
    if len(late) > _MOST_REASON:
        typed.wrong["late"] = f"State it in at most {_MOST_REASON} characters."
    if when and not late and typed.now - typed.instant(when) > hours * _HOUR:
        typed.wrong["late"] = f"It happened more than {hours} hours ago. State why it is written down late (cs-21)."
    typed.require()
    return make, when, late


def _second(desk: Desk, sent: _Sent) -> Caller | None:
    """Who signs beside the person at the form."""
    fields = sent.fields
    name = sent.typed.text("name")
    if desk.service.provider or sent.slip.second == ALONE or (sent.slip.second == PERHAPS and not name):
        return None
    purpose = f"witness of {sent.slip.name} {fields['number']}"
    attempt = Attempt(name, fields.get("password", ""), fields.get("code", ""), desk.address, purpose)
    return signing.second(desk.ctx, attempt, sent.opened.seen)
