"""Whether an address is this machine's own: whoever is let in only from there needs no protected way."""

import ipaddress
from urllib.parse import urlsplit

_NAME = "localhost"


def is_loopback(host: str) -> bool:
    """Whether `host`, an address or a name, is this machine's loopback. No name but localhost is looked at, none is looked up."""
    try:
        return host == _NAME or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_loopback_url(url: str) -> bool:
    """Whether the host of `url`, or of `//host:port`, is this machine's loopback."""
    try:
        return is_loopback(urlsplit(url).hostname or "")
    except ValueError:
        return False
