"""Who looks at the pages: what the top of every page says of that person, and which links the person has a use for."""

from dataclasses import dataclass

from flask import Request, g

from service.clock import to_text
from service.records import emergency
from service.records.context import Context, Service
from service.records.register import gate
from service.web import sessions


@dataclass(frozen=True, slots=True)
class Emergency:
    """An open emergency access: its id, to which patient, and until when, as a FHIR instant."""

    id: str
    patient: str
    until: str


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is signed in. `form_token` goes into every form; `types` are those of which the person may search anything;
    `has_account`: the account is one of this service, with a page of its own;
    `may_inspect`: may read the register of controlled substances."""

    name: str
    role: str
    user: str
    form_token: str
    types: frozenset[str]
    has_emergencies: bool
    has_reviews: bool
    has_account: bool
    may_post: bool
    may_inspect: bool
    emergencies: tuple[Emergency, ...]


def of(service: Service, request: Request) -> Visitor | None:
    """The visitor of this request; None when nobody is signed in."""
    session, cookie = sessions.current(service, request), sessions.session_cookie(service).read(request)
    if session is None or cookie is None:
        return None
    _, caller = sessions.require(service, request)
    ctx = Context(service, caller, g.get("request_id", ""))
    treats = emergency.may(caller)
    return Visitor(
        name=caller.name or caller.user or "",
        role=caller.role or "",
        user=caller.user or "",
        form_token=sessions.token_of(cookie),
        types=frozenset(type for type in service.definitions.types if ctx.access.may("s", type)),
        has_emergencies=treats,
        has_reviews=emergency.may_review(caller),
        has_account=session.person is not None,
        may_post=caller.grant.has("ledger.write") and not caller.patients,
        may_inspect=gate.may(caller, "ledger.read"),
        emergencies=tuple(Emergency(one.id, one.patient, to_text(one.expires)) for one in emergency.own(ctx)) if treats else (),
    )
