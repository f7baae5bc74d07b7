"""Fixtures: a Service on each database."""

from tests.services import parts, service, shared_postgresql

__all__ = ["parts", "service", "shared_postgresql"]
