"""The rows of the administration log follow from the record: after the visit, after a change of it, and made again from nothing."""

from collections.abc import Iterator

import pytest
from flask import Flask

from service.app import create_app
from service.config import Settings
from service.fhir import temporal
from service.records.register import administrations
from service.storage import register
from service.storage.register import Administration, Asked
from tests.access import admitted
from tests.databases import KINDS, Databases
from tests.register import visit


@pytest.fixture(scope="module", params=KINDS)
def lived(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Flask]:
    """A service on which the visit was recorded, a short while ago."""
    with databases.fresh(request.param) as url:
        app = create_app(Settings(database_url=url, time_zone="America/Los_Angeles", cursor_key="c" * 32, rate_limit=0))
        app.config["places"] = visit.places(visit.process(admitted(app), visit.lately()))
        yield app
        app.extensions["infusion_records"].database.dispose()


def kept(app: Flask) -> list[Administration]:
    """Every row."""
    with app.extensions["infusion_records"].database.read() as tx:
        return [Administration(*row) for row in register.rows(tx, Asked(temporal.BEGINNING, temporal.END), 100)]


def test_the_visit_has_one_row_of_its_parent(lived: Flask) -> None:
    [row] = kept(lived)
    places = lived.config["places"]
    assert row.administration == places[visit.GIVEN].partition("/")[2]
    assert (row.status, row.amount_ug, row.version) == ("completed", 32_200, 1)
    assert row.ended is not None
    assert row.ended - row.started == 52 * 60 * 1_000_000
    assert row.draws == places[visit.DRAW].partition("/")[2]
    assert row.vials == places[visit.VIAL].partition("/")[2]
    assert (row.patient, row.encounter, row.request) == (places[visit.PATIENT], places[visit.VISIT], places[visit.ORDER])
    assert row.performers == places[visit.NURSE]
    assert [part.rpartition(" ")[0] for part in row.rates.split("; ")] == ["42 mL/h", "30 mL/h"]
    assert row.site
    assert not row.is_late
    assert not row.is_amended


def test_the_rows_are_those_that_the_record_gives(lived: Flask) -> None:
    service = lived.extensions["infusion_records"]
    before = kept(lived)
    assert list(administrations.check(service)) == []
    assert administrations.rebuild(service) == 1
    assert kept(lived) == before
    with service.database.write() as tx:
        register.clear(tx)
    assert len(list(administrations.check(service))) == 1
    administrations.rebuild(service)
    assert kept(lived) == before
