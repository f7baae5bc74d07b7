"""Emergency accesses: opened and closed by who treats, looked at afterwards by who answers for privacy."""

from flask import Blueprint, Response, request

from service.clock import to_text
from service.errors import BadRequest, Forbidden, ServiceError
from service.records import emergency
from service.records.context import Service
from service.records.emergency import Case
from service.security.roles import BREAK_GLASS
from service.web.pages import desk as desks
from service.web.pages.desk import Desk

_TITLE = "Emergency access"


def register(pages: Blueprint, service: Service) -> None:
    """Adds /break-glass."""
    desks.add(pages, service, "/break-glass", "break_glass", get=_form, post=_done)


def _form(desk: Desk) -> Response:
    return _shown(desk, patient=request.args.get("patient", ""))


def _shown(desk: Desk, refusal: str = "", status: int = 200, patient: str = "", reason: str = "") -> Response:
    ctx = desk.ctx
    opens, reviews = emergency.may(ctx.caller), emergency.may_review(ctx.caller)
    if not opens and not reviews:
        raise Forbidden.of("forbidden", "break-glass", "Your role has no emergency access, and reviews none.")
    waiting, done = emergency.cases(ctx) if reviews else ((), ())
    return desk.show(
        "break-glass.html",
        _TITLE,
        status,
        opens=opens,
        reviews=reviews,
        rule=BREAK_GLASS,
        own=emergency.own(ctx) if opens else (),
        waiting=[_row(desk, case) for case in waiting],
        done=[_row(desk, case) for case in done],
        refusal=refusal,
        patient=patient,
        reason=reason,
        local=lambda instant: desk.site.local_time(to_text(instant)),
    )


def _row(desk: Desk, case: Case) -> dict[str, object]:
    access, site = case.access, desk.site
    return {
        "case": case,
        "user": site.reference(access.user),
        "patient": f"{site.base}/Patient/{access.patient}",
        "opened": site.local_time(to_text(access.opened)),
        "over": "still open" if case.is_open else site.local_time(to_text(access.closed or access.expires)),
        "due": site.local_time(to_text(case.due)),
        "reviewed": site.local_time(to_text(access.reviewed)) if access.reviewed else "",
    }


def _done(desk: Desk) -> Response:
    fields = desk.form()
    patient, reason, id = fields.get("patient", ""), fields.get("reason", ""), fields.get("access", "")
    here = f"{desk.site.root}/break-glass"
    try:
        match fields.get("action"):
            case "open":
                found = emergency.opened(desk.ctx, patient, reason)
                return desk.go(f"{desk.site.base}/Patient/{found.patient}")
            case "close":
                emergency.close(desk.ctx, id)
            case "review":
                emergency.review(desk.ctx, id, reason)
            case _:
                raise BadRequest.of("invalid", "form", "The form does not say what to do.")
    except ServiceError as error:
        return _shown(desk, str(error), error.status, patient, reason if fields.get("action") == "open" else "")
    return desk.go(here)
