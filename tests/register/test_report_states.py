"""Reports of how things stand: what is on hand by the books, what is past its time, what does not add up."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from service.clock import fixed
from service.fhir.temporal import DAY
from service.records.context import Context, Service
from service.records.register import book_inventory, expiries, inquiry, reconciling
from tests.register.books import EVER, MG, NURSE, Books, asking, at, cells, sums
from tests.services import parts, service, shared_postgresql

__all__ = ["parts", "service", "shared_postgresql"]

HOUR = 3_600_000_000
NOW = at("2026-11-20T12:00:00Z")


@pytest.fixture
def books(service: Service) -> Books:
    """No vials yet."""
    return Books(service)


@pytest.fixture
def ctx(service: Service) -> Context:
    """A request of somebody who may see all, at a known time."""
    return asking(replace(service, clock=fixed(NOW)))


def of(rows: Sequence[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    """Some cells of each row."""
    return [tuple(row[name] for name in names) for row in rows]


def test_the_books_say_how_many_containers_are_full_and_what_is_in_the_others(books: Books, ctx: Context) -> None:
    for id in ("one", "two", "three"):
        books.add(id)
    books.add("small", 100, content_ug=100 * MG, lot="LOT-2")
    books.add("gone")
    books.take("gone", "destroyed", 500)
    books.draw("one", "draw-1", 50)
    books.draw("two", "draw-2", 20)
    books.give("two", "draw-2", 15)
    rows = cells(book_inventory.report(ctx, EVER))
    assert of(
        rows, "container-volume", "containers", "full", "partial", "partial-amounts", "syringes", "in-syringes", "amount", "lots"
    ) == [
        (2_000, 1, 1, 0, "", 0, 0, 100 * MG, "LOT-2"),
        (10_000, 3, 1, 2, "480; 450", 2, 55 * MG, 1485 * MG, "LOT-1"),
    ]
    assert sums(book_inventory.report(ctx, EVER))[0]["amount"] == 1585 * MG


def test_the_books_say_what_was_on_hand_then(books: Books, ctx: Context) -> None:
    books.add("one")
    books.draw("one", "draw-1", 50, occurred=books.when + HOUR)
    books.give("one", "draw-1", 50, occurred=books.when + 2 * HOUR)
    books.back("one", 3)
    books.give("one", "draw-1", 30, occurred=books.when + 2 * HOUR)
    held = [(-1, []), (0, [(500 * MG, 0)]), (1, [(500 * MG, 50 * MG)]), (2, [(470 * MG, 20 * MG)])]
    for hours, expected in held:
        asked = replace(EVER, as_of=books.when + hours * HOUR)
        assert of(cells(book_inventory.report(ctx, asked)), "amount", "in-syringes") == expected, hours


def test_a_vial_without_a_receipt_was_there_from_the_first_that_is_known_of_it(books: Books, ctx: Context) -> None:
    books.add("met", kind="opened")
    books.draw("met", "late", 50, occurred=books.when - DAY)
    for days, amounts in ((2, []), (1, [500 * MG]), (0, [500 * MG])):
        asked = replace(EVER, as_of=books.when - days * DAY)
        assert of(cells(book_inventory.report(ctx, asked)), "amount") == [(one,) for one in amounts], days


@pytest.mark.parametrize(
    ("facts", "drawn_days_ago", "state", "left"),
    [
        pytest.param({"expires": "2026-11-19"}, None, "expired", -1, id="expired-yesterday"),
        pytest.param({"expires": "2026-11-20"}, None, "expiring", 0, id="expires-today"),
        pytest.param({"expires": "2027-02-17"}, None, "expiring", 89, id="expires-within"),
        pytest.param({"expires": "2027-02-18"}, None, None, None, id="expires-later"),
        pytest.param({"expires": ""}, None, None, None, id="never-expires"),
        pytest.param({"expires": "2099-01-01"}, 27, None, None, id="open-not-too-long"),
        pytest.param({"expires": "2099-01-01"}, 28, "open too long", 26340, id="open-too-long"),
        pytest.param({"expires": "2026-11"}, 40, "expiring; open too long", 10, id="both"),
    ],
)
def test_what_is_past_its_time_is_told(
    books: Books, ctx: Context, facts: dict[str, str], drawn_days_ago: int | None, state: str | None, left: int | None
) -> None:
    books.when = NOW - 100 * DAY
    books.add("one", **facts)
    if drawn_days_ago is not None:
        books.draw("one", "draw", 10, occurred=NOW - drawn_days_ago * DAY)
    rows = of(cells(expiries.report(ctx, EVER)), "state", "days-left", "days-open")
    assert rows == ([] if state is None else [(state, left, drawn_days_ago)])


def test_an_empty_vial_does_not_expire_and_then_is_what_counts(books: Books, ctx: Context) -> None:
    books.add("one", expires="2026-11-19")
    books.take("one", "destroyed", 500, occurred=NOW - DAY)
    assert cells(expiries.report(ctx, EVER)) == []
    before = replace(EVER, as_of=NOW - 2 * DAY)
    assert of(cells(expiries.report(ctx, before)), "state", "remaining") == [("expiring", 500 * MG)]


def test_all_that_adds_up_is_nothing_to_reconcile(books: Books, ctx: Context) -> None:
    books.add("one")
    books.draw("one", "draw", 50)
    books.give("one", "draw", 50)
    books.count("one", 450)
    asked = replace(EVER, before=NOW)
    assert cells(reconciling.report(ctx, asked)) == []
    agreeing = cells(reconciling.report(ctx, asked, with_agreeing=True))
    assert of(agreeing, "finding", "expected", "found", "difference") == [("count agrees", 450 * MG, 450 * MG, 0)]


@pytest.mark.parametrize(("hours", "is_told"), [(11, False), (12, True)])
def test_a_draw_may_be_open_for_so_long(books: Books, ctx: Context, hours: int, is_told: bool) -> None:
    books.add("one")
    books.draw("one", "draw", 50, occurred=NOW - hours * HOUR - 1)
    books.give("one", "draw", 30, occurred=NOW - hours * HOUR)
    rows = cells(reconciling.report(ctx, replace(EVER, before=NOW + 1)))
    assert of(rows, "finding", "hours", "expected", "found", "performer") == ([("open draw", hours, 0, 20 * MG, NURSE)] if is_told else [])


def test_what_does_not_add_up_is_told_with_the_amounts(books: Books, ctx: Context) -> None:
    books.add("one", kind="opened")
    books.draw("one", "draw", 50)
    books.waste("one", "draw", 49.95, witness="")
    books.post("one", "unaccounted", 0.05, origin="syringe/draw@", target="unaccounted/@site-1", draw="draw")
    books.count("one", 440)
    rows = cells(reconciling.report(ctx, replace(EVER, before=NOW)))
    assert of(rows, "finding", "expected", "found", "difference", "detail") == [
        ("vial without a receipt", None, 500 * MG, None, ""),
        ("witness missing", None, None, None, "wasted"),
        ("unaccounted within the tolerance", 50, 0, -50, ""),
        ("count differs", 450 * MG, 440 * MG, -10 * MG, ""),
    ]


def test_a_count_is_held_against_the_book_of_its_time(books: Books, ctx: Context) -> None:
    books.add("one")
    books.draw("one", "draw", 50, occurred=books.when + 2 * HOUR)
    books.give("one", "draw", 50, occurred=books.when + 2 * HOUR)
    books.count("one", 500, occurred=books.when + HOUR)
    assert cells(reconciling.report(ctx, replace(EVER, before=NOW))) == []


def test_patients_whose_records_do_not_add_up_are_told_to_the_audit_trail(books: Books, ctx: Context) -> None:
    books.add("one")
    books.draw("one", "draw", 50)
    books.waste("one", "draw", 50, witness="")
    assert len(cells(reconciling.report(ctx, replace(EVER, before=NOW)))) == 1
    assert ctx.trail.patients == {"recipient"}


def test_an_inventory_of_a_moment_to_come_is_that_of_now(books: Books, ctx: Context) -> None:
    books.add("one")
    found = book_inventory.report(ctx, replace(EVER, as_of=at("2999-01-01")))
    assert of(cells(found), "amount") == [(500 * MG,)]
    assert dict(found.header)["As of"] == dict(found.header)["Generated at"]


def test_more_vials_than_one_statement_carries(service: Service, ctx: Context) -> None:
    books = Books(service)
    for number in range(5):
        books.add(f"v{number}")
        books.count(f"v{number}", 500, occurred=books.when + number)
    with inquiry.opened(ctx, EVER) as one:
        whole = one.standing(("counted",), {f"v{number}" for number in range(5)})
        many = one.standing(("counted",), {f"v{number}" for number in range(5)} | {f"none{number}" for number in range(900)})
    assert [line.vial for line in whole.lines] == [line.vial for line in many.lines] == [f"v{number}" for number in range(5)]


def test_lines_that_were_changed_are_told(service: Service, ctx: Context) -> None:
    books = Books(service)
    books.add("one")
    books.heads["one"] = replace(books.heads["one"], head="f" * 64)
    with service.database.engine.begin() as connection:
        connection.execute(text("UPDATE ledger_vial SET head = :head"), {"head": "f" * 64})
    books.count("one", 500)
    rows = cells(reconciling.report(ctx, replace(EVER, before=NOW)))
    assert of(rows, "finding", "detail") == [("broken chain", "the lines of the vial were changed")]
