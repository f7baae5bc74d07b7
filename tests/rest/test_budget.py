"""The answers of one Bundle have a limit together: whoever may read a page may not read a thousand of them at once."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.app import create_app
from tests.access import admitted
from tests.databases import KINDS, Databases
from tests.rest.conftest import SETTINGS
from tests.rest.made import entry, issue, patient, process
from tests.rest.test_batch import statuses

SMALL = {"size": replace(SETTINGS, bundle_answer_bytes=10), "time": replace(SETTINGS, bundle_read_seconds=0.000_001)}
READS = [entry("GET", "Patient?_count=1"), entry("GET", "Patient?_count=2"), entry("HEAD", "metadata"), entry("GET", "Patient/$meta")]


@pytest.fixture(scope="module", params=[(kind, amount) for kind in KINDS for amount in SMALL], ids="-".join)
def small(request: pytest.FixtureRequest, databases: Databases) -> Iterator[tuple[str, FlaskClient]]:
    """Which amount is small, and a client of a service with it."""
    kind, amount = request.param
    with ExitStack() as stack:
        url = stack.enter_context(databases.fresh(kind))
        app = create_app(replace(SMALL[amount], database_url=url))
        stack.callback(app.extensions["infusion_records"].database.dispose)
        yield amount, admitted(app)


def test_what_is_left_of_a_batch_is_refused(small: tuple[str, FlaskClient]) -> None:
    answer: Any = process(small[1], "batch", *READS)
    assert statuses(answer) == [200, 413, 413, 413]
    outcome = answer.json["entry"][1]["response"]["outcome"]
    assert outcome["issue"][0]["details"]["coding"][0]["code"] == "bundle-answers"


def test_writes_take_no_time_of_reads(small: tuple[str, FlaskClient]) -> None:
    amount, api = small
    written = entry("PUT", "Patient/of-a-batch", {**patient(), "id": "of-a-batch"})
    assert statuses(process(api, "batch", READS[0], written, READS[0])) == [200, 201 if amount == "time" else 413, 413]


def test_a_transaction_is_undone(small: tuple[str, FlaskClient]) -> None:
    api, subject = small[1], patient()
    outcome = issue(process(api, "transaction", entry("POST", "Patient", subject), *READS), 413)
    assert outcome["expression"] == ["Bundle.entry[2]"]
    found: Any = api.get(f"/fhir/Patient?identifier={subject['identifier'][0]['value']}").json
    assert found["total"] == 0
    issue(process(api, "transaction", *READS), 413)


def test_a_single_question_has_no_such_limit(small: tuple[str, FlaskClient]) -> None:
    assert small[1].get("/fhir/Patient").status_code == 200
    assert statuses(process(small[1], "batch", READS[0])) == [200]
