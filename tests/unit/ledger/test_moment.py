"""When things happen: the future, the order of events, late entries, expiry, what is set aside (CS-20 to CS-23)."""

from zoneinfo import ZoneInfo

import pytest

from service.ledger.policy import OFF, REFUSE
from service.ledger.rules import moment
from tests.unit.ledger.cases import (
    COUNT,
    DRAW,
    GIVEN,
    RECEIPT,
    SEGMENT,
    SYRINGE,
    VIAL,
    WASTE,
    Alter,
    Case,
    altered,
    expect_doubt,
    expect_law,
    expect_nothing,
    expect_policy,
    kept,
    told,
    with_action,
)
from tests.unit.ledger.scene import FakeScene, changed, example, instant

RULES = moment.RULES
EFFECTIVE = "MedicationAdministration.effective"
REASON = {"url": "https://clinic.example/fhir/StructureDefinition/late-entry-reason", "valueString": "The network was down"}


def at(text: str) -> Alter:
    """The commit is made then."""

    def alter(around: FakeScene) -> None:
        around.now = instant(text)

    return alter


ORDER = {
    "draw-ahead": Case(at("2026-11-17T17:46:59Z"), DRAW, "MedicationDispense.whenHandedOver", "in the future"),
    "infusion-ahead": Case(at("2026-11-17T18:41:59Z"), GIVEN, EFFECTIVE, "in the future"),
    "segment-ahead": Case(at("2026-11-17T18:00:00Z"), SEGMENT, EFFECTIVE, "in the future"),
    "waste-ahead": Case(at("2026-11-17T18:50:59Z"), WASTE, "Observation.effective", "in the future"),
    "receipt-ahead": Case(at("2026-11-01"), RECEIPT, "SupplyDelivery.occurrence", "in the future"),
    "centuries": Case(altered("effectiveDateTime", "9999-12-31T23:59:59Z", COUNT), COUNT, "Observation.effective", "in the future"),
    "ends-before": Case(altered("effectivePeriod.start", "2026-11-17T10:48:00-08:00", GIVEN), GIVEN, EFFECTIVE, "ends before it begins"),
    "prepared-after": Case(
        altered("whenPrepared", "2026-11-17T09:53:00-08:00", DRAW), DRAW, "MedicationDispense.whenHandedOver", "ends before it begins"
    ),
    "drawn-after-start": Case(altered("whenHandedOver", "2026-11-17T09:55:01-08:00", DRAW), GIVEN, EFFECTIVE, "comes first"),
    "wasted-before-start": Case(
        altered("effectiveDateTime", "2026-11-17T09:54:59-08:00", WASTE), WASTE, "Observation.effective", "MedicationAdministration/"
    ),
}


@pytest.mark.parametrize("name", ORDER)
def test_events_have_their_order_and_that_is_law(name: str) -> None:
    expect_law(ORDER[name], RULES, "cs-20")


def test_a_waste_before_its_draw_is_told_of_both() -> None:
    around = example()
    around.put(changed(around.after[WASTE], "effectiveDateTime", "2026-11-17T09:51:00-08:00"))
    assert [text.split(" which ")[0].split()[-1] for _, _, text in told(around, RULES, WASTE, "cs-20")] == [f"{DRAW},", f"{GIVEN},"]


def test_clocks_may_differ_by_what_the_clinic_allows() -> None:
    expect_nothing(Case(at("2026-11-17T17:47:00Z"), DRAW, ""), RULES, "cs-20")
    expect_nothing(Case(altered("whenHandedOver", "2026-11-17T09:55:00-08:00", DRAW), GIVEN, ""), RULES, "cs-20")


def test_an_infusion_that_still_runs_has_no_end() -> None:
    def alter(around: FakeScene) -> None:
        around.now = instant("2026-11-17T18:00:00Z")
        given = changed(around.after[GIVEN], "effectivePeriod.end", None)
        around.put({**given, "status": "in-progress"})

    expect_nothing(Case(alter, GIVEN, ""), RULES, "cs-20")


def test_what_follows_is_judged_when_what_it_follows_is_amended() -> None:
    around = example()
    around.settle()
    around.put(changed(around.after[DRAW], "whenHandedOver", "2026-11-17T09:56:00-08:00"))
    found = told(around, RULES, DRAW, "cs-20")
    assert [(severity, expression) for severity, expression, _ in found] == [("error", "MedicationDispense.whenHandedOver")]
    assert GIVEN in found[0][2]
    around = example()
    around.settle()
    around.put(changed(around.after[GIVEN], "effectivePeriod.start", "2026-11-17T10:57:00-08:00"))
    texts = [text for _, _, text in told(around, RULES, GIVEN, "cs-20")]
    assert any(WASTE in text for text in texts)
    assert any("ends before" in text for text in texts)


def test_an_amendment_of_both_is_judged_by_what_is_there_afterwards() -> None:
    around = example()
    around.settle()
    around.put(changed(around.after[DRAW], "whenHandedOver", "2026-11-17T09:56:00-08:00"))
    around.put(changed(around.after[GIVEN], "effectivePeriod.start", "2026-11-17T09:57:00-08:00"))
    assert [told(around, RULES, one, "cs-20") for one in (DRAW, GIVEN)] == [[], []]


def test_an_amendment_of_something_else_asks_nothing() -> None:
    around = example()
    around.settle()
    around.put({**around.after[DRAW], "note": [{"text": "Second vial of the box"}]})
    around.put({**around.after[GIVEN], "note": [{"text": "Slept"}]})
    assert [around.findings(RULES, around.of(one)) for one in (DRAW, GIVEN)] == [[], []]
    assert around.asked == []


LATE = {
    "draw": (DRAW, "MedicationDispense.whenHandedOver"),
    "given": (GIVEN, EFFECTIVE),
    "waste": (WASTE, "Observation.effective"),
    "count": (COUNT, "Observation.effective"),
}


@pytest.mark.parametrize("name", LATE)
def test_a_late_entry_is_told_and_needs_a_reason(name: str) -> None:
    write, expression = LATE[name]
    around = example()
    around.now = instant("2026-11-18T20:00:00Z")
    found = told(around, RULES, write, "cs-21")
    assert [(severity, place) for severity, place, _ in found] == [("warning", expression)]
    assert found[0][2].startswith("late entry: ")
    assert found[0][2].endswith("Say why in the extension late-entry-reason. Policy 1.")
    assert [one[0] for one in told(with_action(around, "cs-21", REFUSE), RULES, write, "cs-21")] == ["error"]
    assert told(with_action(around, "cs-21", OFF), RULES, write, "cs-21") == []
    around = with_action(around, "cs-21", REFUSE)
    around.put({**around.after[write], "extension": [REASON]})
    assert [one[0] for one in told(around, RULES, write, "cs-21")] == ["information"]


def test_what_is_late_is_told_to_the_second() -> None:
    around = example()
    around.now = instant("2026-11-18T18:56:00Z")
    assert told(around, RULES, WASTE, "cs-21") == []
    around.now += 1
    assert [one[0] for one in told(around, RULES, WASTE, "cs-21")] == ["warning"]


def test_what_was_written_down_in_time_elsewhere_is_not_late_when_it_is_imported() -> None:
    around = example()
    around.now = instant("2026-12-24T00:00:00Z")
    around.written_down[WASTE] = instant("2026-11-17T19:00:00Z")
    assert told(around, RULES, WASTE, "cs-21") == []


def test_segments_and_amendments_are_no_late_entries() -> None:
    around = example()
    around.now = instant("2026-12-24T00:00:00Z")
    assert told(around, RULES, SEGMENT, "cs-21") == []
    around.settle()
    around.put(changed(around.after[WASTE], "valueQuantity.value", 17.7))
    assert told(around, RULES, WASTE, "cs-21") == []
    around.put(changed(around.after[WASTE], "effectiveDateTime", "2026-11-17T10:55:00-08:00"))
    assert [one[0] for one in told(around, RULES, WASTE, "cs-21")] == ["warning"]


DRAWN, TAKEN = "MedicationDispense.medication", "MedicationAdministration.medication"


def batch(reference: str, expires: str) -> Alter:
    return altered("batch.expirationDate", expires, reference)


def drawn_before(when: str, status: str = "completed") -> Alter:
    """The vial was drawn from earlier."""

    def alter(around: FakeScene) -> None:
        earlier = changed(around.after[DRAW], "whenHandedOver", when)
        del earlier["whenPrepared"]
        around.keep({**earlier, "id": "earlier", "status": status})

    return alter


def opened(when: str) -> Alter:
    extension = {"url": "https://clinic.example/fhir/StructureDefinition/opened-at", "valueDateTime": when}
    return lambda around: around.put({**around.after[VIAL], "extension": [extension]})


EXPIRED = {
    "vial-day": Case(batch(VIAL, "2026-11-16"), DRAW, DRAWN, "2026-11-16"),
    "vial-month": Case(batch(VIAL, "2026-10"), DRAW, DRAWN, "had expired (2026-10)"),
    "vial-given": Case(batch(VIAL, "2026-11-16"), GIVEN, TAKEN, VIAL),
    "syringe": Case(batch(SYRINGE, "2026-11-17T09:54:59-08:00"), GIVEN, TAKEN, SYRINGE),
    "open-too-long": Case(drawn_before("2026-10-20T09:51:59-08:00"), DRAW, DRAWN, "more than 28 days"),
    "says-opened": Case(opened("2026-10-20T09:51:59-08:00"), DRAW, DRAWN, "more than 28 days"),
    "says-opened-later": Case(
        lambda around: (drawn_before("2026-01-20T09:00:00-08:00")(around), opened("2026-11-01")(around)), DRAW, DRAWN, "more than 28 days"
    ),
}


@pytest.mark.parametrize("name", EXPIRED)
def test_nothing_is_used_after_its_time(name: str) -> None:
    expect_policy(EXPIRED[name], RULES, "cs-22")


IN_TIME = {
    "day": (batch(VIAL, "2026-11-17"), DRAW),
    "month": (batch(VIAL, "2026-11"), GIVEN),
    "syringe": (batch(SYRINGE, "2026-11-17T09:55:00-08:00"), GIVEN),
    "nothing-said": (altered("batch", None, VIAL), DRAW),
    "last-second": (drawn_before("2026-10-20T09:52:00-08:00"), DRAW),
    "earlier-in-error": (drawn_before("2026-01-20T09:52:00-08:00", "entered-in-error"), DRAW),
    "opened-lately": (lambda around: (drawn_before("2026-11-05")(around), opened("2026-11-01")(around)), DRAW),
}


@pytest.mark.parametrize("name", IN_TIME)
def test_a_day_or_month_of_expiry_counts_to_its_end(name: str) -> None:
    alter, write = IN_TIME[name]
    expect_nothing(Case(alter, write, ""), RULES, "cs-22")


def test_a_day_of_expiry_ends_in_the_zone_of_the_clinic() -> None:
    around = example(ZoneInfo("America/Los_Angeles"))
    around.put(changed(changed(around.after[VIAL], "batch.expirationDate", "2026-11-16"), "status", "active"))
    around.put(changed(around.after[DRAW], "whenHandedOver", "2026-11-16T23:59:59-08:00"))
    assert told(around, RULES, DRAW, "cs-22") == []


def test_the_first_draw_is_read_in_the_book_and_not_searched_for() -> None:
    around = example()
    told(around, RULES, DRAW, "cs-22")
    assert around.asked == [("opened", "medication-12")]


ASIDE = {
    "vial": Case(kept(VIAL, "2026-11-17T17:00:00Z", status="inactive"), DRAW, DRAWN, "was set aside"),
    "vial-after-the-draw": Case(kept(VIAL, "2026-11-17T17:53:00Z", status="inactive"), GIVEN, TAKEN, VIAL),
    "syringe": Case(kept(SYRINGE, "2026-11-17T17:54:00Z", status="inactive"), GIVEN, TAKEN, SYRINGE),
    "in-error": Case(kept(VIAL, status="entered-in-error"), DRAW, DRAWN, "was set aside"),
}


@pytest.mark.parametrize("name", ASIDE)
def test_what_is_set_aside_is_not_used(name: str) -> None:
    expect_policy(ASIDE[name], RULES, "cs-23")


def test_what_was_set_aside_after_the_event_is_a_warning() -> None:
    expect_doubt(Case(kept(VIAL, "2026-11-17T17:52:01Z", status="inactive"), DRAW, DRAWN, "set aside now"), RULES, "cs-23")
    expect_doubt(Case(altered("status", "inactive", VIAL), DRAW, DRAWN, "set aside now"), RULES, "cs-23")


def test_what_this_commit_sets_aside_was_in_use_before() -> None:
    def alter(around: FakeScene) -> None:
        around.keep(around.after[VIAL])
        around.put(changed(around.after[VIAL], "status", "inactive"))

    expect_nothing(Case(alter, DRAW, ""), RULES, "cs-23")


def test_what_was_set_aside_and_is_touched_once_more_in_this_commit_is_refused() -> None:
    around = example()
    around.keep(around.after[VIAL], status="inactive")
    around.put({**around.after[VIAL], "status": "inactive", "meta": {**around.after[VIAL]["meta"], "lastUpdated": "2099-01-01T00:00:00Z"}})
    assert [one[0] for one in told(around, RULES, DRAW, "cs-23")] == ["error"]


def test_the_rest_of_a_vial_that_is_set_aside_can_be_wasted() -> None:
    expect_nothing(Case(kept(VIAL, status="inactive"), WASTE, ""), RULES, "cs-23")


def test_what_never_happened_is_not_judged() -> None:
    around = example()
    around.now = 0
    for write in (DRAW, GIVEN, WASTE):
        around.put({**around.after[write], "status": "entered-in-error"})
        assert around.findings(RULES, around.of(write)) == []


def test_the_policy_is_that_of_the_vial_when_it_happened() -> None:
    around = example()
    around.findings(RULES, around.of(GIVEN))
    assert around.judged_by == {("medication-12", instant("2026-11-17T18:47:00Z"))}


def test_the_example_visit_passes() -> None:
    around = example()
    found = [issue for written in around.writes for issue in around.findings(RULES, written)]
    assert [(issue.severity, issue.rule, issue.expression) for issue in found] == [("warning", "cs-21", "SupplyDelivery.occurrence")]
