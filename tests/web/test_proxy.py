"""The proxy in front is believed, nobody else is; and behind a proxy nobody comes around it."""

from collections.abc import Iterable
from typing import Any

import pytest

from service.web.proxy import Proxied, networks

TRUSTED = "192.0.2.7, 10.0.0.0/24, 2001:db8::/64"


def _seen(trusted: str, peer: str, path: str = "/fhir/Patient", **headers: str) -> tuple[str, str]:
    """Status, and the address that the application sees."""
    seen: list[str] = []
    statuses: list[str] = []

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        seen.append(environ["REMOTE_ADDR"])
        start_response("200 OK", [])
        return ()

    environ = {"REMOTE_ADDR": peer, "PATH_INFO": path, **{f"HTTP_{name}": value for name, value in headers.items()}}
    before = dict(environ)
    list(Proxied(application, networks(trusted))(environ, lambda status, _headers: statuses.append(status)))
    assert environ == before
    return statuses[0][:3], seen[0] if seen else ""


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.7", "198.51.100.9", "198.51.100.9"),
        ("10.0.0.99", "198.51.100.9", "198.51.100.9"),
        ("2001:db8::5", "2001:db8:1::9", "2001:db8:1::9"),
        ("192.0.2.7", "203.0.113.1, 198.51.100.9", "198.51.100.9"),
        ("192.0.2.7", "203.0.113.1, 198.51.100.9, 10.0.0.3", "198.51.100.9"),
        ("192.0.2.7", "10.0.0.3", "192.0.2.7"),
        ("192.0.2.7", "", "192.0.2.7"),
        ("192.0.2.7", "198.51.100.9, nonsense", "192.0.2.7"),
        ("192.0.2.7", "127.0.0.1\r\nX: y", "192.0.2.7"),
        ("127.0.0.1", "198.51.100.9", "127.0.0.1"),
    ],
)
def test_the_address_is_what_the_nearest_proxy_saw(peer: str, forwarded: str, address: str) -> None:
    assert _seen(TRUSTED, peer, X_FORWARDED_FOR=forwarded) == ("200", address)


@pytest.mark.parametrize("header", ["X_FORWARDED_FOR", "FORWARDED", "X_REAL_IP"])
@pytest.mark.parametrize("peer", ["127.0.0.1", "198.51.100.1"])
def test_without_proxies_no_header_is_believed(peer: str, header: str) -> None:
    assert _seen("", peer, **{header: "203.0.113.1"}) == ("200", peer)


@pytest.mark.parametrize("peer", ["198.51.100.1", "10.0.1.1", "", "unix:"])
def test_nobody_comes_around_the_proxy(peer: str) -> None:
    assert _seen(TRUSTED, peer, X_FORWARDED_FOR="192.0.2.7")[0] == "421"


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_whoever_watches_may_ask_how_it_is(path: str) -> None:
    assert _seen(TRUSTED, "198.51.100.1", path) == ("200", "198.51.100.1")


@pytest.mark.parametrize("text", ["nonsense", "10.0.0.0/33", "10.0.0.1/24", "example.com"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        networks(text)
