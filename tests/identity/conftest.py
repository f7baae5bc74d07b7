"""The parts of the application, and who sends requests to it without a token, for tests that get their own."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.records.context import Service


@pytest.fixture
def parts(app: Flask) -> Service:
    """The parts of the application."""
    found: Service = app.extensions["infusion_records"]
    return found


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A stranger."""
    return app.test_client()
