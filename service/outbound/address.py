"""Which IP addresses may be spoken to.

The rule for IPv6 names what is allowed: the global unicast block 2000::/3 but for the parts that lead elsewhere. Loopback, unspecified,
IPv4 in IPv6 in its forms (::ffff:0:0/96, ::/96, 64:ff9b::/96), link-local, unique local and multicast addresses lie outside of it.
For IPv4 the rule names what is forbidden. Python's own `is_private` and `is_global` are not asked: they change between releases
and let carrier-grade NAT (100.64.0.0/10), 6to4 and NAT64 pass.

https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry
"""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
PrivateHosts = Mapping[str, tuple[Network, ...]]
"""The hosts in private networks that may be spoken to, each with the networks in which its addresses must lie."""


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


_FORBIDDEN_4 = _networks(
    "0.0.0.0/8",  # this host; Linux takes 0.0.0.0 for loopback
    "10.0.0.0/8",
    "100.64.0.0/10",  # carrier-grade NAT; clouds put internal services there
    "127.0.0.0/8",
    "168.63.129.16/32",  # a public-looking address that Azure answers from inside
    "169.254.0.0/16",  # link-local; the metadata services of clouds
    "172.16.0.0/12",
    "192.0.0.0/24",  # protocol assignments; 192.0.0.192 is a metadata service
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",  # 6to4 relays
    "192.168.0.0/16",
    "192.175.48.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",  # reserved, and broadcast
)
_GLOBAL_6 = ip_network("2000::/3")
_FORBIDDEN_6 = _networks(
    "2001::/23",  # Teredo, ORCHID, benchmarking
    "2001:db8::/32",
    "2002::/16",  # 6to4: an IPv4 address in disguise
    "2620:4f:8000::/48",
    "3fff::/20",
)
_PRIVATE = _networks("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
_GRANTABLE = (*_PRIVATE, *_networks("100.64.0.0/10", "127.0.0.0/8", "::1/128"))
_NEVER_GRANTED = _networks("fd00:ec2::/32", "fd20:ce::/32", "100.100.100.200/32")  # metadata services inside private networks


def is_public(address: Address) -> bool:
    """Whether `address` belongs to the public internet."""
    if isinstance(address, IPv4Address):
        return not _within(address, _FORBIDDEN_4)
    return address in _GLOBAL_6 and not _within(address, _FORBIDDEN_6)


def is_permitted(address: Address, networks: Iterable[Network]) -> bool:
    """Whether `address` may be spoken to: it is public, or lies in one of the private `networks` granted to its host."""
    if is_public(address):
        return True
    return _within(address, networks) and _within(address, _GRANTABLE) and not _within(address, _NEVER_GRANTED)


def private_hosts(text: str) -> PrivateHosts:
    """What an administrator grants: entries separated by commas, each `host` or `host=network`, more networks as more entries.

    A host without a network may lie in 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 and fc00::/7; another network must be named and
    lie in one of these, in 100.64.0.0/10 or in loopback. ValueError names the entry that is malformed or reaches too far.
    """
    granted: dict[str, tuple[Network, ...]] = {}
    for entry in filter(None, map(str.strip, text.split(","))):
        name, _, network = (part.strip() for part in entry.partition("="))
        if not name:
            raise ValueError(f"{entry!r} names no host.")
        granted[name.lower()] = (*granted.get(name.lower(), ()), *(_granted(entry, network) if "=" in entry else _PRIVATE))
    return granted


def _granted(entry: str, text: str) -> tuple[Network, ...]:
    try:
        network = ip_network(text)
    except ValueError:
        raise ValueError(f"{entry!r}: {text!r} is no network such as 10.1.0.0/16.") from None
    if not any(_lies_within(network, outer) for outer in _GRANTABLE):
        raise ValueError(f"{entry!r}: {text} is no part of a private network, of 100.64.0.0/10 or of loopback.")
    return (network,)


def _lies_within(inner: Network, outer: Network) -> bool:
    return inner.network_address in outer and inner.prefixlen >= outer.prefixlen


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)
