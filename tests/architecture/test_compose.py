"""compose.yaml runs the image without rights, behind the proxy alone, with secrets from files and settings that exist."""

import ipaddress
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from service import cli
from service.config import DEFAULT_PORT, PREFIX, Settings
from service.server import production

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
NGINX = (ROOT / "deploy/nginx.conf").read_text()
OURS = sorted(name for name, service in SERVICES.items() if service["image"] == "infusion-records")
SECRETIVE = re.compile(r"PASSWORD|KEY|SECRET|DATABASE_URL")


def test_the_image_runs_as_service_worker_and_upgrade() -> None:
    assert OURS == ["records", "upgrade", "worker"]


@pytest.mark.parametrize("name", OURS)
def test_ours_run_without_rights(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["tmpfs"] == ["/tmp"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"user", "privileged", "cap_add", "network_mode", "ports", "pid", "devices"} & service.keys()


def test_only_the_proxy_is_reached_from_outside() -> None:
    assert {name: service["ports"] for name, service in SERVICES.items() if "ports" in service} == {"proxy": ["443:443"]}


def test_the_trusted_proxy_is_the_one_that_ends_tls() -> None:
    address = SERVICES["proxy"]["networks"]["inside"]["ipv4_address"]
    assert ipaddress.ip_address(address) in ipaddress.ip_network(COMPOSE["networks"]["inside"]["ipam"]["config"][0]["subnet"])
    assert SERVICES["records"]["environment"][f"{PREFIX}TRUSTED_PROXIES"] == address
    assert f"proxy_pass http://records:{DEFAULT_PORT};" in NGINX
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in NGINX, "what a client wrote there does not arrive"
    assert "access_log off;" in NGINX


def test_the_proxy_lets_through_what_the_service_takes() -> None:
    size = re.search(r"client_max_body_size (\d+)m;", NGINX)
    assert size
    assert int(size[1]) * 1024 * 1024 >= Settings().bundle_bytes


def test_every_setting_exists() -> None:
    known = {field.name.upper() for field in fields(Settings)}
    given = {name for service in SERVICES.values() for name in service.get("environment", {}) if name.startswith(PREFIX)}
    assert len(given) >= 6
    assert {name for name in given if name.removeprefix(PREFIX).removesuffix("_FILE") not in known} == set()


def test_secrets_are_files_that_are_not_kept_here() -> None:
    assert "/secrets/" in (ROOT / ".gitignore").read_text().splitlines()
    assert {Path(secret["file"]).parent.as_posix() for secret in COMPOSE["secrets"].values()} == {"secrets"}
    used = {name for service in SERVICES.values() for name in service.get("secrets", [])}
    assert used == COMPOSE["secrets"].keys()
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if SECRETIVE.search(name):
                assert name.endswith("_FILE")
                assert value.removeprefix("/run/secrets/") in service["secrets"]


def test_only_the_worker_has_the_key_and_only_the_upgrade_the_owner() -> None:
    holders = {
        secret: [name for name, service in SERVICES.items() if secret in service.get("secrets", [])] for secret in COMPOSE["secrets"]
    }
    assert holders["audit_key"] == ["worker"]
    assert holders["owner_url"] == ["upgrade"]


def _commands() -> list[list[str]]:
    written = [SERVICES["worker"]["command"]]
    written += [command.split()[1:] for command in SERVICES["upgrade"]["command"][0].split("&&")]
    image = re.search(r"^CMD \[(.*)\]$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert image
    return [*written, [word.strip('" ') for word in image[1].split(",")]]


@pytest.mark.parametrize("command", _commands(), ids=" ".join)
def test_every_command_exists(command: list[str]) -> None:
    known = [word for word in command if not word.startswith("-") and word not in ("0.0.0.0", "records_application")]
    shown = CliRunner().invoke(cli.main, [*known, "--help"])
    assert shown.exit_code == 0, shown.output
    assert all(word in shown.output for word in command if word.startswith("--"))


def test_the_image_by_itself_lets_nobody_in(tmp_path: Path) -> None:
    refused = CliRunner().invoke(cli.main, ["serve", "--host", "0.0.0.0"], env={f"{PREFIX}DATABASE_URL": f"sqlite:///{tmp_path}/r.db"})
    assert refused.exit_code == 2
    assert f"EXPOSE {DEFAULT_PORT}" in (ROOT / "Dockerfile").read_text()


def test_what_compose_sets_is_enough_for_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 10001)
    given = SERVICES["records"]["environment"]
    settings = Settings(base_url="https://records.clinic.example/fhir", trusted_proxies=given[f"{PREFIX}TRUSTED_PROXIES"])
    assert production.is_production(settings, "0.0.0.0")
    production.require(settings, "0.0.0.0")
