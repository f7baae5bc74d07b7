"""Exports of the register: how one stands, its files, and giving it up (https://hl7.org/fhir/R4/async.html).

    GET    /exports/{id}                  202 with X-Progress while it is made; then the list of its files; 500 when it failed
    DELETE /exports/{id}                  202: it is given up, its files are removed
    GET    /exports/{id}/files/{path}     one file
    GET    /exports/{id}/export.zip       all of them, made while it is sent

Files are sent piece by piece, never held. A refusal, a file and a giving-up are told to the audit trail before anything leaves; to look how
an export stands shows nothing of the record and is not.
"""

import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import RawIOBase
from pathlib import Path
from typing import Any

from flask import Flask, Response, g, request

from service.clock import to_text
from service.errors import Gone, Issue, TooManyRequests
from service.fhir import outcome
from service.fhir.document import encode
from service.records import audit_log, trail
from service.records.context import Context, Service
from service.records.register import exports
from service.records.register.exports import DONE, EXPIRED, FAILED, Export, File
from service.rest import audited, site_url
from service.rest.exchange import FhirResponse
from service.rest.precondition import http_date
from service.security.caller import NOBODY
from service.web import authentication, errors, negotiation

RETRY_SECONDS = 5
_PIECE = 1 << 16
_TYPES = {"csv": "text/csv", "pdf": "application/pdf", "ndjson": "application/fhir+ndjson"}
_PLAIN, _ZIP = "text/plain; charset=utf-8", "application/zip"
_LEDGER = ("ledger.ndjson", "vials.ndjson")
_FIRST = (1980, 1, 1, 0, 0, 0)
"""The date of every file in an archive: what a file is from stands in the manifest."""

Answer = Response | FhirResponse


def register(app: Flask, service: Service) -> None:
    """Adds the routes."""

    def add(name: str, rule: str, answer: Callable[..., Answer], methods: tuple[str, ...] = ("GET",)) -> None:
        def view(**places: str) -> Response:
            return _answered(service, lambda ctx: answer(ctx, **places))

        app.add_url_rule(rule, f"register_exports.{name}", view, methods=methods)

    add("state", f"{site_url.EXPORTS}/<id>", _state)
    add("cancel", f"{site_url.EXPORTS}/<id>", _cancel, ("DELETE",))
    add("file", f"{site_url.EXPORTS}/<id>/files/<path:path>", _file)
    add("archive", f"{site_url.EXPORTS}/<id>/export.zip", _archive)


def _answered(service: Service, answer: Callable[[Context], Answer]) -> Response:
    """The answer, once the audit trail has what it tells of."""
    ctx = Context(service, replace(NOBODY, address=request.remote_addr or ""), g.request_id)
    found: Answer
    try:
        ctx = replace(ctx, caller=authentication.caller(service, request))
        found = answer(ctx)
    except Exception as error:  # noqa: BLE001 - the edge: whatever happens, the client gets an OperationOutcome
        found = errors.answered(error)
        if not isinstance(error, TooManyRequests):
            trail.note(ctx, audited.refused(ctx, None, None, error))
    try:
        trail.settle(ctx)
    except Exception as error:  # noqa: BLE001 - whatever keeps the trail from being written keeps the answer back
        found = errors.answered(error)
    return found if isinstance(found, Response) else negotiation.presented(found, negotiation.Look())


def _state(ctx: Context, id: str) -> Answer:
    export = exports.view(ctx, id)
    if export.status == DONE:
        body = json.dumps(_listed(ctx, export), ensure_ascii=False, indent=2)
        return Response(body, headers={"Expires": http_date(export.expires)}, content_type="application/json")
    if export.status == FAILED:
        told = [Issue("error", "exception", "export", f"The export failed. {export.told}")]
        return FhirResponse(500, encode(outcome.tree(told)))
    if export.status == EXPIRED:
        raise Gone.of("deleted", "export", "The export has expired, and its files were removed. Ask for another at $cs-export.")
    progress = (export.progress or "waiting") if audit_log.state(ctx.service).is_alive else "waiting: no worker is alive to make it"
    return Response(status=202, headers={"X-Progress": progress[:100], "Retry-After": str(RETRY_SECONDS)})


def _cancel(ctx: Context, id: str) -> Answer:
    exports.cancel(ctx, id)
    return Response(status=202)


def _file(ctx: Context, id: str, path: str) -> Answer:
    [file] = exports.fetched(ctx, id, (path,)).values()
    return _download(_pieces(file), _content_type(path), path.rpartition("/")[2], file.size)


def _archive(ctx: Context, id: str) -> Answer:
    return _download(_zipped(exports.fetched(ctx, id, ())), _ZIP, f"register-{id}.zip")


def _download(pieces: Iterator[bytes], content_type: str, name: str, size: int | None = None) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    if size is not None:
        headers["Content-Length"] = str(size)
    return Response(pieces, headers=headers, content_type=content_type)


def _listed(ctx: Context, export: Export) -> dict[str, Any]:
    """The list of files in the shape of https://hl7.org/fhir/uv/bulkdata/export.html, and besides what is no FHIR resource."""
    rows = [(path, _described(ctx, export, path, size, digest)) for path, size, digest in export.files]
    fhir = [(path, told) for path, told in rows if path.endswith(".ndjson") and not path.endswith(_LEDGER)]
    period = {"start": to_text(export.since), "end": to_text(export.until)}
    return {
        "transactionTime": to_text(export.asked),
        "request": f"{ctx.service.settings.base_url}/$cs-export?start={period['start']}&end={period['end']}",
        "requiresAccessToken": True,
        "output": [{"type": path.rpartition("/")[2].removesuffix(".ndjson"), **told} for path, told in fhir],
        "error": [],
        "extension": {
            "period": period,
            "archive": site_url.export(ctx, export.id, "export.zip"),
            "files": [{"path": path, "contentType": _content_type(path), **told} for path, told in rows],
        },
    }


def _described(ctx: Context, export: Export, path: str, size: int, digest: str) -> dict[str, Any]:
    return {"url": site_url.export(ctx, export.id, "files", path), "size": size, "sha256": digest}


def _content_type(path: str) -> str:
    return _TYPES.get(path.rpartition(".")[2], _PLAIN)


def _pieces(file: File) -> Iterator[bytes]:
    with file.path.open("rb") as source:
        while piece := source.read(_PIECE):
            yield piece


class _Pipe(RawIOBase):
    """What is written to it is read by somebody else."""

    def __init__(self) -> None:
        self.held: list[bytes] = []

    def writable(self) -> bool:
        """That it can be written to."""
        return True

    def write(self, piece: Any) -> int:
        """Keep a piece."""
        self.held.append(bytes(piece))
        return len(piece)

    def taken(self) -> bytes:
        """What was written since it was last asked for."""
        held, self.held = self.held, []
        return b"".join(held)


def _zipped(files: dict[str, File]) -> Iterator[bytes]:
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, file in files.items():
            entry = zipfile.ZipInfo(str(Path("register") / name), _FIRST)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            with archive.open(entry, "w", force_zip64=True) as place:
                for piece in _pieces(file):
                    place.write(piece)
                    yield pipe.taken()
    yield pipe.taken()
