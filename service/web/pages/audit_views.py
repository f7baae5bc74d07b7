"""The routes of the audit trail's pages: `/audit` and `/audit/disclosures`. `inspection` asks who looks."""

import json

from flask import Blueprint, Response, request

from service import clock
from service.audit.event import Event
from service.audit.kinds import LOG_USED
from service.errors import BadRequest, ServiceError
from service.records import disclosures as accounting
from service.records import trail
from service.records.context import Context, Service
from service.reports import csv_text, pdf
from service.reports.table import Table
from service.rest import audited, dispatch
from service.rest.exchange import FhirRequest, Pairs
from service.web.pages import audit, disclosures, inspection
from service.web.pages.desk import Desk

Given = dict[str, str]


def register(pages: Blueprint, service: Service) -> None:
    """Adds the pages."""
    inspection.add(pages, service, audit.PATH, "audit", _audit)
    inspection.add(pages, service, disclosures.PATH, "disclosures", _disclosures)


def _audit(at: Desk, ctx: Context) -> Response:
    given = dict(request.args)
    found, error = None, None
    try:
        asked = FhirRequest("GET", (audit.TYPE,), _search(ctx, given))
        found = json.loads(dispatch.dispatch(ctx, asked).body or "{}")
    except ServiceError as refusal:
        error = refusal
    patient = given.get("patient", "").strip().rpartition("/")[2]
    title = f"Events of Patient/{patient}" if patient else "Who saw or changed what"
    return at.show("audit.html", title, inspection.status(error), findings=inspection.findings(error), **audit.parts(found, given, at.site))


def _search(ctx: Context, given: Given) -> Pairs:
    """What the form asks for. What it cannot ask never gets to the search, which records the rest."""
    try:
        return audit.search(given)
    except ServiceError as error:
        trail.note(ctx, audited.refused(ctx, inspection.told(), None, error))
        raise


def _disclosures(at: Desk, ctx: Context) -> Response:
    given = dict(request.args)
    try:
        today = clock.to_datetime(ctx.service.clock()).astimezone(at.site.zone).date()
        asked = disclosures.question(given, today)
        if not asked.patient and asked.format != "html":
            raise BadRequest.of("required", "report-patient", "The report needs the id of a patient. Give it in 'patient'.")
        report = _accounted(at, ctx, asked) if asked.patient else None
    except ServiceError as error:
        trail.note(ctx, audited.refused(ctx, inspection.told(), None, error))
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
    parts = {"given": fields, "table": report, "rule": rule, "findings": inspection.findings(error), **links}
    return at.show("disclosures.html", "Accounting of disclosures", inspection.status(error), **parts)


def _file(report: Table, asked: disclosures.Question) -> Response:
    body, media_type = (csv_text.written(report), csv_text.MEDIA_TYPE) if asked.format == "csv" else (pdf.written(report), pdf.MEDIA_TYPE)
    name = f"disclosures-{asked.patient}-{asked.since}-{asked.until}.{asked.format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return Response(body, headers=headers, content_type=media_type)
