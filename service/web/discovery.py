"""The two documents that anyone may read: SMART's configuration below the FHIR base, and that of the authorization server.

Both are JSON whatever the client would like better, and the same for everyone.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, json

from service.records.context import Service
from service.rest import discovery

_HEADERS = {"Cache-Control": "public, max-age=300", "X-Content-Type-Options": "nosniff"}


def register(app: Flask, service: Service) -> None:
    """Adds both documents to `app`: the second only where tokens are our own."""
    base = urlsplit(service.settings.base_url).path.rstrip("/")
    documents = {f"{base}/.well-known/smart-configuration": ("discovery.smart", discovery.smart_configuration(service))}
    if service.provider is None:
        documents["/.well-known/oauth-authorization-server"] = ("discovery.server", discovery.authorization_server(service))
    for rule, (endpoint, tree) in documents.items():
        text = _document(tree)
        app.add_url_rule(rule, endpoint, lambda text=text: _answer(text), methods=["GET"], provide_automatic_options=False)


def _document(tree: Mapping[str, Any]) -> str:
    return json.dumps(tree)


def _answer(text: str) -> Response:
    return Response(text, 200, _HEADERS, content_type="application/json")
