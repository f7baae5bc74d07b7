"""Liveness and readiness, for load balancers and container engines."""

from flask import Flask
from flask.testing import FlaskClient

from service.app import create_app
from service.config import Settings
from service.storage import migrate
from service.storage.database import Database


def client(settings: Settings) -> FlaskClient:
    app: Flask = create_app(settings)
    return app.test_client()


def test_a_service_on_the_newest_schema_is_ready(settings: Settings) -> None:
    api = client(settings)
    assert (api.get("/livez").status_code, api.get("/readyz").status_code) == (200, 200)
    api.application.extensions["infusion_records"].database.dispose()


def test_a_service_on_an_older_schema_lives_but_is_not_ready(settings: Settings) -> None:
    api = client(settings)
    database: Database = api.application.extensions["infusion_records"].database
    migrate.downgrade(database, "base")
    answer = api.get("/readyz")
    assert (answer.status_code, api.get("/livez").status_code) == (503, 200)
    assert "db upgrade" in answer.text
    database.dispose()
