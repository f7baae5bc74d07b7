"""A URL that the service may be given to call, and the strict way in which it is read (https://www.rfc-editor.org/rfc/rfc3986).

Two programs that read one URL differently are how a check is talked past. So only URLs are taken that everybody reads alike: a scheme, a
DNS name in ASCII, perhaps a port, a path and a query. User names, backslashes, white space, percent signs in the host, addresses in any
spelling (127.0.0.1, 2130706433, 0x7f.1, 0177.0.0.1, 127.1, [::1]) and names that end in a number are refused.
"""

import re
from dataclasses import dataclass
from typing import Self

from service.outbound.failure import Refused

LONGEST = 2048
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = rf"{_LABEL}(?:\.{_LABEL})*"
_NAMED = re.compile(rf"(?P<host>{_HOST})(?::(?P<port>[1-9][0-9]{{0,4}}))?")
_URL = re.compile(
    rf"(?P<scheme>https?)://(?P<host>{_HOST})(?::(?P<port>[1-9][0-9]{{0,4}}))?"
    r"(?P<path>/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?(?:\?(?P<query>[A-Za-z0-9._~!$&'()*+,;=:@%/?|-]*))?"
)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a request goes: its URL as it is sent, and the host (in lower case) and port that it reaches."""

    url: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """What a list of hosts must hold for this destination: the host, and the port when it is not 443."""
        return _authority(self.host, self.port)

    @classmethod
    def of(cls, url: str, plain: bool = False) -> Self:
        """The destination of `url`; `plain` lets http pass, which only tests want.

        Raises Refused with the reason url-syntax, url-scheme or url-address.
        """
        if len(url) > LONGEST:
            raise Refused("url-syntax", f"The URL has more than {LONGEST} characters. Use a shorter one.")
        scheme, mark, rest = url.partition("://")
        authority = rest.partition("/")[0].partition("?")[0]
        found = _URL.fullmatch(scheme.lower() + mark + authority.lower() + rest[len(authority) :])
        if found is None or not url.isascii():  # some letters outside of ASCII become ASCII in lower case
            raise Refused("url-syntax", "The URL is not of the form https://host[:port][/path][?query] with a DNS name as host.")
        if found["scheme"] != "https" and not plain:
            raise Refused("url-scheme", "The URL does not begin with https://. Nothing is sent in clear.")
        host, port = found["host"], int(found["port"] or _PORTS[found["scheme"]])
        _require_name(host, port)
        return cls(found[0], host, port)


def authority(text: str) -> str:
    """One entry of a list of hosts, `host` or `host:port`, in the form that `Destination.authority` has. Raises Refused."""
    found = _NAMED.fullmatch(text.lower())
    if found is None or not text.isascii():
        raise Refused("url-syntax", "A host is written as a DNS name, with a port where that is not 443.")
    port = int(found["port"] or _PORTS["https"])
    _require_name(found["host"], port)
    return _authority(found["host"], port)


def _authority(host: str, port: int) -> str:
    return host if port == _PORTS["https"] else f"{host}:{port}"


def _require_name(host: str, port: int) -> None:
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        raise Refused("url-address", "The host is an address, or ends in a number. Use its DNS name.")
    if len(host) > 253 or port > 65535:
        raise Refused("url-syntax", "The host or the port of the URL is out of range.")
