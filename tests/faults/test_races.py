"""The races that the interface promises to win, through the real server with two workers and on both databases."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
import requests

from tests.faults.target import JSON, Target

THREADS = 24
_NUMBERS = count()


def _together(target: Target, work: Callable[[requests.Session, int], requests.Response]) -> list[requests.Response]:
    """What `work` got in each of many threads; 503 is sent again, as its Retry-After says."""

    def patiently(number: int) -> requests.Response:
        with target.live.session() as session:
            for _ in range(100):
                answer = work(session, number)
                if answer.status_code != 503:
                    return answer
                assert answer.headers["Retry-After"]
            return answer

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(patiently, range(THREADS)))


def _statuses(answers: list[requests.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


def _patient(value: str) -> dict[str, object]:
    return {"resourceType": "Patient", "identifier": [{"system": "http://races.example", "value": value}]}


def _condition(value: str) -> str:
    return f"identifier=http://races.example|{value}"


@pytest.fixture
def value() -> str:
    """An identifier that nobody has."""
    return f"race-{next(_NUMBERS)}"


def test_if_none_exist(target: Target, value: str) -> None:
    headers = {"Content-Type": JSON, "If-None-Exist": _condition(value)}
    answers = _together(target, lambda session, _: session.post(f"{target.live.url}/Patient", json=_patient(value), headers=headers))
    assert _statuses(answers) == {201: 1, 200: THREADS - 1}
    assert len({answer.headers["Location"] for answer in answers}) == 1


def test_if_none_exist_in_transactions_and_batches(target: Target, value: str) -> None:
    entry = {"resource": _patient(value), "request": {"method": "POST", "url": "Patient", "ifNoneExist": _condition(value)}}

    def send(session: requests.Session, number: int) -> requests.Response:
        bundle = {"resourceType": "Bundle", "type": ("batch", "transaction")[number % 2], "entry": [entry]}
        return session.post(f"{target.live.url}/", json=bundle, headers={"Content-Type": JSON})

    inner = Counter(answer.json()["entry"][0]["response"]["status"][:3] for answer in _together(target, send))
    assert inner == {"201": 1, "200": THREADS - 1}


def test_conditional_update(target: Target, value: str) -> None:
    def send(session: requests.Session, number: int) -> requests.Response:
        body = {**_patient(value), "birthDate": f"19{number:02}"}
        return session.put(f"{target.live.url}/Patient?{_condition(value)}", json=body, headers={"Content-Type": JSON})

    answers = _together(target, send)
    assert _statuses(answers) == {201: 1, 200: THREADS - 1}
    assert sorted(int(answer.headers["ETag"][3:-1]) for answer in answers) == list(range(1, THREADS + 1))


def test_one_etag(target: Target, value: str) -> None:
    made = target.send("POST", "/Patient", _patient(value))
    where = f"{target.live.url}/Patient/{made.json()['id']}"

    def send(session: requests.Session, number: int) -> requests.Response:
        body = {**made.json(), "birthDate": f"19{number:02}"}
        return session.put(where, json=body, headers={"Content-Type": JSON, "If-Match": made.headers["ETag"]})

    assert _statuses(_together(target, send)) == {200: 1, 412: THREADS - 1}
    assert target.session.get(where).headers["ETag"] == 'W/"2"'


def test_one_idempotency_key(target: Target, value: str) -> None:
    headers = {"Content-Type": JSON, "Idempotency-Key": value}
    answers = _together(target, lambda session, _: session.post(f"{target.live.url}/Patient", json=_patient(value), headers=headers))
    assert _statuses(answers) == {201: THREADS}
    assert len({(answer.headers["Location"], answer.content) for answer in answers}) == 1
    assert target.send("GET", f"/Patient?{_condition(value)}").json()["total"] == 1
