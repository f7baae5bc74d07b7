"""gunicorn's own log says nothing of what a request said."""

import io
import logging

from gunicorn.config import Config

from service.server import Log

SECRET = "Lovelace"


def test_requests_that_cannot_be_parsed_or_served_leave_no_trace_of_themselves() -> None:
    log = Log(Config())
    stream = io.StringIO()
    log.error_log.addHandler(logging.StreamHandler(stream))
    parse_error = f"Invalid request from ip=127.0.0.1: Invalid HTTP request line: GET /fhir/Patient?name={SECRET}"
    log.warning(parse_error)
    log.warning("No keepalived connections can be handled. %s", "Check the number of threads.")
    try:
        raise RuntimeError(SECRET)
    except RuntimeError:
        log.exception("Error handling request %s", f"/fhir/Patient/{SECRET}")
    assert SECRET not in stream.getvalue()
    assert "RuntimeError" in stream.getvalue()
    assert "number of threads" in stream.getvalue()
