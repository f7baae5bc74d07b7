"""Counts requests once it is known who asks, or that nobody can tell."""

from flask import g, request

from service.records import rates
from service.records.context import Service
from service.records.rates import Asking
from service.security.caller import NOBODY, Caller


def known(service: Service, caller: Caller) -> Caller:
    """The caller, who has been counted. Raises TooManyRequests."""
    if caller.client == NOBODY.client:
        stranger(service)
    else:
        rates.require(service, rates.REQUESTS, Asking.known(caller, g.get("request_id", "")))
    return caller


def stranger(service: Service, kind: str = rates.STRANGERS) -> None:
    """Count somebody at a network address, of whom no more is known. Raises TooManyRequests."""
    rates.require(service, kind, Asking.stranger(request.remote_addr or "", g.get("request_id", "")))
