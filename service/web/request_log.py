"""One line of JSON for each request: what kind of request it was, how it ended and how long it took. Never what it was about.

No query strings, bodies, ids, names or exception messages: they may be about a patient. The route is a template.
"""

import json
import logging
import re
import sys
import uuid

from flask import Flask, Response, g, request

from service import clock

LOGGER = logging.getLogger("infusion_records")

_SANE_ID = re.compile(r"[A-Za-z0-9._\-]{1,64}")
_FIELDS = ("request_id", "method", "route", "type", "status", "milliseconds", "exception", "frames")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class JsonLines(logging.Formatter):
    """Log records as JSON, one line each, with the fields that a request may show."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of one record."""
        line = {"time": clock.to_text(int(record.created * 1_000_000)), "level": record.levelname, "message": record.getMessage()}
        line |= {name: getattr(record, name) for name in _FIELDS if hasattr(record, name)}
        return json.dumps(line, ensure_ascii=False)


def configure(level: str) -> None:
    """Sends the service's log to standard output as JSON lines; a second call only sets the level."""
    if not any(isinstance(one.formatter, JsonLines) for one in LOGGER.handlers):
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(JsonLines())
        LOGGER.addHandler(handler)
        LOGGER.propagate = False
    LOGGER.setLevel(level)


def register(app: Flask) -> None:
    """Gives each request an id and logs how it ended."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    offered = request.headers.get("X-Request-Id", "")
    g.request_id = offered if _SANE_ID.fullmatch(offered) else str(uuid.uuid4())
    g.started = clock.monotonic()


def _end(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    LOGGER.info(
        "request",
        extra={
            "request_id": g.request_id,
            "method": request.method if request.method in _METHODS else "other",
            "route": g.get("route") or _rule(),
            "type": g.get("type"),
            "status": response.status_code,
            "milliseconds": round((clock.monotonic() - g.started) * 1000, 1),
        },
    )
    return response


def _rule() -> str:
    return str(request.url_rule) if request.url_rule else "unmatched"
