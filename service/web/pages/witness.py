"""Witnessing: whoever is signed in and a second person say together what they saw of one version of a resource."""

import json

from flask import Blueprint, Response, request

from service.errors import BadRequest, Conflict, ServiceError, Unauthorized
from service.records import sessions, sign_in, witness
from service.records.context import Service
from service.records.sign_in import Attempt
from service.records.witness import Statement
from service.web.pages import desk as desks
from service.web.pages import summary
from service.web.pages.desk import Desk

_TITLE = "Witness"
_NUMBER = 9


def register(pages: Blueprint, service: Service) -> None:
    """Adds /witness."""
    desks.add(pages, service, "/witness", "witness", get=_form, post=_signed)


def _form(desk: Desk) -> Response:
    return _shown(desk, request.args.get("target", ""))


def _shown(desk: Desk, target: str, refusal: str = "", status: int = 200, reason: str = "") -> Response:
    found = witness.target(desk.ctx, target)
    tree = json.loads(found.text or "{}", parse_float=str, parse_int=str)
    site = desk.site
    return desk.show(
        "witness.html",
        _TITLE,
        status,
        target=target,
        version=found.version,
        link=f"{site.base}/{target}/_history/{found.version}",
        words=" · ".join(filter(None, (summary.label(tree), summary.details(tree), summary.when(tree, site)))),
        refusal=refusal,
        reason=reason,
    )


def _signed(desk: Desk) -> Response:
    fields = desk.form()
    target, reason, version = fields.get("target", ""), fields.get("reason", ""), fields.get("version", "")
    if not (version.isascii() and version.isdigit() and len(version) <= _NUMBER):
        raise BadRequest.of("invalid", "form", "The form does not say which version was looked at.")
    ctx = desk.ctx
    witness.target(ctx, target)
    attempt = Attempt(fields.get("name", ""), fields.get("password", ""), fields.get("code", ""), desk.address, f"witness of {target}")
    try:
        second = sessions.beside(desk.service, sign_in.cosigned(desk.service, ctx.caller, attempt), desk.address)
        written = witness.witnessed(ctx, Statement(target, int(version), reason), second)
    except (Unauthorized, BadRequest, Conflict) as error:
        return _shown(desk, target, str(error), 403 if isinstance(error, Unauthorized) else error.status, reason)
    except ServiceError as error:
        return _shown(desk, target, str(error), error.status, reason)
    return desk.go(f"{desk.site.base}/Provenance/{written.id}")
