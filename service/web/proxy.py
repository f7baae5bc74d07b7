"""The proxy in front: whom it speaks for, and that nobody comes around it.

The address of a request is that of the connection, unless the connection comes from a trusted proxy: then it is the last address in
X-Forwarded-For that is not a trusted proxy's own. What others write into that header is not believed. Where proxies are trusted, every
other connection that is not from this machine is refused, since it did not come over TLS; only its health may be asked for by anyone.
https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/X-Forwarded-For
"""

import ipaddress
from collections.abc import Iterable
from typing import Any

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_HEALTH = ("/livez", "/readyz")
_REFUSAL = b"This service is reached through its proxy only.\n"


def networks(text: str) -> tuple[Network, ...]:
    """Addresses and networks, separated by commas. Raises ValueError for anything else."""
    return tuple(ipaddress.ip_network(one.strip()) for one in text.split(",") if one.strip())


class Proxied:
    """A WSGI application behind the proxies of `trusted`; with none, it leaves everything as it is."""

    def __init__(self, application: Any, trusted: tuple[Network, ...]) -> None:
        self._application = application
        self._trusted = trusted

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request, by the address of who sent it."""
        peer = _address(environ.get("REMOTE_ADDR", ""))
        if self._trusted and self._is_trusted(peer):
            environ = {**environ, "REMOTE_ADDR": self._sender(environ)}
        elif self._trusted and not (peer and peer.is_loopback) and environ.get("PATH_INFO") not in _HEALTH:
            start_response("421 Misdirected Request", [("Content-Type", "text/plain"), ("Content-Length", str(len(_REFUSAL)))])
            return (_REFUSAL,)
        answer: Iterable[bytes] = self._application(environ, start_response)
        return answer

    def _sender(self, environ: dict[str, Any]) -> str:
        """The last hop that is no proxy of ours; the proxy itself where it tells none, or nonsense."""
        for hop in reversed(environ.get("HTTP_X_FORWARDED_FOR", "").split(",")):
            address = _address(hop.strip())
            if address is None:
                break
            if not self._is_trusted(address):
                return str(address)
        return str(environ["REMOTE_ADDR"])

    def _is_trusted(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._trusted)


def _address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
