"""Idempotency-Key: the first answer again, and nothing written twice (both databases)."""

from dataclasses import replace

import pytest

from service import clock
from service.errors import Unprocessable
from service.records import commit as commits
from service.records import read
from service.records.commit import commit_once
from service.records.context import Context
from service.records.read import HistoryQuery
from service.records.receipt import Answer, Receipt
from tests.records.samples import address, create, patient

HOUR = 3_600_000_000


def _receipt(key: str | None = "k", body_hash: str = "h", client: str = "c", route: str = "POST /Patient") -> Receipt:
    def conclude(ctx: Context, committed) -> Answer:
        return Answer(201, {"Location": address(committed[0])}, str(committed[0].text))

    return Receipt(client, route, key, body_hash, conclude)


def _count(ctx: Context) -> int:
    return read.history(ctx, HistoryQuery()).total


def _send(ctx: Context, receipt: Receipt) -> Answer:
    return commit_once(ctx, [create(patient("1"))], receipt)


def _at(ctx: Context, instant: int) -> Context:
    return replace(ctx, service=replace(ctx.service, clock=clock.fixed(instant)))


def test_a_repeated_request_gets_the_first_answer(ctx: Context) -> None:
    first = _send(ctx, _receipt())
    assert first.status == 201
    assert _send(ctx, _receipt()) == first
    assert _count(ctx) == 1


def test_the_same_key_with_another_body_is_refused(ctx: Context) -> None:
    _send(ctx, _receipt())
    with pytest.raises(Unprocessable, match="Idempotency-Key"):
        _send(ctx, _receipt(body_hash="other"))
    assert _count(ctx) == 1


def test_a_key_belongs_to_its_client_and_its_route(ctx: Context) -> None:
    _send(ctx, _receipt())
    for other in (_receipt(client="d"), _receipt(route="POST /Observation"), _receipt(key="l")):
        _send(ctx, other)
    assert _count(ctx) == 4


def test_without_a_key_nothing_is_kept(ctx: Context) -> None:
    assert _send(ctx, _receipt(key=None)) != _send(ctx, _receipt(key=None))
    assert _count(ctx) == 2


def test_a_key_is_kept_for_the_hours_of_the_setting(ctx: Context) -> None:
    start = clock.now()
    hours = ctx.service.settings.idempotency_hours
    first = _send(_at(ctx, start), _receipt())
    assert _send(_at(ctx, start + hours * HOUR - 1), _receipt()) == first
    assert _send(_at(ctx, start + hours * HOUR), _receipt()) != first
    assert _count(ctx) == 2


def test_an_expired_key_may_come_with_another_body(ctx: Context) -> None:
    start = clock.now()
    _send(_at(ctx, start), _receipt())
    later = _at(ctx, start + (ctx.service.settings.idempotency_hours + 1) * HOUR)
    second = _send(later, _receipt(body_hash="other"))
    assert _send(later, _receipt(body_hash="other")) == second


def test_a_refused_request_leaves_its_key_free(ctx: Context) -> None:
    with pytest.raises(Unprocessable):
        commit_once(ctx, [create({"resourceType": "Patient", "shoe": 1})], _receipt())
    assert _send(ctx, _receipt()).status == 201


def test_the_answer_and_the_write_are_one(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the answer cannot be kept, nothing is written; where the write fails, no answer is kept."""

    def fail(*_arguments) -> None:
        raise RuntimeError("stop")

    with monkeypatch.context() as broken:
        broken.setattr("service.storage.receipts.keep", fail)
        with pytest.raises(RuntimeError):
            _send(ctx, _receipt())
    with monkeypatch.context() as broken:
        broken.setattr(commits.index, "write", fail)
        with pytest.raises(RuntimeError):
            _send(ctx, _receipt())
    assert _count(ctx) == 0
    _send(ctx, _receipt())
    assert _count(ctx) == 1


def test_the_answer_is_made_inside_the_transaction(ctx: Context) -> None:
    seen = []

    def conclude(bound: Context, committed) -> Answer:
        seen.append(read.read(bound, "Patient", str(committed[0].id)).text)
        return Answer(201, {}, "")

    commit_once(ctx, [create(patient("1"))], replace(_receipt(), conclude=conclude))
    assert len(seen) == 1
    assert '"value":"1"' in str(seen[0])


def test_an_answer_keeps_every_character(ctx: Context) -> None:
    text = 'é \U0001f600 "\\u0000" \t 1.10'

    def conclude(_ctx: Context, _committed) -> Answer:
        return Answer(207, {"X-Ü": "ü"}, text)

    given = replace(_receipt(), conclude=conclude)
    assert commit_once(ctx, [], given) == commit_once(ctx, [], given) == Answer(207, {"X-Ü": "ü"}, text)
