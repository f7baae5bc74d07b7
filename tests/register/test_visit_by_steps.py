"""The example visit lived through step by step: finishing it early is refused at every step and names each open thing."""

from collections.abc import Sequence

import pytest
from flask import Flask

from service.config import Settings
from tests.register import visit
from tests.register.visit import ALERT, CONSENT, COUNT, DISCHARGE, DRAW, FIRST, GIVEN, RECEIPT, SECOND, SYRINGE, VIAL, VISIT, WASTE, Chart


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(database_url=database_url, time_zone="America/Los_Angeles", cursor_key="c" * 32, rate_limit=0)


def refused(chart: Chart, *words: str, **changes: object) -> None:
    """Finishing now is refused, with one finding for each of `words` and no other."""
    answer = chart.write(VISIT, **changes)
    found = visit.issues(answer)
    assert answer.status_code == 422, answer.text
    assert {rule for rule, severity, _ in found if severity == "error"} == {"cs-24"}, found
    texts = [text for _, severity, text in found if severity == "error"]
    assert len(texts) == len(words), texts
    assert [word for word in words if not any(word in text for text in texts)] == [], texts


def running(chart: Chart, number: int) -> dict[str, object]:
    """An administration as it is written down while it runs."""
    start = chart.resource(number)["effectivePeriod"]["start"]
    return {"status": "in-progress", "effectivePeriod": {"start": start}, "note": None, "dosage": dosage(chart, number)}


def dosage(chart: Chart, number: int) -> dict[str, object] | None:
    whole = chart.resource(number)["dosage"]
    return {name: value for name, value in whole.items() if name != "dose"} if "rateQuantity" in whole else None


def through(chart: Chart, numbers: Sequence[int]) -> None:
    for number in numbers:
        chart.done(number)


def test_finishing_early_names_what_is_open(app: Flask) -> None:
    chart = Chart.on(app)
    chart.begin(RECEIPT, DRAW, COUNT, GIVEN, FIRST, SECOND, ALERT, WASTE, DISCHARGE)
    through(chart, [CONSENT, RECEIPT, DRAW, COUNT])
    draw, leave, fetched = chart.place(DRAW), "discharge checklist", "names no escort"
    alone = {"participant": None}
    refused(chart, f"{draw} is open. Of 50 mg drawn there are 0 mg given", leave, fetched, **alone)

    chart.done(GIVEN, **running(chart, GIVEN))
    chart.done(FIRST, **running(chart, FIRST))
    infusion, first = f"{chart.place(GIVEN)} is in-progress", f"{chart.place(FIRST)} is in-progress"
    refused(chart, draw, infusion, first, leave, fetched, **alone)

    chart.done(ALERT, mitigation=None, status="preliminary")
    alert = f"{chart.place(ALERT)} is of high severity"
    refused(chart, draw, infusion, first, alert, leave, fetched, **alone)

    chart.done(FIRST)
    chart.done(SECOND, **running(chart, SECOND))
    chart.done(ALERT)
    refused(chart, draw, infusion, f"{chart.place(SECOND)} is in-progress", leave, fetched, **alone)

    chart.done(GIVEN)
    chart.done(SECOND)
    refused(chart, f"{draw} is open. Of 50 mg drawn there are 32.2 mg given, 0 mg wasted", leave, fetched, **alone)

    witnessed = chart.resource(WASTE)["performer"]
    chart.done(WASTE, performer=witnessed[:1])
    refused(chart, f"{chart.place(WASTE)} (cs-waste) names no witness", leave, fetched, **alone)

    assert chart.amend(WASTE, chart.why(WASTE), status="amended").status_code == 200
    refused(chart, leave, fetched, **alone)
    chart.done(DISCHARGE)
    refused(chart, fetched, **alone)
    chart.done(VISIT)
    assert visit.standing(app) == [("received", 500_000), ("drawn", 50_000), ("counted", 450_000), ("given", 32_200), ("wasted", 17_800)]
    assert visit.remaining(app) == 450_000
    assert {one.flags for one in visit.lines(app) if one.kind == "wasted" and not one.reverses} == {"unwitnessed", "amended"}


@pytest.fixture
def finished(app: Flask) -> Chart:
    """The visit as it was posted, finished a while ago."""
    chart = Chart.on(app)
    answer = visit.process(chart.client, chart.tree)
    for one, place, entry in zip(chart.tree["entry"], visit.places(answer), answer.json["entry"], strict=True):
        chart.at[one["fullUrl"]], chart.versions[one["fullUrl"]] = place, entry["response"]["etag"]
    return chart


@pytest.mark.parametrize("number", [VIAL, RECEIPT, SYRINGE, DRAW, COUNT, GIVEN, FIRST, WASTE])
def test_nothing_of_it_is_deleted(app: Flask, finished: Chart, number: int) -> None:
    place = finished.place(number)
    alone = finished.client.delete(f"/fhir/{place}")
    delete = {"request": {"method": "DELETE", "url": place}}
    together = visit.process(finished.client, {"resourceType": "Bundle", "type": "transaction", "entry": [delete]})
    for answer in (alone, together):
        assert answer.status_code == 405, answer.text
        assert [rule for rule, *_ in visit.issues(answer)] == ["cs-31"]
    assert finished.client.get(f"/fhir/{place}").status_code == 200
    assert len(visit.lines(app)) == 5


def test_nothing_is_deleted_by_a_condition_or_on_the_way(app: Flask, finished: Chart) -> None:
    by_identifier = "identifier=https://clinic.example/fhir/sid/cs-ledger|L-2026-008813"
    assert finished.client.delete(f"/fhir/Observation?{by_identifier}").status_code == 405
    untagged = {**finished.resource(WASTE), "meta": {"tag": finished.tree["meta"]["tag"]}}
    name = finished.tree["entry"][WASTE]["fullUrl"]
    answer = finished.client.put(
        f"/fhir/{finished.place(WASTE)}", json=untagged, content_type=visit.FHIR, headers={"If-Match": finished.versions[name]}
    )
    assert answer.status_code == 422
    assert "cs-tag" in visit.rules(answer)
    assert len(visit.lines(app)) == 5


def test_an_amendment_without_its_reason_is_refused_and_with_it_moves_the_amount_back_first(app: Flask, finished: Chart) -> None:
    less = {**finished.resource(WASTE)["valueQuantity"], "value": 17.75}
    plain = finished.write(WASTE, valueQuantity=less)
    assert (plain.status_code, visit.rules(plain)) == (422, {"cs-30"})
    without = finished.amend(WASTE, finished.why(WASTE, reason=None), valueQuantity=less)
    assert (without.status_code, visit.rules(without)) == (422, {"cs-30"})
    blind = finished.amend(WASTE, finished.why(WASTE), if_match=False, valueQuantity=less)
    assert (blind.status_code, visit.rules(blind)) == (422, {"cs-30"})
    assert len(visit.lines(app)) == 5
    taken = finished.amend(WASTE, finished.why(WASTE), status="amended", valueQuantity=less)
    assert taken.status_code == 200, taken.text
    assert visit.rules(taken, "warning") <= {"cs-01", "cs-11"}
    wastes = [(one.amount_ug, bool(one.reverses), one.flags) for one in visit.lines(app) if one.kind == "wasted"]
    assert sorted(wastes) == [(17_750, False, "amended"), (17_800, False, ""), (17_800, True, "")]
    assert ("unaccounted", 50) in visit.standing(app)
    past = finished.client.get(f"/fhir/{finished.place(WASTE)}/_history/1").json
    assert past["valueQuantity"]["value"] == 17.8


def test_an_unsigned_amendment_is_taken_with_a_warning(finished: Chart) -> None:
    answer = finished.amend(COUNT, finished.why(COUNT, signature=None), note=[{"text": "Counted by both"}])
    assert answer.status_code == 200, answer.text
    assert "cs-30" in visit.rules(answer, "warning")


def test_an_amendment_that_does_not_balance_is_refused(app: Flask, finished: Chart) -> None:
    without_volume = finished.resource(WASTE)["component"][1:]
    for value in (16, 19):
        other = {**finished.resource(WASTE)["valueQuantity"], "value": value}
        answer = finished.amend(WASTE, finished.why(WASTE), status="amended", valueQuantity=other)
        assert (answer.status_code, visit.rules(answer)) == (422, {"cs-01", "cs-04"}), visit.issues(answer)
        answer = finished.amend(WASTE, finished.why(WASTE), status="amended", valueQuantity=other, component=without_volume)
        assert (answer.status_code, visit.rules(answer)) == (422, {"cs-01"}), visit.issues(answer)
    assert len(visit.lines(app)) == 5


def test_what_was_entered_in_error_is_moved_back_and_stays_readable(app: Flask, finished: Chart) -> None:
    assert finished.write(COUNT, status="entered-in-error").status_code == 422
    taken = finished.amend(COUNT, finished.why(COUNT), status="entered-in-error")
    assert taken.status_code == 200, taken.text
    assert [kind for kind, _ in visit.standing(app)] == ["received", "drawn", "given", "wasted"]
    assert finished.client.get(f"/fhir/{finished.place(COUNT)}").json["status"] == "entered-in-error"


def without_id(tree: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in tree.items() if name != "id"}


def test_a_finished_visit_takes_nothing_new(app: Flask, finished: Chart) -> None:
    waste = {**finished.resource(WASTE), "identifier": [{"system": "https://clinic.example/fhir/sid/cs-ledger", "value": "L-2026-009999"}]}
    answer = finished.client.post("/fhir/Observation", json=without_id(waste), content_type=visit.FHIR)
    assert answer.status_code == 422, answer.text
    assert "cs-25" in visit.rules(answer)
    assert len(visit.lines(app)) == 5


@pytest.mark.parametrize(
    ("number", "changes"),
    [
        (VIAL, {"batch": {"lotNumber": "KET24A118", "expirationDate": "2999-08-31"}}),
        (VIAL, {"identifier": [{"system": "https://clinic.example/fhir/sid/vial", "value": "V-2026-00418"}]}),
        (SYRINGE, {"batch": {"lotNumber": "KET24A118", "expirationDate": "2999-08-31"}}),
    ],
    ids=["lot", "serial", "lot-of-the-syringe"],
)
def test_what_a_vial_is_stays_once_it_was_used(finished: Chart, number: int, changes: dict[str, object]) -> None:
    answer = finished.write(number, **changes)
    assert (answer.status_code, visit.rules(answer)) == (422, {"cs-30"})
    assert finished.amend(number, finished.why(number), **changes).status_code == 200
    assert finished.write(number, status="inactive", **changes).status_code == 200


def test_a_visit_with_an_open_draw_is_not_cancelled(app: Flask) -> None:
    chart = Chart.on(app)
    chart.begin(RECEIPT, DRAW)
    through(chart, [RECEIPT, DRAW])
    answer = chart.write(VISIT, status="cancelled")
    assert (answer.status_code, visit.rules(answer)) == (422, {"cs-24"})
    chart.done(
        WASTE, partOf=[{"reference": chart.place(DRAW)}], component=chart.resource(WASTE)["component"][1:], valueQuantity=whole(chart)
    )
    chart.done(VISIT, status="cancelled")
    assert visit.standing(app) == [("received", 500_000), ("drawn", 50_000), ("wasted", 50_000)]


def whole(chart: Chart) -> dict[str, object]:
    return {**chart.resource(WASTE)["valueQuantity"], "value": 50}


def test_a_late_entry_is_judged_in_the_order_of_events(app: Flask, finished: Chart) -> None:
    """A waste from before the count makes the count wrong, and one that the vial did not hold then is refused."""
    entry = finished.resource(COUNT)
    waste = finished.resource(WASTE)
    early = {
        **{name: waste[name] for name in ("resourceType", "meta", "status", "category", "code", "focus", "performer")},
        "subject": entry["subject"],
        "issued": entry["issued"],
        "effectiveDateTime": finished.resource(DRAW)["whenPrepared"],
        "component": waste["component"][1:],
        "identifier": [{"system": "https://clinic.example/fhir/sid/cs-ledger", "value": "L-2026-009001"}],
    }
    too_much = finished.client.post("/fhir/Observation", json={**early, "valueQuantity": {**waste["valueQuantity"], "value": 451}})
    assert (too_much.status_code, visit.rules(too_much)) == (422, {"cs-05"})
    some = finished.client.post("/fhir/Observation", json={**early, "valueQuantity": {**waste["valueQuantity"], "value": 2}})
    assert some.status_code == 201, some.text
    assert visit.remaining(app) == 448_000
    (issue,) = (one["resource"] for one in finished.client.get("/fhir/DetectedIssue?code=cs-discrepancy").json["entry"])
    assert {"reference": finished.place(COUNT)} in issue["implicated"]
    assert "2 mg over" in issue["detail"]
