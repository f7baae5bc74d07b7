"""The machine notices what it is for: on a register with one safeguard taken out, it fails."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.ledger import book
from service.ledger.book import Book
from service.ledger.rules import finishing, segments
from service.records.register import consequences, following, numbering
from tests.register import test_machine

pytestmark = pytest.mark.nightly

SIZE = (40, 40)


def require_noticed(app: Flask, client: FlaskClient) -> None:
    with pytest.raises((AssertionError, ExceptionGroup)):
        test_machine.run(app, client, SIZE)


def without(monkeypatch: pytest.MonkeyPatch, rule: Any) -> None:
    """The rules that a commit asks, but for one."""
    monkeypatch.setattr(following, "RULES", tuple(one for one in following.RULES if one is not rule))


def test_without_the_check_of_balances(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Book, "shortfalls", lambda _self: iter(()))
    require_noticed(app, client)


def test_with_balances_in_the_order_of_commits_only(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A late entry that makes an earlier instant negative goes through."""
    monkeypatch.setattr(book, "_turn", lambda _line: 0)
    require_noticed(app, client)


def test_without_reversals(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Book, "reverse", lambda *_arguments: None)
    require_noticed(app, client)


def test_with_counts_that_are_not_judged_again(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consequences, "_counts", lambda *_arguments: iter(()))
    require_noticed(app, client)


def test_with_numbers_that_are_given_twice(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbering, "claims", lambda *_arguments: ([], []))
    require_noticed(app, client)


@pytest.mark.parametrize("rule", [segments.whole, finishing.settled, finishing.closed], ids=lambda rule: rule.__name__)
def test_without_a_rule(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, rule: Any) -> None:
    without(monkeypatch, rule)
    require_noticed(app, client)
