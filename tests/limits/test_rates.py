"""S-34: who asks too often is told so and when to come back; others do not notice; nothing of it fills the audit trail."""

from collections import Counter as Tally
from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests
from flask import Flask
from sqlalchemy import func, select

from service.app import composed, create_app
from service.config import Settings
from service.errors import Overloaded
from service.records import rates
from service.records.clients import Registration
from service.records.context import Service
from service.records.rates import Asking
from service.security.caller import Caller
from service.storage import rates as counters
from service.storage.database import Database
from service.storage.failures import overloaded
from service.storage.rates import Counter, Rates
from service.storage.tables.audit import audit_event
from service.storage.tables.rates import rate
from tests.access import admitted
from tests.databases import Databases
from tests.server import running

NOON = 1_790_000_000 // 60 * 60 * 1_000_000
"""The first instant of a minute."""
QUIET = Registration("quiet", "system/Patient.rs")
LOUD = Registration("loud", "system/Patient.rs")


@pytest.fixture
def limited(settings: Settings) -> Iterator[Flask]:
    """A service with small limits, in a minute that does not end."""
    first = create_app(replace(settings, rate_limit=10, rate_limit_tokens=4, rate_limit_sign_in=3))
    app = composed(replace(first.extensions["infusion_records"], clock=lambda: NOON + 15_000_000))
    yield app
    app.extensions["infusion_records"].database.dispose()
    first.extensions["infusion_records"].database.dispose()


def _refusals(app: Flask) -> int:
    with app.extensions["infusion_records"].database.glance() as tx:
        query = select(func.count()).select_from(audit_event).where(audit_event.c.target.startswith("rate "))
        return int(tx.connection.scalar(query) or 0)


def test_S34_a_client_beyond_its_limit_is_told_when_to_come_back_and_others_do_not_notice(limited: Flask) -> None:
    loud, quiet = admitted(limited, LOUD), admitted(limited, QUIET)
    answers = [loud.get("/fhir/Patient") for _ in range(30)]
    assert [one.status_code for one in answers] == [200] * 10 + [429] * 20
    last = answers[-1]
    assert last.json["resourceType"] == "OperationOutcome"
    assert last.json["issue"][0]["code"] == "throttled"
    assert last.headers["Retry-After"] == "45"
    assert last.headers["RateLimit-Policy"] == '"requests";q=10;w=60'
    assert last.headers["RateLimit"] == '"requests";r=0;t=45'
    assert [quiet.get("/fhir/Patient").status_code for _ in range(10)] == [200] * 10


def test_S34_the_next_minute_begins_anew(service: Service) -> None:
    asking, counted = Asking("a", Caller("a")), type(service.rates)()
    of = lambda seconds: replace(  # noqa: E731
        service, clock=lambda: NOON + seconds * 1_000_000, settings=replace(service.settings, rate_limit=2), rates=counted
    )
    for at in (0, 60, 120):
        rates.require(of(at), rates.REQUESTS, asking)
        rates.require(of(at + 59), rates.REQUESTS, asking)
        with pytest.raises(rates.TooManyRequests):
            rates.require(of(at + 59), rates.REQUESTS, asking)


def test_S34_the_token_endpoint_is_limited_by_address_in_the_words_of_oauth(limited: Flask) -> None:
    client = limited.test_client()
    answers = [client.post("/oauth/token", data={"grant_type": "none"}) for _ in range(6)]
    assert [one.status_code for one in answers] == [400] * 4 + [429] * 2
    assert answers[-1].json["error"] == "temporarily_unavailable"
    assert answers[-1].headers["Retry-After"] == "45"
    assert answers[-1].headers["Cache-Control"] == "no-store"
    elsewhere = client.post("/oauth/token", data={"grant_type": "none"}, environ_overrides={"REMOTE_ADDR": "192.0.2.7"})
    assert elsewhere.status_code == 400


def test_S34_signing_in_is_limited_by_address_and_answered_with_a_page(limited: Flask) -> None:
    client = limited.test_client()
    answers = [client.post("/sign-in", data={"name": "a", "password": "b"}) for _ in range(5)]
    assert [one.status_code for one in answers] == [403] * 3 + [429] * 2
    assert (answers[-1].mimetype, answers[-1].headers["Retry-After"]) == ("text/html", "45")
    assert client.get("/sign-in").status_code == 200


def test_S34_who_does_not_say_who_it_is_is_counted_by_address(limited: Flask) -> None:
    client = limited.test_client()
    answers = [client.get("/fhir/Patient", headers={"Authorization": "Bearer nonsense"}).status_code for _ in range(12)]
    assert answers == [401] * 10 + [429] * 2
    assert [client.get("/fhir/metadata").status_code for _ in range(2)] == [429, 429]
    elsewhere = client.get("/fhir/metadata", environ_overrides={"REMOTE_ADDR": "192.0.2.7"})
    assert elsewhere.status_code == 200


def test_one_subscriber_has_one_limit_on_ipv6() -> None:
    subjects = {Asking.stranger(address).subject for address in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9")}
    assert subjects == {"2001:db8:1:2::/64"}
    assert Asking.stranger("192.0.2.7").subject == "192.0.2.7"


def test_a_flood_is_two_rows_of_the_audit_trail(limited: Flask) -> None:
    loud = admitted(limited, LOUD)
    statuses = Tally(loud.get("/fhir/Patient").status_code for _ in range(74))
    assert (statuses, _refusals(limited)) == ({200: 10, 429: 64}, 1)
    service = limited.extensions["infusion_records"]
    rates.sweep(service)
    assert _refusals(limited) == 1
    later = replace(service, clock=lambda: NOON + 120_000_000)
    rates.sweep(later)
    rates.sweep(later)
    assert _refusals(limited) == 2
    with service.database.glance() as tx:
        body = tx.connection.scalar(select(audit_event.c.body).order_by(audit_event.c.serial.desc()).limit(1))
        left = tx.connection.scalar(select(func.count()).select_from(rate))
    assert b'"64"' in body
    assert b"loud" in body
    assert left == 0


def test_no_limit_where_it_is_0(limited: Flask) -> None:
    parts = limited.extensions["infusion_records"]
    free = replace(parts, settings=replace(parts.settings, rate_limit=0))
    for _ in range(20):
        rates.require(free, rates.REQUESTS, Asking("a", Caller("a")))
    with parts.database.glance() as tx:
        assert tx.connection.scalar(select(func.count()).select_from(rate)) == 0


def test_nobody_is_let_in_uncounted(limited: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> int:
        raise overloaded("away", "The database is away.")

    loud = admitted(limited, LOUD)
    monkeypatch.setattr(counters, "take", away)
    assert loud.get("/fhir/Patient").status_code == 503
    with pytest.raises(Overloaded):
        rates.require(limited.extensions["infusion_records"], rates.REQUESTS, Asking("a", Caller("a")))


@pytest.mark.parametrize("limit", [1, 7, 100, 1000])
@pytest.mark.parametrize("processes", [1, 3])
def test_processes_let_in_no_more_than_the_limit_and_less_by_a_chunk_each_at_most(service: Service, limit: int, processes: int) -> None:
    several, counter = [Rates() for _ in range(processes)], Counter("requests", f"client {limit} {processes}", 7)
    admitted = sum(several[turn % processes].admits(service.database, counter, limit) for turn in range(limit * 2 + 10))
    assert limit - (processes - 1) * max(1, limit // 20) <= admitted <= limit


def test_requests_cost_no_write_each(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    take = counters.take

    def noted(database: Database, counter: Counter, wanted: int, limit: int) -> int:
        taken.append(wanted)
        return take(database, counter, wanted, limit)

    monkeypatch.setattr(counters, "take", noted)
    mine = Rates()
    assert all(mine.admits(service.database, Counter("requests", "a", 7), 1000) for _ in range(200))
    assert len(taken) == 4


def test_S34_workers_share_one_limit(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("shared")
    with databases.fresh("postgresql") as url, running(folder, url, "--workers", "2", rate_limit=40) as live:
        token = live.admit(LOUD)
        headers = {"Authorization": f"Bearer {token}"}
        statuses = [requests.get(f"{live.url}/Patient", headers=headers, timeout=30).status_code for _ in range(120)]
        assert set(statuses) == {200, 429}
        quiet = {"Authorization": f"Bearer {live.admit(QUIET)}"}
        assert requests.get(f"{live.url}/Patient", headers=quiet, timeout=30).status_code == 200
        database = Database(url)
        with database.glance() as tx:
            client = f"{LOUD.id}-{live.origin.rpartition(':')[2]}"
            minutes = tx.connection.execute(select(rate.c.taken).where(rate.c.subject == client)).scalars().all()
        database.dispose()
        assert minutes
        assert statuses.count(200) <= 40 * len(minutes)
        assert len(minutes) < 3
