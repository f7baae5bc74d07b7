"""A8 and S-28: one assertion, sent fifty times at once, is worth one token, however many processes answer."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from service import wiring
from service.config import Settings
from service.records.context import Service
from tests.databases import Databases
from tests.identity.clients import Signer, registered
from tests.server import Live, running
from tests.unit.security.signing import ES384

TIMES = 50


def _service(url: str) -> Service:
    return wiring.service(Settings(database_url=url, cursor_key="c" * 32, rate_limit=0, rate_limit_tokens=0, rate_limit_sign_in=0))


def _at_once(live: Live, form: dict[str, str]) -> Counter[tuple[int, str]]:
    with ThreadPoolExecutor(TIMES) as pool:
        answers = list(pool.map(lambda _: requests.post(f"{live.origin}/oauth/token", data=form, timeout=60), range(TIMES)))
    assert len({json.loads(answer.content).get("access_token") for answer in answers} - {None}) == 1
    return Counter((answer.status_code, json.loads(answer.content).get("error", "")) for answer in answers)


@pytest.mark.parametrize(("kind", "workers"), [("sqlite", 1), ("sqlite", 2), ("postgresql", 3)])
def test_A8_fifty_at_once_get_one_token(databases: Databases, tmp_path: Path, kind: str, workers: int) -> None:
    with databases.fresh(kind) as url:
        service = _service(url)
        registered(service, Signer(algorithm=ES384))
        with running(tmp_path, url, "--workers", str(workers)) as live:
            who = Signer(algorithm=ES384, origin=live.origin)
            for _ in range(3):
                assert _at_once(live, who.form()) == {(200, ""): 1, (401, "invalid_client"): TIMES - 1}
            text = requests.post(f"{live.origin}/oauth/token", data=who.form(), timeout=60).json()["access_token"]
        service.database.dispose()
        assert text


def test_A8_what_was_spent_stays_spent_after_a_restart(databases: Databases, tmp_path: Path) -> None:
    with databases.fresh("postgresql") as url:
        service = _service(url)
        registered(service, Signer(algorithm=ES384))
        service.database.dispose()
        with running(tmp_path, url, "--workers", "1") as live:
            form = Signer(algorithm=ES384, origin=live.origin).form()
            assert requests.post(f"{live.origin}/oauth/token", data=form, timeout=60).status_code == 200
            port = live.origin.rpartition(":")[2]
        with running(tmp_path, url, "--workers", "1", base_url=f"http://127.0.0.1:{port}/fhir") as live:
            assert requests.post(f"{live.origin}/oauth/token", data=form, timeout=60).status_code == 401
