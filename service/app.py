"""The WSGI application. gunicorn runs `service.app:create_app()`."""

import logging

from flask import Flask

from service import wiring
from service.config import Settings
from service.records import audit_log, installation, provider
from service.records.context import Service
from service.search import adoption
from service.storage import marks
from service.web import cors, discovery, fhir, headers, oauth, rates, register_exports
from service.web.pages import views
from service.web.proxy import Proxied, networks

_LOG = logging.getLogger("infusion_records.start")


def create_app(settings: Settings | None = None) -> Flask:
    """The application for `settings`, or for those of the environment. The database must be at the newest schema.

    Raises Unsafe for a database that was ever served without authentication, SettingsError for an OpenID provider that does not fit.
    """
    parts = wiring.service(settings or Settings.load())
    marks.require_never_open(parts.database)
    return composed(parts)


def composed(parts: Service) -> Flask:
    """The application on these parts."""
    provider.start(parts)
    app = Flask("service.web", static_folder=None)
    app.extensions["infusion_records"] = parts
    headers.register(app, parts)  # first, because what is done after a request is done in reverse
    fhir.register(app, parts)
    cors.register(app, parts)
    if parts.provider is None:
        oauth.register(app, parts)
    register_exports.register(app, parts)
    rates.register(app, parts)
    discovery.register(app, parts)
    views.register(app, parts)
    app.wsgi_app = Proxied(app.wsgi_app, networks(parts.settings.trusted_proxies))  # type: ignore[method-assign]
    for advice in filter(None, (adoption.advice(parts.registry), installation.advice(parts), audit_log.advice(parts))):
        _LOG.warning(advice)
    return app
