"""A provider, and a service that lets it say who asks."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.app import create_app
from service.config import Settings
from tests.external.provider import Provider, running


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Provider]:
    """A provider that runs."""
    with running(tmp_path) as made:
        yield made


@pytest.fixture
def outside(settings: Settings, provider: Provider) -> Iterator[Flask]:
    """The application in the external mode, on an empty database."""
    app = create_app(provider.settings(settings))
    yield app
    app.extensions["infusion_records"].database.dispose()


@pytest.fixture
def browser(outside: Flask) -> FlaskClient:
    """Sends requests to it."""
    return outside.test_client()
