"""Who asks. Until the service has authentication it binds to the loopback address only, and everyone there is one caller."""

from flask import Request

ANONYMOUS = "anonymous"

PUBLIC = frozenset({"health.livez", "health.readyz", "pages.home", "pages.docs", "pages.contract", "pages.static"})
"""The endpoints that need no caller."""


def client(_request: Request) -> str:
    """The name of the client that sent the request."""
    return ANONYMOUS
