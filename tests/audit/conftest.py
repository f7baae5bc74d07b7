"""A Service on each database."""

from tests.services import ctx, parts, service, shared_postgresql

__all__ = ["ctx", "parts", "service", "shared_postgresql"]
