"""The routes of the audit trail's pages: `/audit` and `/audit/disclosures`. Both ask who looks, and both tell the trail before they answer.

Whoever has neither session nor token is sent to the sign-in page; a program gets the 401 that asks for a token.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from flask import Blueprint, Response, g, request

from service import clock
from service.audit.event import Event
from service.audit.kinds import LOG_USED
from service.errors import BadRequest, ServiceError, Unauthorized
from service.fhir import outcome as outcomes
from service.records import disclosures as accounting
from service.records import trail
from service.records.context import Context, Service
from service.rest import audited, dispatch
from service.rest.exchange import FhirRequest, Pairs
from service.security.caller import NOBODY
from service.web import authentication, errors, negotiation
from service.web.pages import audit, desk, disclosures, outcome
from service.web.pages.desk import Desk
from service.web.reports import csv_text, pdf
from service.web.reports.table import Table

Given = dict[str, str]
View = Callable[[Desk, Context, Given], Response]


def register(pages: Blueprint, service: Service) -> None:
    """Adds the pages."""
    for path, name, view in ((audit.PATH, "audit", _audit), (disclosures.PATH, "disclosures", _disclosures)):
        pages.add_url_rule(path, name, partial(_answered, Desk(service), view))


def _answered(at: Desk, view: View) -> Response:
    ctx = Context(at.service, replace(NOBODY, address=request.remote_addr or ""), g.request_id)
    try:
        ctx = replace(ctx, caller=authentication.caller(at.service, request))
        answer = view(at, ctx, dict(request.args))
    except Unauthorized as error:
        answer = _unknown(at, ctx, error)
    trail.settle(ctx)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _unknown(at: Desk, ctx: Context, error: Unauthorized) -> Response:
    """Who has a browser and no token may sign in. A token that is not good is for the trail."""
    if "Authorization" not in request.headers and "text/html" in request.headers.get("Accept", ""):
        return desk.to_sign_in(at.service)
    trail.note(ctx, audited.refused(ctx, _told({}), None, error))
    return negotiation.presented(errors.answered(error), negotiation.Look())


def _audit(at: Desk, ctx: Context, given: Given) -> Response:
    found, error = None, None
    try:
        asked = FhirRequest("GET", (audit.TYPE,), _search(ctx, given))
        found = json.loads(dispatch.dispatch(ctx, asked).body or "{}")
    except ServiceError as refusal:
        error = refusal
    patient = given.get("patient", "").strip().rpartition("/")[2]
    title = f"Events of Patient/{patient}" if patient else "Who saw or changed what"
    return at.show("audit.html", title, _status(error), findings=_findings(error), **audit.parts(found, given, at.site))


def _search(ctx: Context, given: Given) -> Pairs:
    """What the form asks for. What it cannot ask never gets to the search, which records the rest."""
    try:
        return audit.search(given)
    except ServiceError as error:
        trail.note(ctx, audited.refused(ctx, _told(given), None, error))
        raise


def _disclosures(at: Desk, ctx: Context, given: Given) -> Response:
    try:
        today = clock.to_datetime(ctx.service.clock()).astimezone(at.site.zone).date()
        asked = disclosures.question(given, today)
        if not asked.patient and asked.format != "html":
            raise BadRequest.of("required", "report-patient", "The report needs the id of a patient. Give it in 'patient'.")
        report = _accounted(at, ctx, asked) if asked.patient else None
    except ServiceError as error:
        trail.note(ctx, audited.refused(ctx, _told(given), None, error))
        return _accounting(at, given, None, error)
    if report is not None and asked.format != "html":
        return _file(report, asked)
    return _accounting(at, given, report, None)


def _accounted(at: Desk, ctx: Context, asked: disclosures.Question) -> Table:
    lines = accounting.of_patient(ctx, asked.patient, asked.since.isoformat(), asked.until.isoformat())
    told = {"patient": asked.patient, "from": str(asked.since), "to": str(asked.until), "_format": asked.format}
    query = audit.link(at.site, told, disclosures.PATH)
    trail.note(ctx, Event(LOG_USED, query=query, description=f"GET {'&'.join(told)}", patients=(asked.patient,)))
    caller = ctx.caller
    made = at.site.local_time(clock.to_text(ctx.service.clock()))
    by = f"{caller.name or caller.user}, with {caller.client}" if caller.user else caller.client
    return disclosures.table(asked, lines, at.site, ctx.service.settings, (("Made", made), ("Made by", by)))


def _accounting(at: Desk, given: Given, report: Table | None, error: ServiceError | None) -> Response:
    links = {name: audit.link(at.site, {**given, "_format": name}, disclosures.PATH) for name in ("csv", "pdf")}
    fields = {name: given.get(name, "") for name in disclosures.FIELDS}
    rule = disclosures.rule(at.service.settings)
    parts = {"given": fields, "table": report, "rule": rule, "findings": _findings(error), **links}
    return at.show("disclosures.html", "Accounting of disclosures", _status(error), **parts)


def _file(report: Table, asked: disclosures.Question) -> Response:
    body, media_type = (csv_text.written(report), csv_text.MEDIA_TYPE) if asked.format == "csv" else (pdf.written(report), pdf.MEDIA_TYPE)
    name = f"disclosures-{asked.patient}-{asked.since}-{asked.until}.{asked.format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return Response(body, headers=headers, content_type=media_type)


def _told(given: Given) -> FhirRequest:
    """The request, for the audit trail."""
    return FhirRequest("GET", tuple(request.path.strip("/").split("/")), tuple(given.items()))


def _findings(error: ServiceError | None) -> list[outcome.Line]:
    return outcome.lines(outcomes.tree(error.issues)) if error else []


def _status(error: ServiceError | None) -> int:
    return error.status if error else 200
