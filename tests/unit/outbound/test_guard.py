"""S-12 of the security tests: addresses in every disguise are refused, and no packet reaches a listener on loopback."""

import socket
from collections.abc import Iterator, Sequence
from ipaddress import IPv6Address, ip_address, ip_network

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from service.outbound.address import is_permitted, is_public, private_hosts
from service.outbound.client import Outbound
from service.outbound.connection import Endpoint
from service.outbound.destination import Destination, authority
from service.outbound.failure import Failed, OutboundError, Refused
from tests.unit.outbound.servers import at, unasked

SPELLINGS = [
    "127.0.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0x0.0x0.0x1",
    "0177.0.0.1",
    "017700000001",
    "127.1",
    "127.0.1",
    "127.0.0.1.",
    "127.000.000.001",
    "0",
    "0.0.0.0",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[0:0:0:0:0:0:0:1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[fe80::1%25lo]",
    "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
    "１２７.0.0.1",
    "127。0。0。1",
    "localhost%00.clinic.test",
    "clinic.test@127.0.0.1",
    "user:secret@localhost",
    "clinic.test\\@127.0.0.1",
    "127.0.0.1#.clinic.test",
    "%6c%6f%63%61%6c%68%6f%73%74",
    "localhost\t",
    "clinic.test, 127.0.0.1",
]
"""Spellings of this machine that some reader of URLs understands."""

FORBIDDEN = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "100.100.100.200", "100.127.255.255", "168.63.129.16", "192.0.0.192", "192.0.0.1", "192.0.2.1", "192.88.99.1",
    "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:7f00:1", "64:ff9b::7f00:1", "64:ff9b::808:808",
    "64:ff9b:1::1", "100::1", "2001::1", "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::1", "3fff::1",
    "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "ff0e::1",
]  # fmt: skip
PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "100.63.255.255",
    "100.128.0.1",
    "172.32.0.1",
    "192.0.1.1",
    "2606:4700::1111",
    "2a00:1450::1",
    "2001:4860::8888",
]


@pytest.fixture
def canary() -> Iterator[socket.socket]:
    """A listener on 127.0.0.1 that takes no connection unless a test asks whether there is one."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


def visited(canary: socket.socket) -> bool:
    """Whether somebody connected to the canary."""
    try:
        canary.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def refusal(way: Outbound, url: str, hosts: Sequence[str]) -> OutboundError:
    """How `way` ends a request to `url`."""
    with pytest.raises(OutboundError) as found:
        way.exchange(url, hosts)
    return found.value


def test_s12_there_are_thirty_spellings() -> None:
    assert len(set(SPELLINGS)) >= 30


@pytest.mark.parametrize("plain", [False, True], ids=["https", "http"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_s12_every_spelling_of_an_address_is_refused_before_anything_is_sent(spelling: str, plain: bool, canary: socket.socket) -> None:
    port = canary.getsockname()[1]
    way = Outbound(private_hosts("localhost=127.0.0.0/8, clinic.test=127.0.0.0/8"), plain=plain)
    url = f"{'http' if plain else 'https'}://{spelling}:{port}/"
    found = refusal(way, url, ["localhost", f"localhost:{port}", "clinic.test", f"clinic.test:{port}"])
    assert isinstance(found, Refused)
    assert found.reason in {"url-syntax", "url-address"}
    assert not visited(canary)


@pytest.mark.parametrize("spelling", ["127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "0.0.0.0"])
def test_s12_an_unguarded_client_reaches_the_canary(spelling: str, canary: socket.socket) -> None:
    with pytest.raises(requests.RequestException):
        requests.get(f"http://{spelling}:{canary.getsockname()[1]}/", timeout=0.2)
    assert visited(canary)


@pytest.mark.parametrize("text", FORBIDDEN)
def test_s12_a_name_with_a_forbidden_address_is_refused(text: str, canary: socket.socket) -> None:
    assert not is_public(ip_address(text))
    port = canary.getsockname()[1]
    for answer in ([text], ["8.8.8.8", text], [text, "8.8.8.8"]):
        found = refusal(Outbound(lookup=at(*answer)), f"https://a.example:{port}/", [f"a.example:{port}"])
        assert (type(found), found.reason) == (Refused, "address-forbidden")
    assert not visited(canary)


@pytest.mark.parametrize("text", PUBLIC)
def test_s12_public_addresses_pass(text: str) -> None:
    assert is_public(ip_address(text))
    assert is_permitted(ip_address(text), ())


@given(st.integers(0, 2**32 - 1))
def test_s12_no_form_of_ipv4_inside_ipv6_passes(number: int) -> None:
    for prefix in ("::", "::ffff:0:0", "64:ff9b::"):
        assert not is_public(IPv6Address(int(IPv6Address(prefix)) + number))
    assert not is_public(IPv6Address((0x2002 << 112) + (number << 80)))


def test_s12_localhost_by_name_is_refused(canary: socket.socket) -> None:
    port = canary.getsockname()[1]
    found = refusal(Outbound(), f"https://localhost:{port}/", [f"localhost:{port}"])
    assert (type(found), found.reason) == (Refused, "address-forbidden")
    assert not visited(canary)


@pytest.mark.parametrize(
    "url",
    [
        "http://keys.example/", "ftp://keys.example/", "file:///etc/passwd", "gopher://keys.example/", "data:text/plain,x",
        "//keys.example/",
        "keys.example", "", "https:keys.example", "https:///x", "https://", "https://keys.example:0/", "https://keys.example:65536/",
        "https://keys.example:99999999/", "https://keys.example:443x/", "https://keys.example/#fragment", "https://keys.example/a b",
        "https://keys.example/a\nb", "https://keys.example/\r\nX: y", "https://keys.example/\x00", "https://keys..example/",
        "https://-keys.example/", "https://keys_example/", "https://keys.example./", "https://KEYſ.example/", "https://\u212aeys.example/",
        "https://keys.example/caf\xe9", "https://keys.example/" + "a" * 2048, "https://" + "a" * 64 + ".example/", " https://keys.example/",
        "https://" + "a." * 130 + "example/", "https://user@keys.example/", "https://keys.example:443@other.example/",
    ],
)  # fmt: skip
def test_s12_urls_that_could_be_read_in_two_ways_are_refused(url: str) -> None:
    found = refusal(Outbound(lookup=unasked), url, ["keys.example", "eys.example", "keys.example:443"])
    assert isinstance(found, Refused)
    assert found.reason.startswith("url-")


@pytest.mark.parametrize(
    "host", ["keys.example.evil.test", "xkeys.example", "keys.example-evil.test", "example", "sub.keys.example", "evil.test"]
)
def test_s12_hosts_match_by_their_whole_name(host: str) -> None:
    found = refusal(Outbound(lookup=unasked), f"https://{host}/", ["keys.example"])
    assert found.reason == "host-unlisted"


@pytest.mark.parametrize(("url", "entry"), [("https://keys.example:8443/", "keys.example"), ("https://keys.example/", "keys.example:8443")])
def test_s12_the_port_is_part_of_the_list(url: str, entry: str) -> None:
    assert refusal(Outbound(lookup=unasked), url, [entry]).reason == "host-unlisted"


def test_s12_the_empty_list_lets_nothing_out() -> None:
    assert refusal(Outbound(), "https://keys.example/", []).reason == "host-unlisted"


def test_s12_a_name_without_address_is_a_failure() -> None:
    def unknown(_host: str, _port: int) -> Sequence[Endpoint]:
        raise socket.gaierror

    for lookup in (unknown, at()):
        found = refusal(Outbound(lookup=lookup), "https://keys.example/", ["keys.example"])
        assert (type(found), found.reason) == (Failed, "host-unknown")


def test_s12_texts_of_failures_hold_no_url() -> None:
    for url in ("https://keys.example/secret", "https://user:secret@keys.example/"):
        assert "secret" not in str(refusal(Outbound(), url, ["other.example"]))


def test_s12_sizes_are_kept_to_the_letter() -> None:
    longest = "https://keys.example/" + "a" * (2048 - 21)
    assert Destination.of(longest).url == longest
    host = ".".join(["a" * 63] * 3 + ["a" * 61])
    assert Destination.of(f"https://{host}:65535/").authority == authority(f"{host}:65535") == f"{host}:65535"
    for url in (longest + "a", f"https://{host}a/", "https://keys.example:65536/"):
        with pytest.raises(Refused) as refused:
            Destination.of(url)
        assert refused.value.reason == "url-syntax"


def test_s12_http_is_for_tests_alone() -> None:
    with pytest.raises(Refused) as refused:
        Destination.of("http://keys.example/")
    assert refused.value.reason == "url-scheme"
    assert Destination.of("http://keys.example/", plain=True).authority == "keys.example:80"


def test_s12_a_destination_is_read_once() -> None:
    found = Destination.of("HTTPS://Keys.Example:443/A?b=/c?d")
    assert (found.url, found.host, found.port, found.authority) == (
        "https://keys.example:443/A?b=/c?d",
        "keys.example",
        443,
        "keys.example",
    )
    assert Destination.of("https://keys.example:8443").authority == authority("Keys.example:8443") == "keys.example:8443"
    assert authority("keys.example:443") == "keys.example"


@pytest.mark.parametrize("entry", ["127.0.0.1", "*.example", "keys.example/path", "", "[::1]", "\u212aeys.example"])
def test_s12_a_list_holds_names(entry: str) -> None:
    with pytest.raises(Refused):
        authority(entry)


@pytest.mark.parametrize(
    ("granted", "address", "permitted"),
    [
        ("pacs", "10.1.2.3", True),
        ("pacs", "192.168.0.9", True),
        ("pacs", "fd12::1", True),
        ("pacs", "8.8.8.8", True),
        ("pacs", "127.0.0.1", False),
        ("pacs", "169.254.169.254", False),
        ("pacs", "100.64.0.1", False),
        ("pacs", "fd00:ec2::254", False),
        ("pacs", "::ffff:10.1.2.3", False),
        ("pacs=10.1.0.0/16", "10.1.2.3", True),
        ("pacs=10.1.0.0/16", "10.2.2.3", False),
        ("pacs=127.0.0.0/8", "127.0.0.1", True),
        ("pacs=127.0.0.0/8", "10.0.0.1", False),
        ("pacs=::1/128", "::1", True),
        ("pacs=100.64.0.0/10", "100.64.0.1", True),
        ("pacs=100.64.0.0/10", "100.100.100.200", False),
        ("pacs=10.1.0.0/16, pacs=10.2.0.0/16", "10.2.2.3", True),
        ("other", "10.1.2.3", False),
        ("", "10.1.2.3", False),
    ],
)
def test_s12_private_networks_only_for_named_hosts(granted: str, address: str, permitted: bool) -> None:
    assert is_permitted(ip_address(address), private_hosts(granted).get("pacs", ())) is permitted


@pytest.mark.parametrize("address", ["169.254.169.254", "0.0.0.0", "224.0.0.1", "168.63.129.16", "100.100.100.200"])
def test_s12_what_no_grant_may_give_is_not_permitted_by_any(address: str) -> None:
    assert not is_permitted(ip_address(address), [ip_network("0.0.0.0/0")])


@pytest.mark.parametrize(
    "text",
    ["pacs=169.254.0.0/16", "pacs=0.0.0.0/0", "pacs=10.0.0.0/7", "pacs=8.8.8.0/24", "pacs=nonsense", "pacs=", "=10.0.0.0/8", "pacs=::/0"],
)
def test_s12_grants_do_not_reach_further_than_private_networks(text: str) -> None:
    with pytest.raises(ValueError, match=r"pacs|no host"):
        private_hosts(text)
