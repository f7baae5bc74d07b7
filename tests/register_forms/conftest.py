"""A clinic that handles controlled substances, on each database, and a clock that tests move."""

from dataclasses import replace

import pytest
from flask import Flask

from service.app import composed
from service.records.context import Service
from tests.people.clinic import Browser, Hand
from tests.register_forms.world import ZONE, founded
from tests.services import parts, service, shared_postgresql

__all__ = ["parts", "service", "shared_postgresql"]


@pytest.fixture
def hand() -> Hand:
    """The hand of the clock."""
    return Hand()


@pytest.fixture
def clinic(service: Service, hand: Hand) -> Service:
    """The service with its people and places: see tests.register_forms.world."""
    here = replace(service, clock=hand, settings=replace(service.settings, time_zone=ZONE))
    founded(here)
    return here


@pytest.fixture
def site(clinic: Service) -> Flask:
    """The application of the clinic."""
    return composed(clinic)


@pytest.fixture
def amy(site: Flask) -> Browser:
    """Amy's browser: a custodian of the north clinic, signed in."""
    return Browser(site).signed_in("amy")
