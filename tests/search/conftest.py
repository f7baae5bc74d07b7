"""A clinic on each database."""

import pytest

from service.fhir import definitions
from service.records.context import Service
from service.search.paging import Cursors
from service.search.parameter import Registry
from tests.search.clinic import Clinic
from tests.services import parts, service, shared_postgresql

__all__ = ["clinic", "parts", "service", "shared_postgresql"]

REGISTRY = Registry(definitions.load(), "http://clinic.example/fhir", "America/New_York")


@pytest.fixture
def clinic(service: Service) -> Clinic:
    """An empty clinic."""
    return Clinic(service.database, REGISTRY, Cursors(b"k" * 32))
