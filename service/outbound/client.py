"""A request to another server, guarded. `Outbound(...).exchange(...)` is the only way in which the service makes one.

What is guarded against, and in which order, is told by the package's docstring.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from ipaddress import ip_address

import requests
from urllib3.exceptions import HTTPError
from urllib3.exceptions import TimeoutError as ReadTimeout

from service import clock
from service.outbound.address import PrivateHosts, is_permitted
from service.outbound.connection import Endpoint, Line, Lookup, PinnedAdapter, system_lookup, within
from service.outbound.destination import Destination, authority
from service.outbound.failure import Failed, Refused

_CHUNK = 16 * 1024
_NOT_MODIFIED = 304
_METHODS = frozenset({"GET", "POST", "PUT", "HEAD"})
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?|")
_OUR_HEADERS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "cookie",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that belong to the connection or to the guard: nobody else may set them."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an exchange may take: bytes of the answer's body, seconds to connect, between two reads, and in all."""

    body_bytes: int = 64 * 1024
    connect_seconds: float = 3.0
    read_seconds: float = 3.0
    total_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: method, headers and body."""

    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: any status but a redirect; header names are in lower case; the body is as it was sent."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Outbound:
    """The guarded way out.

    `private` are the hosts that may lie in private networks (`address.private_hosts`); `authorities` is a file of certificates to trust in
    place of the public ones; `plain` lets http pass and is meant for tests alone. `lookup` resolves names, `tick` measures seconds.
    """

    private: PrivateHosts = field(default_factory=dict)
    authorities: str | None = None
    plain: bool = False
    lookup: Lookup = system_lookup
    tick: Callable[[], float] = clock.monotonic

    def exchange(self, url: str, hosts: Collection[str], message: Message | None = None, limits: Limits | None = None) -> Reply:
        """Send `message` (a GET where none is given) to `url`, whose host must be one of `hosts` (`name`, or `name:port` if not 443).

        Raises Refused when the guard does not let it out, Failed when no acceptable answer came within the limits.
        """
        bounds, asked = limits or Limits(), message or Message()
        begun = self.tick()
        destination = Destination.of(url, self.plain)
        if destination.authority not in {authority(host) for host in hosts}:
            raise Refused("host-unlisted", "The host is not one that this request may go to.")
        prepared = _prepared(destination, asked)
        endpoints = self._endpoints(destination, bounds)
        left = bounds.total_seconds - (self.tick() - begun)
        if left <= 0:
            raise _too_slow()
        with Line(endpoints, left) as line:
            return self._sent(prepared, line, bounds)

    def _endpoints(self, destination: Destination, limits: Limits) -> list[Endpoint]:
        """The addresses of the host, each one permitted: a name that has one forbidden address is refused altogether."""
        try:
            found = within(limits.total_seconds, self.lookup, destination.host, destination.port)
        except OSError:
            raise Failed("host-unknown", "The host's name was not resolved.") from None
        granted = self.private.get(destination.host, ())
        for endpoint in found:
            if not is_permitted(ip_address(str(endpoint.address[0]).partition("%")[0]), granted):
                raise Refused("address-forbidden", "The host has an address that is not public.")
        if not found:
            raise Failed("host-unknown", "The host's name has no address.")
        return list(found)

    def _sent(self, prepared: requests.PreparedRequest, line: Line, limits: Limits) -> Reply:
        timeout = (limits.connect_seconds, limits.read_seconds)
        adapter = PinnedAdapter(line)
        try:
            with adapter.send(prepared, stream=True, timeout=timeout, verify=self.authorities or True, proxies={}) as response:
                return _reply(response, line, limits)
        except requests.exceptions.SSLError:
            raise _too_slow() if line.is_cut else Failed("not-trusted", "The server's certificate is not trusted.") from None
        except (requests.exceptions.Timeout, ReadTimeout, TimeoutError):
            raise _too_slow() from None
        except (requests.exceptions.RequestException, HTTPError, HTTPException, OSError):
            raise _too_slow() if line.is_cut else Failed("connection", "The connection failed or broke.") from None
        finally:
            adapter.close()


def _prepared(destination: Destination, message: Message) -> requests.PreparedRequest:
    if message.method not in _METHODS:
        raise Refused("method", "This method is not sent to other servers.")
    for name, value in message.headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value) or name.lower() in _OUR_HEADERS:
            raise Refused("header", "A header has a name or a value that may not be sent.")
    headers = {"User-Agent": "infusion-records", **message.headers, "Accept-Encoding": "identity", "Connection": "close"}
    return requests.Request(message.method, destination.url, headers=headers, data=message.body).prepare()


def _reply(response: requests.Response, line: Line, limits: Limits) -> Reply:
    """What the server answered, once it is known to be no redirect, not encoded and not too large."""
    status = response.status_code
    if 300 <= status < 400 and status != _NOT_MODIFIED:
        raise Failed("redirect", "The server sent the request on to another place. Redirects are not followed.")
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise Failed("encoding", "The server compressed its answer though it was asked not to.")
    body = _body(response, limits.body_bytes)
    if line.is_cut:
        raise _too_slow()
    return Reply(status, {name.lower(): value for name, value in response.headers.items()}, body)


def _body(response: requests.Response, most: int) -> bytes:
    body = bytearray()
    while chunk := response.raw.read1(min(_CHUNK, most + 1 - len(body)), decode_content=False):
        body += chunk
        if len(body) > most:
            raise Failed("too-large", f"The answer has more than {most} bytes.")
    return bytes(body)


def _too_slow() -> Failed:
    return Failed("too-slow", "The server did not answer in time.")
