"""Bodies that no honest client sends, and how long the service takes to refuse each."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks import writes
from benchmarks.client import Peer, Request, Wrong, once, post

_BODY = 2 * 1024 * 1024
_TIMES = 5


@dataclass(frozen=True, slots=True)
class Refusal:
    """A hostile body: what it is, its size in bytes, the status that it got, and the slowest of a few tries in seconds."""

    name: str
    size: int
    status: int
    seconds: float


def refusals(peer: Peer, base: str) -> Iterator[Refusal]:
    """Send each a few times, one after the other. Raises Wrong for one that is not answered with a 4xx."""
    for name, body in _bodies().items():
        request = post(f"{base}/Observation", body, lambda _status, _body: None)
        yield _refused(peer, name, len(body), request)


def _refused(peer: Peer, name: str, size: int, request: Request) -> Refusal:
    slowest, status = 0.0, 0
    for _ in range(_TIMES):
        status, body, seconds = once(peer, request)
        slowest = max(slowest, seconds)
        if not 400 <= status < 500 or b"OperationOutcome" not in body:
            raise Wrong(f"{name}: answered {status} {body[:300]!r}")
    return Refusal(name, size, status, slowest)


def _bodies() -> dict[str, bytes]:
    honest = json.dumps(writes.vital(1, 1)).encode()
    return {
        "larger than the limit": honest.ljust(_BODY + 1),
        "2 MiB of opening brackets": b"[" * _BODY,
        "2 MiB of nested members": b'{"a":' * (_BODY // 6) + b"1" + b"}" * (_BODY // 6),
        "nested 33 deep": _with(honest, b'"x":' + b"[" * 33 + b"]" * 33),
        "a member twice": _with(honest, b'"status":"final"'),
        "200,000 members of one name": _with(honest, b",".join([b'"a":1'] * 200_000)),
        "150,000 unknown members": _with(honest, b",".join(b'"a%d":1' % number for number in range(150_000))),
        "300,000 empty objects": _with(honest, b'"extension":[' + b",".join([b"{}"] * 300_000) + b"]"),
        "a number of 5,000 digits": _with(honest, b'"valueInteger":' + b"9" * 5000),
        "a fraction of 5,000 digits": _with(honest, b'"x":0.' + b"9" * 5000),
        "an exponent of 999,999,999": _with(honest, b'"x":1e999999999'),
        "NaN": _with(honest, b'"x":NaN'),
        "half a surrogate pair": _with(honest, b'"x":"\\ud800"'),
        "a NUL": _with(honest, b'"x":"\\u0000"'),
        "2 MiB of backslashes": _with(honest, b'"x":"' + b"\\\\" * (_BODY // 2 - 2000) + b"\\"),
        "an open string of 2 MiB": b'{"x":"' + b"a" * (_BODY - 100),
        "not UTF-8": _with(honest, b'"x":"\xff"'),
        "a narrative of 100,000 elements": _with(honest, _narrative(100_000)),
    }


def _with(honest: bytes, member: bytes) -> bytes:
    return b"{" + member + b"," + honest[1:]


def _narrative(elements: int) -> bytes:
    return b'"text":{"status":"generated","div":"<div xmlns=\'http://www.w3.org/1999/xhtml\'>' + b"<b>" * elements + b'</div>"}'
