"""The registry that the tests of this folder read with: the served types, a base of its own, a zone with daylight saving."""

from service.fhir import definitions
from service.search.parameter import Registry

BASE = "http://clinic.example/fhir"
ZONE = "America/New_York"
REGISTRY = Registry(definitions.load(), BASE, ZONE)
EVERY_TYPE = Registry(definitions.load("all"), BASE, ZONE)
