"""The lines of the register as they are read: balances, marks, sums, pages. Each is told anew here, by other code, from all lines."""

from collections.abc import Iterator
from itertools import combinations

import pytest

from service.errors import BadRequest
from service.ledger.entry import Entry
from service.records.change import Update
from service.records.commit import commit
from service.records.context import Context, Service
from service.records.register import folio, lines, rows
from service.records.register.lines import Filter, Leaf
from service.records.register.marks import MARKS
from service.records.register.tie import tied
from tests.access import TESTS
from tests.records.samples import document
from tests.register.books import NURSE, OTHER, PATIENT, Books, at
from tests.register_pages import world

EVERY = Filter()
ALONE = {
    "drug": Filter(drug="other"),
    "site": Filter(site=world.SOUTH),
    "practitioner": Filter(practitioner="other"),
    "witness": Filter(witness="witness"),
    "patient": Filter(patient="recipient"),
    "lot": Filter(lot="LOT-2"),
    "vial": Filter(vial="v1"),
    "serial": Filter(vial="S-v2"),
    "since": Filter(since=at("2026-11-18T00:00:00Z")),
    "before": Filter(before=at("2026-11-17T11:00:00Z")),
}
FACTS = {"v1": ("6130", "LOT-1"), "v2": ("6130", "LOT-1"), "v3": ("other", "LOT-2"), "v4": ("6130", "LOT-2")}


def _leaf(ctx: Context, asked: Filter = EVERY, count: int = 1000) -> Leaf:
    with ctx.snapshot() as tx:
        return lines.leaf(ctx, tx, asked, None, count)


def _keys(leaf: Leaf) -> list[tuple[str, int]]:
    return [(one.entry.vial, one.entry.number) for one in leaf.lines]


def _change(line: Entry) -> int:
    return (line.amount_ug if line.target.startswith("vial/") else 0) - (line.amount_ug if line.origin.startswith("vial/") else 0)


def _is(line: Entry, name: str) -> bool:
    """Whether a line is what the filter of that name asks for."""
    substance, lot = FACTS[line.vial]
    return {
        "drug": substance == "other",
        "site": line.site == world.SOUTH,
        "practitioner": line.performer == OTHER,
        "witness": line.witness == "Practitioner/witness",
        "patient": line.patient == PATIENT,
        "lot": lot == "LOT-2",
        "vial": line.vial == "v1",
        "serial": line.vial == "v2",
        "since": line.occurred >= at("2026-11-18T00:00:00Z"),
        "before": line.occurred < at("2026-11-17T11:00:00Z"),
    }[name]


def test_every_line_is_there_in_the_order_of_events(ctx: Context) -> None:
    leaf = _leaf(ctx)
    assert [one.entry for one in leaf.lines] == world.lines(ctx.service)
    assert leaf.total == len(leaf.lines) >= 20
    assert leaf.after is None


@pytest.mark.parametrize("name", ALONE)
def test_a_filter_hides_lines_and_changes_no_balance(ctx: Context, name: str) -> None:
    every = {(one.entry.vial, one.entry.number): one for one in _leaf(ctx).lines}
    found = _leaf(ctx, ALONE[name])
    wanted = [(one.vial, one.number) for one in world.lines(ctx.service) if _is(one, name)]
    assert _keys(found) == wanted
    assert 0 < len(wanted) < len(every)
    assert found.total == len(wanted)
    assert [(one.balance_ug, one.marks) for one in found.lines] == [(every[key].balance_ug, every[key].marks) for key in wanted]


@pytest.mark.parametrize("balance", lines.BALANCES)
def test_the_balance_is_the_sum_up_to_the_line(ctx: Context, balance: str) -> None:
    def group(line: Entry) -> object:
        substance, lot = FACTS[line.vial]
        return {"vial": line.vial, "lot": (substance, lot), "substance": substance}[balance]

    held: dict[object, int] = {}
    wanted = []
    for line in world.lines(ctx.service):
        held[group(line)] = held.get(group(line), 0) + _change(line)
        wanted.append(held[group(line)])
    assert [one.balance_ug for one in _leaf(ctx, Filter(balance=balance)).lines] == wanted
    hidden = _leaf(ctx, Filter(balance=balance, practitioner="other"))
    every = dict(zip(_keys(_leaf(ctx, Filter(balance=balance))), wanted, strict=True))
    assert [one.balance_ug for one in hidden.lines] == [every[key] for key in _keys(hidden)]


def test_each_mark_occurs_and_says_what_it_says(ctx: Context) -> None:
    marks = {(one.entry.vial, one.entry.number): set(one.marks) for one in _leaf(ctx).lines}
    assert marks["v1", 4] == {"unwitnessed"}
    assert marks["v1", 5] == {"short"}, "counted a milligram less"
    assert {"amended", "unwitnessed"} <= marks["v1", 6] & marks["v1", 7], "destroyed, and moved back"
    assert marks["v2", 1] == {"unreceived"}
    assert all("short" in marks["v2", number] for number in (2, 3, 4, 5)), "0.1 mg of the draw is unaccounted"
    assert marks["v2", 6] == set(), "the count agrees"
    assert marks["v3", 2] == {"unwitnessed"}
    assert marks["v3", 3] == set(), "broken before a witness"
    assert marks["v4", 2] == {"late"}


@pytest.mark.parametrize("flags", [one for count in (1, 2) for one in combinations(MARKS, count)], ids="+".join)
def test_the_database_finds_the_lines_with_a_mark(ctx: Context, flags: tuple[str, ...]) -> None:
    wanted = [(one.entry.vial, one.entry.number) for one in _leaf(ctx).lines if set(flags) <= set(one.marks)]
    assert _keys(_leaf(ctx, Filter(flags=flags))) == wanted
    assert wanted or len(flags) > 1


def test_a_later_version_of_its_source_amends_a_line(service: Service) -> None:
    books, ctx = world.filled(service), Context(service, TESTS)
    observation = {"resourceType": "Observation", "id": "counted", "status": "final", "code": {"text": "a"}}
    commit(ctx, [Update("Observation", "counted", document(observation))])
    books.count("v4", 480, source="Observation/counted/_history/1")
    number = books.heads["v4"].entries
    assert ("v4", number) not in _keys(_leaf(ctx, Filter(flags=("amended",))))
    commit(ctx, [Update("Observation", "counted", document({**observation, "code": {"text": "b"}}))])
    assert ("v4", number) in _keys(_leaf(ctx, Filter(flags=("amended",))))
    assert next(one for one in _leaf(ctx).lines if (one.entry.vial, one.entry.number) == ("v4", number)).marks == ("amended",)


@pytest.mark.parametrize("count", [1, 3, 7])
@pytest.mark.parametrize("flags", [(), ("short",)], ids=["all", "short"])
def test_pages_have_every_line_once(ctx: Context, count: int, flags: tuple[str, ...]) -> None:
    asked = Filter(flags=flags)
    assert list(_walked(ctx, asked, count)) == _keys(_leaf(ctx, asked))


def _walked(ctx: Context, asked: Filter, count: int) -> Iterator[tuple[str, int]]:
    after = None
    while True:
        with ctx.snapshot() as tx:
            leaf = lines.leaf(ctx, tx, asked, after, count)
        assert len(leaf.lines) <= count
        yield from _keys(leaf)
        after = leaf.after
        if after is None:
            return


def test_the_sums_are_of_all_lines_that_match_and_not_of_the_page(ctx: Context) -> None:
    names = [one.name for one in rows.COLUMNS]
    leaf = _leaf(ctx, count=2)
    total = dict(zip(names, rows.total("all", leaf.sums), strict=True))
    amounts = {name: total[name] for name in ("in", "drawn", "given", "wasted", "returned", "other", "counted")}
    assert amounts == {
        "in": 2_000_000,
        "drawn": 120_000,
        "given": 64_400,
        "wasted": 17_800 + 17_700 + 3_000,
        "returned": None,
        "other": 100 + 2_000 + 5_000,
        "counted": None,
    }


def test_a_vial_has_its_subtotal_and_what_it_held_at_the_end_of_the_period(ctx: Context) -> None:
    of_v3 = next(one for one in _leaf(ctx, Filter(vial="v3", before=at("2026-11-18T00:00:00Z"))).vials)
    assert of_v3.closing_ug == 495_000
    assert next(one for one in _leaf(ctx, Filter(vial="v3")).vials).closing_ug == 500_000
    assert of_v3.sums[("wasted", False)] == 3_000


def test_what_ties_out_and_what_does_not(ctx: Context, books: Books) -> None:
    ties = {one.vial.vial: one.tie for one in _leaf(ctx).vials}
    assert [name for name, tie in ties.items() if not tie.breaks] == ["v2", "v4", "v3"]
    assert ties["v1"].breaks == ("the count of line 5 is 449 mg and the book 450 mg",)
    assert (ties["v2"].unaccounted_ug, ties["v2"].in_syringes_ug, ties["v4"].in_syringes_ug) == (100, 0, 20_000)
    with ctx.snapshot() as tx:
        told = folio.report(ctx, tx, _leaf(ctx), [])
    said = dict(told.header)
    assert said["Ties out"].startswith("NO, 1 of 4 vials do not (S-v1: the count of line 5")
    assert said["Filters"] == "none"
    lines_of_v2 = [one for one in world.lines(ctx.service) if one.vial == "v2"]
    in_order = sorted(lines_of_v2, key=lambda one: one.number)
    altered = [world.tampered(one) if one.number == 2 else one for one in in_order]
    assert any("chain" in one for one in tied(books.heads["v2"], altered).breaks)
    assert any("chain" in one for one in tied(books.heads["v2"], in_order[1:]).breaks)
    assert any("names" in one for one in tied(books.heads["v2"], in_order[:-1]).breaks)


def test_the_checksum_is_of_the_rows_alone(ctx: Context) -> None:
    with ctx.snapshot() as tx:
        one, same, other = (folio.report(ctx, tx, _leaf(ctx, asked), told) for asked, told in _asked())
    assert folio.checksum(one) == folio.checksum(same) == dict(one.header)[folio.CHECKSUM]
    assert folio.checksum(other) != folio.checksum(one)


def _asked() -> list[tuple[Filter, list[tuple[str, str]]]]:
    return [(EVERY, []), (EVERY, [("lot", "x")]), (Filter(vial="v1"), [])]


def test_a_file_has_a_limit(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MOST", 5)
    with ctx.snapshot() as tx, pytest.raises(BadRequest, match="at most 5"):
        lines.whole(ctx, tx, EVERY)


def test_no_line_is_an_answer(ctx: Context) -> None:
    leaf = _leaf(ctx, Filter(vial="none"))
    with ctx.snapshot() as tx:
        report = folio.report(ctx, tx, leaf, [])
    assert (list(report.texts()), list(report.total_texts()), leaf.total) == ([], [], 0)
    assert "found none" in report.nothing


def test_names_stand_where_the_caller_may_see_them(ctx: Context) -> None:
    with ctx.snapshot() as tx:
        report = folio.report(ctx, tx, _leaf(ctx, Filter(vial="v1")), [])
    names = [one.name for one in report.columns]
    drawn = dict(zip(names, next(row for row in report.texts() if "drawn" in row), strict=True))
    assert (drawn["performer"], drawn["performer-record"], drawn["site"]) == ("Nora Nurse", NURSE, "Northern safe room")
    assert (drawn["drawn"], drawn["balance"], drawn["patient-record"]) == ("50", "450", PATIENT)
