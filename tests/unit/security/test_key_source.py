"""REG-R1, REG-R3 and REG-R4 of the security tests: keys at a URL, how long they are kept, and how they are fetched."""

import socket
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service.outbound.address import private_hosts
from service.outbound.client import Limits, Message, Outbound, Reply
from service.security.key_source import KeySource, KeysUnavailable, Published, seconds_to_keep, through
from tests.unit.outbound.servers import NAME, at, saying, serving, unasked
from tests.unit.security.signing import ES384, RS384, jwk, key_set, private

URL = "https://ehr.example/jwks.json"
OLD = key_set(jwk(private(ES384), kid="old"))
NEW = key_set(jwk(private(ES384), kid="old"), jwk(private(RS384), kid="new"))


class Ehr:
    """A client's server: what it answers can be changed, `asked` counts its requests, and its clock only moves when told to."""

    def __init__(self, body: bytes = OLD, cache_control: str | None = None) -> None:
        self.body: bytes | None = body
        self.cache_control = cache_control
        self.asked: list[str] = []
        self.time = 1000.0
        self.source = KeySource(self._fetch, self._tick)

    def _tick(self) -> float:
        self.time += 0.0001
        return self.time

    def _fetch(self, url: str) -> Published:
        self.asked.append(url)
        if self.body is None:
            raise KeysUnavailable("connection")
        return Published(self.body, self.cache_control)

    def has(self, id: str, algorithm: str = ES384, client_id: str = "ehr", url: str = URL) -> bool:
        """Whether the source finds the key."""
        return self.source.find(client_id, url, id, algorithm) is not None

    def fails(self, id: str = "old") -> str:
        """Why the source has no keys."""
        with pytest.raises(KeysUnavailable) as failure:
            self.has(id)
        return failure.value.reason


def test_reg_r1_keys_come_from_the_registered_url() -> None:
    ehr = Ehr()
    assert ehr.has("old")
    assert not ehr.has("old", RS384)
    assert ehr.asked[0] == URL


def test_reg_r1_a_new_url_is_asked_at_once() -> None:
    ehr = Ehr(cache_control="max-age=86400")
    assert ehr.has("old")
    assert ehr.has("old", url="https://ehr.example/other.json")
    assert ehr.asked == [URL, "https://ehr.example/other.json"]


@pytest.mark.parametrize(
    ("cache_control", "age", "seconds"),
    [
        (None, None, 300),
        ("", None, 300),
        ("public", None, 300),
        ("max-age=60", None, 60),
        ("public, max-age=60", None, 60),
        ("Max-Age=60", None, 60),
        ('max-age="60"', None, 60),
        ("max-age=0", None, 0),
        ("max-age=86400", None, 86400),
        ("max-age=31536000", None, 86400),
        ("max-age=9999999999", None, 86400),
        ("max-age=99999999999999999999", None, 0),
        ("max-age=-1", None, 0),
        ("max-age=1e9", None, 0),
        ("max-age=", None, 0),
        ("max-age", None, 0),
        ("max-age=60, max-age=600", None, 60),
        ("no-store", None, 0),
        ("no-cache", None, 0),
        ('no-cache="Set-Cookie", max-age=60', None, 0),
        ("max-age=60, no-store", None, 0),
        ("s-maxage=60", None, 300),
        ("max-age=60", "20", 40),
        ("max-age=60", "90", 0),
        ("max-age=60", "soon", 0),
        (None, "100", 200),
    ],
)
def test_reg_r3_how_long_an_answer_may_be_kept(cache_control: str | None, age: str | None, seconds: int) -> None:
    assert seconds_to_keep(cache_control, age) == seconds


@pytest.mark.parametrize(("cache_control", "seconds"), [(None, 300), ("max-age=30", 30), ("max-age=999999", 86400)])
def test_reg_r3_keys_are_kept_so_long_and_no_longer(cache_control: str | None, seconds: int) -> None:
    ehr = Ehr(cache_control=cache_control)
    assert ehr.has("old")
    ehr.time += seconds - 1
    assert ehr.has("old")
    assert len(ehr.asked) == 1
    ehr.time += 2
    assert ehr.has("old")
    assert len(ehr.asked) == 2


@pytest.mark.parametrize("cache_control", ["max-age=0", "no-store", "no-cache"])
def test_reg_r3_what_may_not_be_kept_is_asked_for_each_time(cache_control: str) -> None:
    ehr = Ehr(cache_control=cache_control)
    assert [ehr.has("old") for _ in range(3)] == [True] * 3
    assert len(ehr.asked) == 3
    assert not ehr.has("unknown")
    assert len(ehr.asked) == 4


def test_reg_r3_a_key_that_was_taken_away_is_gone_when_the_set_expires() -> None:
    ehr = Ehr(NEW, "max-age=60")
    assert ehr.has("new", RS384)
    ehr.body = OLD
    assert ehr.has("new", RS384)
    ehr.time += 61
    assert not ehr.has("new", RS384)


def test_reg_r3_an_unknown_key_is_looked_for_once_a_minute() -> None:
    ehr = Ehr(cache_control="max-age=86400")
    assert ehr.has("old")
    ehr.body = NEW
    assert ehr.has("new", RS384)
    assert len(ehr.asked) == 2
    assert [ehr.has("third") for _ in range(50)] == [False] * 50
    assert len(ehr.asked) == 2
    ehr.time += 59.9
    assert not ehr.has("third")
    assert len(ehr.asked) == 2
    ehr.time += 0.1
    assert [ehr.has("third") for _ in range(50)] == [False] * 50
    assert len(ehr.asked) == 3
    ehr.time += 61
    assert ehr.has("old")
    assert len(ehr.asked) == 3


def test_reg_r3_one_client_does_not_use_up_the_refetch_of_another() -> None:
    ehr = Ehr(cache_control="max-age=86400")
    for client_id in ("ehr", "gateway"):
        assert ehr.has("old", client_id=client_id)
        assert not ehr.has("unknown", client_id=client_id)
    assert len(ehr.asked) == 4


def test_reg_r3_a_fresh_set_is_not_fetched_twice() -> None:
    ehr = Ehr()
    assert not ehr.has("unknown")
    assert len(ehr.asked) == 1


def test_reg_r3_old_keys_do_not_stand_in_for_a_set_that_cannot_be_had() -> None:
    ehr = Ehr(cache_control="max-age=60")
    assert ehr.has("old")
    ehr.body = None
    ehr.time += 61
    assert ehr.fails() == "connection"
    ehr.body = OLD
    ehr.time += 11
    assert ehr.has("old")


def test_reg_r3_a_failed_refetch_leaves_the_kept_keys() -> None:
    ehr = Ehr(cache_control="max-age=600")
    assert ehr.has("old")
    ehr.body = None
    assert ehr.fails("unknown") == "connection"
    assert ehr.has("old")
    assert len(ehr.asked) == 2


def test_reg_r3_a_server_that_fails_is_left_alone_for_a_moment() -> None:
    ehr = Ehr()
    ehr.body = None
    assert [ehr.fails() for _ in range(50)] == ["connection"] * 50
    assert len(ehr.asked) == 1
    ehr.body = OLD
    ehr.time += 9.9
    assert ehr.fails() == "connection"
    ehr.time += 0.1
    assert ehr.has("old")


def test_reg_r3_an_unfit_set_is_no_set() -> None:
    ehr = Ehr(cache_control="max-age=60")
    assert ehr.has("old")
    ehr.body = key_set(jwk(private(ES384), kid="old", d="c2VjcmV0"))
    ehr.time += 61
    assert ehr.fails() == "unfit"


def test_reg_r3_threads_that_wait_share_one_answer() -> None:
    gate, asked, arrived = threading.Event(), [], set()

    def fetch(url: str) -> Published:
        asked.append(url)
        gate.wait(30)
        return Published(OLD, "no-store")

    def tick() -> float:
        arrived.add(threading.get_ident())
        if len(arrived) == 8:
            gate.set()
        return time.monotonic()

    source = KeySource(fetch, tick)
    with ThreadPoolExecutor(8) as threads:
        waiting = [threads.submit(source.find, "ehr", URL, "old", ES384) for _ in range(8)]
        assert all(one.result(30) for one in waiting)
    assert len(arrived) == 8
    assert 1 <= len(asked) <= 2, "eight requests that wait for one set need it once more at most"


def test_reg_r3_a_slow_client_does_not_hold_up_another() -> None:
    gate = threading.Event()

    def fetch(url: str) -> Published:
        if "slow" in url:
            gate.wait(30)
        return Published(OLD)

    source = KeySource(fetch)
    with ThreadPoolExecutor(2) as threads:
        slow = threads.submit(source.find, "slow", "https://slow.example/", "old", ES384)
        assert source.find("ehr", URL, "old", ES384)
        assert not slow.done()
        gate.set()
        assert slow.result(30)


def _fetched(folder: Path, answer: Callable[[socket.socket], None]) -> Published:
    with serving(answer, str(folder)) as server:
        outbound = Outbound(private_hosts(f"{NAME}=127.0.0.0/8"), server.authorities, lookup=at("127.0.0.1"))
        return through(outbound)(f"https://{NAME}:{server.port}/jwks.json")


def test_reg_r4_keys_are_fetched_through_the_guard(tmp_path: Path) -> None:
    head = f"HTTP/1.1 200 OK\r\nCache-Control: max-age=7\r\nAge: 2\r\nContent-Length: {len(OLD)}\r\n\r\n"
    assert _fetched(tmp_path, saying(head.encode(), OLD)) == Published(OLD, "max-age=7", "2")


@pytest.mark.parametrize(
    ("head", "body", "reason"),
    [
        ("200 OK", b" " * 65537, "too-large"),
        ("302 Found\r\nLocation: https://ehr.example/", OLD, "redirect"),
        ("404 Not Found", OLD, "status"),
        ("500 Oops", OLD, "status"),
        ("304 Not Modified", b"", "status"),
        ("204 No Content", b"", "status"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_reg_r4_what_is_no_plain_answer_is_no_set(head: str, body: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(KeysUnavailable) as failure:
        _fetched(tmp_path, saying(f"HTTP/1.1 {head}\r\n\r\n".encode(), body))
    assert failure.value.reason == reason


def test_reg_r4_the_host_is_the_registered_one_and_the_limits_are_kept() -> None:
    class Recording(Outbound):
        def exchange(self, url: str, hosts: Collection[str], message: Message | None = None, limits: Limits | None = None) -> Reply:
            called.append((url, list(hosts), message.method if message else "", limits))
            return Reply(200, {}, OLD)

    called: list[tuple[str, list[str], str, Limits | None]] = []
    assert through(Recording())("https://ehr.example:8443/jwks.json?a=b") == Published(OLD)
    assert called == [("https://ehr.example:8443/jwks.json?a=b", ["ehr.example:8443"], "GET", Limits(65536, 3, 3, 3))]


def test_reg_r4_64_kib_are_read(tmp_path: Path) -> None:
    assert len(_fetched(tmp_path, saying(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 65536)).body) == 65536


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://ehr.example/jwks.json", "url-scheme"),
        ("file:///etc/passwd", "url-syntax"),
        ("https://127.0.0.1/jwks.json", "url-address"),
        ("https://user@ehr.example/", "url-syntax"),
    ],
)
def test_reg_r4_other_urls_are_not_called(url: str, reason: str) -> None:
    with pytest.raises(KeysUnavailable) as failure:
        through(Outbound(lookup=unasked))(url)
    assert failure.value.reason == reason


def test_reg_r4_a_host_inside_is_not_called() -> None:
    with pytest.raises(KeysUnavailable) as failure:
        through(Outbound(lookup=at("10.0.0.1")))(URL)
    assert failure.value.reason == "address-forbidden"
