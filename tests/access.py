"""Who the tests are: the service itself where a test calls its functions, and a client that may do everything where it sends requests."""

from service.security.caller import Caller

TESTS = Caller.internal("tests")
"""Sees and changes everything."""
