"""The log of the audit trail for everybody: its newest checkpoint, and proofs for those who hold a receipt (`X-Audit-Entry`)."""

import json

from flask import Flask, Response, request

from service.errors import BadRequest
from service.records import audit_log
from service.records.context import Service
from service.web import authentication

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_LONGEST_ID = 64


def register(app: Flask, service: Service) -> None:
    """Adds /audit/checkpoint and /audit/proof."""
    app.add_url_rule("/audit/checkpoint", "audit_log.checkpoint", lambda: _checkpoint(service))
    app.add_url_rule("/audit/proof", "audit_log.proof", lambda: _proof(service))


def _checkpoint(service: Service) -> Response:
    """Public: whoever keeps one can tell later whether anything below it was changed."""
    return Response(audit_log.checkpoint(service), headers=_HEADERS, content_type="text/plain; charset=utf-8")


def _proof(service: Service) -> Response:
    """For any caller who is known. The id of an entry is its receipt: nobody guesses it, and a proof says nothing of what it tells."""
    authentication.caller(service, request)
    audit_id = request.args.get("entry", "")
    if not 0 < len(audit_id) <= _LONGEST_ID:
        raise BadRequest.of("required", "audit-entry", "Name the entry: /audit/proof?entry=ID, with the id that X-Audit-Entry told.")
    told = json.dumps(audit_log.proof(service, audit_id), ensure_ascii=False)
    return Response(told, headers=_HEADERS, content_type="application/json")
