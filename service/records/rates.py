"""Limits on how often somebody may ask, and what the audit trail tells of those who asked more often.

Counted in whole minutes: of a client (of a person, where one is signed in), and by network address where nobody is known yet; of IPv6 the
first 64 bits, which are one subscriber. A limit of 0 is none. The first refusal of a minute is recorded at once; the worker
records how many there were when the minute is over. A flood fills no trail.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
"""

from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network

from service.audit.event import MINOR, Event
from service.audit.kinds import REFUSED
from service.clock import to_text
from service.errors import TooManyRequests
from service.records import sign_in, trail
from service.records.context import Service
from service.security.caller import NOBODY, Caller
from service.storage import rates
from service.storage.rates import Counter

REQUESTS = "requests"
STRANGERS = "strangers"
TOKENS = "tokens"
SIGN_IN = "sign-in"

_SECOND = 1_000_000
_WINDOW = 60
_TOLD = "429 Too Many Requests: rate-limit"
_WORKER = Caller.internal("worker")


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks: `subject` is what is counted, `caller` whom the audit trail names."""

    subject: str
    caller: Caller
    request_id: str = ""

    @classmethod
    def known(cls, caller: Caller, request_id: str = "") -> "Asking":
        """A client with a token; of a session, the person."""
        subject = f"{caller.client} {caller.user}" if caller.client == sign_in.CLIENT else caller.client
        return cls(subject, caller, request_id)

    @classmethod
    def stranger(cls, address: str, request_id: str = "") -> "Asking":
        """Whoever it is, at a network address."""
        return cls(_network(address), replace(NOBODY, address=address), request_id)


def require(service: Service, kind: str, asking: Asking) -> None:
    """Count one request. Raises TooManyRequests beyond the limit, Overloaded when the database cannot count."""
    limit = _limit(service, kind)
    if limit == 0 or asking.caller.is_internal:
        return
    now = service.clock() // _SECOND
    counter = Counter(kind, asking.subject, now // _WINDOW)
    if service.rates.admits(service.database, counter, limit):
        return
    if service.rates.refuses(service.database, counter):
        details = (("limit", kind), ("requests-a-minute", str(limit)))
        event = Event(REFUSED, MINOR, told=_TOLD, subject=f"rate {kind}", details=details)
        trail.record(service, event, asking.caller, asking.request_id)
    raise _too_many(kind, limit, _WINDOW - now % _WINDOW)


def sweep(service: Service) -> None:
    """Remove the counters of minutes that are over, and record how often they refused. In one transaction: each is told once."""
    before = service.clock() // (_SECOND * _WINDOW) - 1
    with service.database.write() as tx:
        for over in rates.ended(tx, before):
            trail.append(service, tx, _told(over), _WORKER)


def _told(over: rates.Refusals) -> Event:
    counter = over.counter
    details = (
        ("limit", counter.kind),
        ("subject", counter.subject),
        ("minute", to_text(counter.minute * _WINDOW * _SECOND)),
        ("refused-at-least", str(over.refused)),
    )
    return Event(REFUSED, MINOR, told=_TOLD, subject=f"rate {counter.kind}", details=details)


def _limit(service: Service, kind: str) -> int:
    settings = service.settings
    limits = {TOKENS: settings.rate_limit_tokens, SIGN_IN: settings.rate_limit_sign_in}
    return limits.get(kind, settings.rate_limit)


def _network(address: str) -> str:
    """The address; of IPv6 the network of one subscriber. What is no address (a socket of this machine) is counted as it is."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((int(found) >> 64 << 64, 64))) if found.version == 6 else address


def _too_many(kind: str, limit: int, seconds: int) -> TooManyRequests:
    error = TooManyRequests.of("throttled", "rate-limit", f"More than {limit} requests in a minute. Ask again in {seconds} seconds.")
    error.headers = {
        "Retry-After": str(seconds),
        "RateLimit-Policy": f'"{kind}";q={limit};w={_WINDOW}',
        "RateLimit": f'"{kind}";r=0;t={seconds}',
    }
    return error
