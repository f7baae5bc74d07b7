"""Reports of what moved: receipts, wastes, practitioners, patients, losses, recalls. On books that a test writes itself."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from service.errors import BadRequest
from service.records.context import Context, Service
from service.records.register import activity, losses, recalls, receipts, recipients, wastes
from service.records.register.activity import LEAST
from tests.register.books import EVER, MG, NURSE, OTHER, PATIENT, SITE, WITNESS, Books, asking, at, cells, sums
from tests.services import parts, service, shared_postgresql

__all__ = ["parts", "service", "shared_postgresql"]


@pytest.fixture
def books(service: Service) -> Books:
    """One vial that was received, drawn from once, given and wasted."""
    found = Books(service)
    found.add("one")
    found.draw("one", "draw-1", 50)
    found.give("one", "draw-1", 32.2)
    found.waste("one", "draw-1", 17.8)
    return found


@pytest.fixture
def ctx(service: Service) -> Context:
    """A request of somebody who may see all."""
    return asking(service)


def of(rows: Sequence[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    """Some cells of each row."""
    return [tuple(row[name] for name in names) for row in rows]


def test_receipts_have_each_container_and_their_sum(books: Books, ctx: Context) -> None:
    books.add("two", 500, lot="LOT-2")
    books.add("met", 500, kind="opened")
    rows = cells(receipts.report(ctx, EVER))
    assert of(rows, "vial", "containers", "amount", "container-volume", "strength", "expires") == [
        (f"S-{id}", 1, 500 * MG, 10_000, "50 mg/mL", "2027-08-31") for id in ("met", "one", "two")
    ]
    assert sums(receipts.report(ctx, EVER)) == [{"substance": "Total ketamine", "containers": 3, "amount": 1500 * MG, "volume": 30_000}]
    assert of(cells(receipts.report(ctx, replace(EVER, lot="LOT-2"))), "vial") == [("S-two",)]
    assert cells(receipts.report(ctx, replace(EVER, since=books.when + 1))) == []
    assert cells(receipts.report(ctx, replace(EVER, before=books.when))) == []


def test_a_line_that_was_moved_back_is_in_no_report(books: Books, ctx: Context) -> None:
    books.back("one", 4)
    assert cells(wastes.report(ctx, EVER)) == []
    assert of(cells(recipients.report(ctx, replace(EVER, patient=PATIENT))), "kind") == [("drawn",), ("given",)]
    assert of(cells(activity.report(ctx, EVER)), "wastes", "wasted") == [(0, 0)]


def test_wastes_tell_who_saw_them_and_are_found_by_what_is_missing(books: Books, ctx: Context) -> None:
    books.draw("one", "draw-2", 20)
    books.waste("one", "draw-2", 20, witness="", performer=OTHER)
    rows = cells(wastes.report(ctx, EVER))
    assert of(rows, "amount", "performer", "witness", "flags", "draw", "patient") == [
        (17_800, NURSE, WITNESS, "", "MedicationDispense/draw-1", PATIENT),
        (20_000, OTHER, "", "unwitnessed", "MedicationDispense/draw-2", PATIENT),
    ]
    narrowed = {
        "flags": ("unwitnessed",),
        "performer": OTHER,
        "witness": WITNESS,
        "patient": "Patient/none",
        "vial": "none",
        "substance": "1",
    }
    found = {name: len(cells(wastes.report(ctx, replace(EVER, **{name: value})))) for name, value in narrowed.items()}
    assert found == {"flags": 1, "performer": 1, "witness": 1, "patient": 0, "vial": 0, "substance": 0}


def test_patients_are_told_to_the_audit_trail(books: Books, service: Service) -> None:
    for report in (wastes.report, recipients.report):
        ctx = asking(service)
        report(ctx, EVER)
        assert ctx.trail.patients == {"recipient"}


def test_a_site_has_its_own_report_and_what_has_no_books_is_refused(books: Books, ctx: Context) -> None:
    books.add("elsewhere", 0, site="site-2")
    books.post("elsewhere", "received", 500, target="vial/elsewhere@safe-2", site="site-2", safe="safe-2")
    assert of(cells(receipts.report(ctx, replace(EVER, site="site-2"))), "vial") == [("S-elsewhere",)]
    assert of(cells(receipts.report(ctx, replace(EVER, site=SITE))), "vial") == [("S-one",)]
    with pytest.raises(BadRequest) as refused:
        receipts.report(ctx, replace(EVER, site="nowhere"))
    assert "Location/site-1, Location/site-2" in refused.value.issues[0].diagnostics


def test_the_share_of_waste_stands_beside_that_of_the_others(books: Books, ctx: Context) -> None:
    books.draw("one", "draw-2", 100, performer=OTHER)
    books.give("one", "draw-2", 90, performer=OTHER)
    books.waste("one", "draw-2", 10, performer=OTHER)
    rows = {row["practitioner"]: row for row in cells(activity.report(ctx, EVER))}
    assert of([rows[NURSE], rows[OTHER]], "drawn", "given", "wasted", "wasted-share", "share-of-others", "administrations", "outlier") == [
        (50 * MG, 32_200, 17_800, 3560, 1000, 1, False),
        (100 * MG, 90 * MG, 10 * MG, 1000, 3560, 1, False),
    ]


@pytest.mark.parametrize(
    ("wasted", "witnesses", "why"),
    [
        pytest.param(5, (WITNESS, "Practitioner/third"), "", id="as-the-others"),
        pytest.param(12, (WITNESS, "Practitioner/third"), "wasted share", id="wastes-more"),
        pytest.param(5, (WITNESS, WITNESS), f"witness {WITNESS}", id="always-the-same-witness"),
        pytest.param(12, (WITNESS, WITNESS), f"wasted share; witness {WITNESS}", id="both"),
    ],
)
def test_who_is_unlike_the_others_is_somebody_to_look_at(
    service: Service, ctx: Context, wasted: int, witnesses: tuple[str, str], why: str
) -> None:
    books = Books(service)
    books.add("one", 5000, content_ug=5000 * MG)
    for number in range(LEAST + 1):
        for person, amount in ((NURSE, wasted), (OTHER, 5)):
            draw = f"{person}-{number}".replace("/", "-")
            books.draw("one", draw, 100, performer=person)
            books.give("one", draw, 100 - amount, performer=person)
            books.waste(
                "one",
                draw,
                amount,
                performer=person,
                witness=witnesses[number % 2] if person == NURSE else ("Practitioner/a", "Practitioner/b")[number % 2],
            )
    rows = {row["practitioner"]: row for row in cells(activity.report(ctx, EVER))}
    assert (rows[NURSE]["why"], rows[NURSE]["outlier"]) == (why, bool(why))
    assert rows[OTHER]["outlier"] is False


def test_who_witnesses_for_everybody_is_nobody_to_look_at(service: Service, ctx: Context) -> None:
    books = Books(service)
    books.add("one", 5000, content_ug=5000 * MG)
    for number in range(LEAST + 1):
        for person in (NURSE, OTHER):
            draw = f"{person}-{number}".replace("/", "-")
            books.draw("one", draw, 10, performer=person)
            books.waste("one", draw, 10, performer=person, witness=WITNESS)
    assert of(cells(activity.report(ctx, EVER)), "wastes", "why") == [(LEAST + 1, ""), (LEAST + 1, "")]


def test_few_wastes_say_nothing_about_anybody(service: Service, ctx: Context) -> None:
    books = Books(service)
    books.add("one")
    for number in range(LEAST - 1):
        books.draw("one", f"d{number}", 10)
        books.waste("one", f"d{number}", 10)
    assert of(cells(activity.report(ctx, EVER)), "wastes", "wasted-share", "outlier") == [(LEAST - 1, 10_000, False)]


def test_a_patient_has_every_line_and_all_of_them_their_sums(books: Books, ctx: Context) -> None:
    books.draw("one", "draw-2", 40)
    books.give("one", "draw-2", 40, patient="Patient/another", encounter="Encounter/another")
    assert of(cells(recipients.report(ctx, EVER)), "patient", "given", "drawn", "visits", "administrations") == [
        ("Patient/another", 40 * MG, 0, 1, 1),
        (PATIENT, 32_200, 90 * MG, 1, 1),
    ]
    lines = cells(recipients.report(ctx, replace(EVER, patient=PATIENT)))
    assert of(lines, "kind", "amount", "volume") == [
        ("drawn", 50 * MG, 1000),
        ("given", 32_200, 644),
        ("wasted", 17_800, 356),
        ("drawn", 40 * MG, 800),
    ]


def test_a_loss_says_by_when_the_dea_is_told(books: Books, ctx: Context) -> None:
    friday = at("2026-11-13T09:00:00Z")
    books.take("one", "lost", 20, occurred=friday)
    books.take("one", "broken", 10, witness=WITNESS, occurred=friday + 1)
    books.take("one", "broken", 5, occurred=friday + 2)
    rows = cells(losses.report(ctx, EVER))
    assert of(rows, "type", "amount", "notify-by", "form-by") == [
        ("theft or loss", 20 * MG, "2026-11-16", "2026-12-28"),
        ("breakage or spillage", 10 * MG, None, None),
        ("breakage or spillage, not witnessed", 5 * MG, "2026-11-16", "2026-12-28"),
    ]
    assert of(rows[:1], "schedule", "ndc", "strength", "volume") == [("CIII", "67457000110", "50 mg/mL", 400)]


def test_a_recall_leads_from_the_lot_to_everybody_who_was_given_of_it(books: Books, ctx: Context) -> None:
    books.add("two")
    books.add("another-lot", lot="LOT-2")
    books.draw("another-lot", "draw-9", 10)
    books.give("another-lot", "draw-9", 10, patient="Patient/not-concerned")
    books.draw("one", "draw-2", 20)
    found = recalls.report(ctx, replace(EVER, lot="LOT-1", since=0, before=1))
    assert of(cells(found), "vial", "remaining", "drawn", "given", "wasted", "patient", "draw") == [
        ("S-one", 430 * MG, 50 * MG, 32_200, 17_800, PATIENT, "MedicationDispense/draw-1"),
        ("S-one", 430 * MG, 20 * MG, 0, 0, PATIENT, "MedicationDispense/draw-2"),
        ("S-two", 500 * MG, None, None, None, None, None),
    ]
    assert dict(found.header)["Patients"] == "1"
    assert ctx.trail.patients == {"recipient"}
    assert cells(recalls.report(ctx, replace(EVER, lot="never"))) == []
    with pytest.raises(BadRequest):
        recalls.report(ctx, EVER)
