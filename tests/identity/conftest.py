"""The application on a service of the tests, and a stranger to it, for tests that get their own tokens."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.app import composed
from service.records.context import Service
from tests.services import ctx, parts, service, shared_postgresql

__all__ = ["ctx", "parts", "service", "shared_postgresql"]


@pytest.fixture
def app(service: Service) -> Flask:
    """The application on that service."""
    return composed(service)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A stranger."""
    return app.test_client()
