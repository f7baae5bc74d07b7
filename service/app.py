"""The WSGI application. gunicorn runs `service.app:create_app()`."""

import logging

from flask import Flask

from service import wiring
from service.config import Settings
from service.records import installation
from service.search import adoption
from service.web import fhir
from service.web.pages import views

_LOG = logging.getLogger("infusion_records.start")


def create_app(settings: Settings | None = None) -> Flask:
    """The application for `settings`, or for those of the environment. The database must be at the newest schema."""
    parts = wiring.service(settings or Settings.load())
    app = Flask("service.web", static_folder=None)
    app.extensions["infusion_records"] = parts
    fhir.register(app, parts)
    views.register(app, parts)
    for advice in filter(None, (adoption.advice(parts.registry), installation.advice(parts))):
        _LOG.warning(advice)
    return app
