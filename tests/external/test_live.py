"""The real service under gunicorn, with a provider on real HTTPS."""

import subprocess
from pathlib import Path

import requests

from service.config import PREFIX
from tests.access import bearer
from tests.external.provider import Provider
from tests.ports import free_port
from tests.server import PROGRAM, running


def test_the_service_serves_the_tokens_of_its_provider_from_every_worker(database_url: str, provider: Provider, tmp_path: Path) -> None:
    settings = {name.lower(): value for name, value in provider.environment().items()}
    with running(tmp_path, database_url, "--workers", "2", **settings) as live:
        token = provider.access(live.url)
        answers = [requests.get(f"{live.url}/Patient", headers=bearer(token), timeout=30) for _ in range(12)]
        assert {one.status_code for one in answers} == {200}
        assert requests.get(f"{live.url}/Patient", headers=live.headers, timeout=30).status_code == 401
        assert requests.get(f"{live.url}/Patient", timeout=30).status_code == 401
        provider.kids.append("two")
        later = [requests.get(f"{live.url}/Patient", headers=bearer(provider.access(live.url)), timeout=30) for _ in range(12)]
        assert {one.status_code for one in later} == {200}
    assert provider.asked.count("openid-configuration") == 1
    assert token not in live.log.read_text()


def test_serve_ends_with_one_line_when_the_provider_does_not_fit(database_url: str, provider: Provider, tmp_path: Path) -> None:
    provider.told = {"issuer": "https://other.example"}
    environment = {f"{PREFIX}{name}": value for name, value in {**provider.environment(), "DATABASE_URL": database_url}.items()}
    command = [PROGRAM, "serve", "--port", str(free_port())]
    ended = subprocess.run(command, check=False, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert ended.returncode != 0
    assert "INFUSION_RECORDS_OIDC_ISSUER" in ended.stderr
    assert "byte for byte" in ended.stderr
    assert "Traceback" not in ended.stderr
