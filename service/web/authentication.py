"""Who asks. Until the service has authentication it binds to the loopback address only, and everyone there is one caller."""

from flask import Request

from service.records.context import Service
from service.security.caller import Caller

ANONYMOUS = "anonymous"

PUBLIC = frozenset({"health.livez", "health.readyz", "pages.home", "pages.docs", "pages.contract", "pages.static"})
"""The endpoints that need no caller."""


def caller(_service: Service, _request: Request) -> Caller:
    """Who sent the request."""
    return Caller.internal(ANONYMOUS)
