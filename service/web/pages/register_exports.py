"""Asking for an export of the register from a page, and seeing how it stands: `/register/exports`, `/register/exports/ID`."""

from urllib.parse import quote

from flask import Blueprint, Response, request

from service.records import audit_log, trail
from service.records.context import Context, Service
from service.records.register import exports
from service.records.register.exports import DONE
from service.records.register.report import local
from service.rest import audited, site_url
from service.web.pages import desk as desks
from service.web.pages import inspection
from service.web.pages import register as book
from service.web.pages.desk import Desk
from service.web.pages.site import Site

PATH = f"{book.PATH}/exports"


def register(pages: Blueprint, service: Service) -> None:
    """Adds the form's target; the page of one export is among those of the register."""
    desks.add(pages, service, PATH, "register_exports", post=_asked)


def _asked(desk: Desk) -> Response:
    fields = desk.form()
    ctx = desk.ctx
    given = [fields.get(name, "").strip() or None for name in ("start", "end")]
    made = exports.ask(ctx, *exports.period(ctx.service, *given))
    trail.note(ctx, audited.shown(ctx, inspection.told()))
    return desk.go(f"{desk.site.root}{PATH}/{made.id}")


def page(at: Desk, ctx: Context, id: str) -> Response:
    """How an export stands, and its files when it is done."""
    export = exports.view(ctx, id)
    trail.note(ctx, audited.shown(ctx, inspection.told()))
    is_done = export.status == DONE
    is_alive = is_done or audit_log.state(ctx.service).is_alive
    times = {name: local(getattr(export, name), at.site.zone) for name in ("since", "until", "asked")}
    return at.show(
        "register-export.html",
        "Export of the register",
        state=" · ".join(filter(None, (export.status, export.progress, export.told, "" if is_alive else "no worker is alive to make it"))),
        is_done=is_done,
        archive=f"{_below(at.site, export.id)}/export.zip",
        here=request.path,
        expires=local(export.expires, at.site.zone) if export.expires else "",
        files=[(path, f"{_below(at.site, export.id)}/files/{quote(path)}", size, digest) for path, size, digest in export.files],
        since=times["since"],
        until=times["until"],
        asked=times["asked"],
    )


def _below(site: Site, id: str) -> str:
    return f"{site.root}{site_url.EXPORTS}/{quote(id, safe='')}"
