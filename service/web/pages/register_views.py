"""The routes of the register's pages. Each asks who looks, and tells the audit trail before it answers.

What is on `/register` and what its files hold is one report, made once for each request.
"""

from functools import partial
from typing import Any

from flask import Blueprint, Response, request

from service import clock
from service.errors import ServiceError
from service.records import trail
from service.records.context import Context, Service
from service.records.register import folio, gate, lines, rows, story
from service.records.register.lines import Leaf
from service.rest import audited
from service.search.paging import Position
from service.storage.ledger_lines import Place
from service.web.pages import inspection, register_exports, register_files, register_reports, register_story
from service.web.pages import register as book
from service.web.pages import register_fields as fields
from service.web.pages.desk import Desk
from service.web.pages.inspection import View
from service.web.pages.register_fields import Pairs

_LONGEST_NUMBER = 9


def register(pages: Blueprint, service: Service) -> None:
    """Adds the pages."""
    views: dict[str, View] = {
        "": _lines,
        "/lines/<vial>/<number>": _story,
        "/reports": _reports,
        "/reports/<code>": _made,
        "/exports/<id>": register_exports.page,
    }
    views |= {path: partial(_report, path) for path in register_reports.MADE}
    for path, view in views.items():
        name = "_".join(["register", *(part.strip("<>") for part in path.split("/") if part)])
        inspection.add(pages, service, f"{book.PATH}{path}", name, partial(_guarded, view))
    register_exports.register(pages, service)


def _guarded(view: View, at: Desk, ctx: Context, **parts: str) -> Response:
    """What a view answers, or the page that says why not."""
    try:
        gate.require_read(ctx)
        return view(at, ctx, **parts)
    except ServiceError as error:
        return _refused(at, ctx, error)


def _lines(at: Desk, ctx: Context) -> Response:
    wanted, told = fields.read(request.args, at.site.zone)
    wanted_format, count = fields.wanted_format(request.args), fields.count(request.args)
    with ctx.snapshot() as tx:
        if wanted_format != "html":
            report = folio.report(ctx, tx, lines.whole(ctx, tx, wanted), told)
            trail.note(ctx, audited.shown(ctx, inspection.told()))
            return register_files.answer(report, wanted_format)
        leaf = lines.leaf(ctx, tx, wanted, _after(ctx, told), count)
        report = folio.report(ctx, tx, leaf, told)
        drugs, sites = lines.choices(ctx, tx)
    trail.note(ctx, audited.shown(ctx, inspection.told()))
    given = dict(told)
    return at.show(
        "register.html",
        report.title,
        drugs=book.chosen(drugs, given.get("drug", "")),
        sites=book.chosen(sites, given.get("site", "")),
        periods=book.periods(told, at.site, clock.to_datetime(ctx.service.clock()).astimezone(at.site.zone).date()),
        next=_next(ctx, at, told, leaf),
        first=book.link(at.site, told) if fields.CURSOR in request.args else None,
        **book.parts(report, leaf, told, at.site),
    )


def _after(ctx: Context, told: Pairs) -> Place | None:
    """Where the page begins. Raises BadRequest for a cursor that is not of this question."""
    cursor = request.args.get(fields.CURSOR)
    if not cursor:
        return None
    position = ctx.service.cursors.read([(book.PATH, ""), *told], cursor)
    occurred, recorded, vial = position.values
    return Place(int(occurred or 0), int(recorded or 0), str(vial), position.res_id)


def _next(ctx: Context, at: Desk, told: Pairs, leaf: Leaf) -> str | None:
    """The link to the lines that follow."""
    if leaf.after is None:
        return None
    place = leaf.after
    cursor = ctx.service.cursors.write([(book.PATH, ""), *told], Position((place.occurred, place.recorded, place.vial), place.number))
    counted = [(fields.COUNT, request.args[fields.COUNT])] if request.args.get(fields.COUNT) else []
    return book.link(at.site, told, *counted, (fields.CURSOR, cursor))


def _story(at: Desk, ctx: Context, vial: str, number: str) -> Response:
    place = int(number) if number.isascii() and number.isdigit() and len(number) < _LONGEST_NUMBER else 0
    with ctx.snapshot() as tx:
        found = story.story(ctx, tx, fields.id_of("vial", "Medication", vial), place)
    trail.note(ctx, audited.shown(ctx, inspection.told()))
    title = rows.label(found.line.entry, found.line.vial)
    return at.show("register-line.html", title, **register_story.parts(found, ctx.service, at.site))


def _report(path: str, at: Desk, ctx: Context) -> Response:
    asked, wanted = register_reports.question(request.args), fields.wanted_format(request.args)
    with ctx.snapshot() as tx:
        report = register_reports.MADE[path](ctx.within(tx), asked)
        drugs, sites = lines.choices(ctx, tx)
    trail.note(ctx, audited.shown(ctx, inspection.told()))
    if wanted != "html":
        return register_files.answer(report, wanted)
    chosen: dict[str, Any] = {"drugs": book.chosen(drugs, asked.substance or ""), "sites": book.chosen(sites, asked.site or "")}
    return at.show("register-report.html", report.title, **chosen, **register_reports.parts(report, asked, path, at.site))


def _reports(at: Desk, ctx: Context) -> Response:
    trail.note(ctx, audited.shown(ctx, inspection.told()))
    return at.show("register-reports.html", "Reports", forms=register_reports.forms(at.site))


def _made(at: Desk, _: Context, code: str) -> Response:
    """Sends the browser to the report, with those fields of the form that were filled in."""
    return at.go(register_reports.url(at.site, code, request.args))


def _refused(at: Desk, ctx: Context, error: ServiceError) -> Response:
    """The page that says why something was refused."""
    trail.note(ctx, audited.refused(ctx, inspection.told(), None, error))
    page = at.show("register-refusal.html", "Register", error.status, findings=inspection.findings(error))
    page.headers.extend(error.headers)
    return page
