"""The external mode against a real Keycloak. `make keycloak` fetches one and runs this; without one it is skipped.

KEYCLOAK_HOME names the folder of an unpacked Keycloak.
"""

import html
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import trustme
from flask import Flask
from flask.testing import FlaskClient

from service.app import create_app
from service.config import Settings
from service.fhir.document import Limits, decode
from service.records import provider as records_provider
from service.records.change import Update
from service.records.commit import commit
from service.records.context import Context
from service.security.caller import Caller
from tests.access import TESTS, bearer
from tests.databases import Databases
from tests.external import realm
from tests.ports import free_port

HOME = os.environ.get("KEYCLOAK_HOME", "")
START_SECONDS = 300
ADA = b'{"resourceType": "Practitioner", "id": "ada", "name": [{"family": "Byron", "given": ["Ada"]}]}'

pytestmark = pytest.mark.skipif(not HOME, reason="KEYCLOAK_HOME is not set: make keycloak")


@dataclass(frozen=True)
class Keycloak:
    """A Keycloak that runs: `origin` is https://localhost:PORT."""

    origin: str
    authorities: str

    def token(self, realm_name: str = "clinic", **form: str) -> str:
        """An access token."""
        url = f"{self.origin}/realms/{realm_name}/protocol/openid-connect/token"
        answer = requests.post(url, data=form, verify=self.authorities, timeout=60)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def client_token(self, scope: str) -> str:
        """A token of a client without a person."""
        return self.token(grant_type="client_credentials", client_id="ehr", client_secret=realm.SECRET, scope=scope)

    def user_token(self, name: str, scope: str) -> str:
        """A token of a person."""
        known = {"grant_type": "password", "client_id": "chart-app", "client_secret": realm.SECRET}
        return self.token(**known, username=name, password=realm.PASSWORD, scope=scope)


@pytest.fixture(scope="module")
def keycloak(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keycloak]:
    """Keycloak with our realm, on HTTPS."""
    folder = tmp_path_factory.mktemp("keycloak")
    imports = Path(HOME) / "data" / "import"
    imports.mkdir(parents=True, exist_ok=True)
    (imports / "clinic.json").write_text(realm.realm())
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    certificate = authority.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(str(folder / "chain.pem"), append=True)
    port, management = free_port(), free_port()
    options = [
        *("start-dev", "--import-realm", "--db=dev-mem", "--http-enabled=false", "--http-host=127.0.0.1", f"--https-port={port}"),
        *(f"--https-certificate-file={folder / 'chain.pem'}", f"--https-certificate-key-file={folder / 'key.pem'}"),
        f"--http-management-port={management}",
    ]
    environment = {
        **os.environ,
        "JAVA_OPTS_KC_HEAP": "-Xms128m -Xmx640m",
        "KC_BOOTSTRAP_ADMIN_USERNAME": "root",
        "KC_BOOTSTRAP_ADMIN_PASSWORD": realm.PASSWORD,
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(Path(HOME) / "bin" / "kc.sh"), *options], stdout=log, stderr=log, env=environment, start_new_session=True
        )
    made = Keycloak(f"https://localhost:{port}", str(folder / "authority.pem"))
    try:
        _wait(made, process, folder / "log")
        yield made
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


def _wait(keycloak: Keycloak, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            if requests.get(f"{keycloak.origin}/realms/clinic", verify=keycloak.authorities, timeout=5).status_code == 200:
                return
        except requests.ConnectionError:
            time.sleep(1)
    raise AssertionError(log.read_text()[-3000:])


@pytest.fixture(scope="module")
def app(keycloak: Keycloak, databases: Databases) -> Iterator[Flask]:
    """The application with Keycloak as its provider."""
    with databases.fresh("sqlite") as url:
        settings = Settings(
            database_url=url,
            authentication="external",
            oidc_issuer=f"{keycloak.origin}/realms/clinic",
            oidc_client_id="infusion-records",
            oidc_client_secret=realm.SECRET,
            outbound_private_hosts="localhost=127.0.0.0/8,localhost=::1/128",
            outbound_authorities=keycloak.authorities,
        )
        made = create_app(settings)
        commit(
            Context(made.extensions["infusion_records"], TESTS),
            [Update("Practitioner", "ada", decode(ADA, Limits(depth=9, digits=9)))],
        )
        yield made
        made.extensions["infusion_records"].database.dispose()


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    """Sends requests to it."""
    return app.test_client()


def _caller(app: Flask, token: str) -> Caller | None:
    parts = app.extensions["infusion_records"]
    return records_provider.caller(parts, parts.provider, token, "")


def test_a_client_of_keycloak_reads_what_its_scopes_say(app: Flask, browser: FlaskClient, keycloak: Keycloak) -> None:
    token = keycloak.client_token("system/Observation.rs")
    assert browser.get("/fhir/Observation", headers=bearer(token)).status_code == 200
    found = _caller(app, token)
    assert found is not None
    assert (found.client, str(found.grant), found.user) == ("ehr", "system/Observation.rs", None)


def test_a_clinician_of_keycloak_is_a_practitioner_within_the_role(app: Flask, keycloak: Keycloak) -> None:
    found = _caller(app, keycloak.user_token("ada", "openid user/Observation.rs user/AuditEvent.rs"))
    assert found is not None
    assert (found.client, found.user, found.role, found.name) == ("chart-app", "Practitioner/ada", "clinician", "Ada Byron")
    assert str(found.grant) == "user/Observation.rs"


def test_SC8_a_patient_of_keycloak_reaches_the_own_record(app: Flask, keycloak: Keycloak) -> None:
    found = _caller(app, keycloak.user_token("ann", "openid patient/Observation.rs user/Observation.rs"))
    assert found is not None
    assert (found.user, found.patients, str(found.grant)) == ("Patient/ann", ("ann",), "patient/Observation.rs")


def test_two_roles_are_refused(app: Flask, keycloak: Keycloak) -> None:
    assert _caller(app, keycloak.user_token("zoe", "openid user/Observation.rs")) is None


def test_a_rotated_key_is_followed(app: Flask, keycloak: Keycloak) -> None:
    old = keycloak.client_token("system/Observation.rs")
    admin = keycloak.token("master", grant_type="password", client_id="admin-cli", username="root", password=realm.PASSWORD)
    key = {
        "name": "another",
        "providerId": "ecdsa-generated",
        "providerType": "org.keycloak.keys.KeyProvider",
        "config": {"priority": ["500"], "ecdsaEllipticCurveKey": ["P-384"]},
    }
    admin_url = f"{keycloak.origin}/admin/realms/clinic"
    options: dict[str, Any] = {"headers": bearer(admin), "verify": keycloak.authorities, "timeout": 60}
    assert requests.post(f"{admin_url}/components", json=key, **options).status_code == 201
    assert requests.put(admin_url, json={"defaultSignatureAlgorithm": "ES384"}, **options).status_code == 204
    new = keycloak.client_token("system/Observation.rs")
    assert _caller(app, new) is not None
    assert _caller(app, old) is not None


def test_somebody_signs_in_at_keycloak_by_browser(browser: FlaskClient, keycloak: Keycloak) -> None:
    there = requests.Session()
    there.trust_env = False
    there.verify = keycloak.authorities
    form = there.get(browser.get("/oidc/begin?next=/docs").headers["Location"], timeout=60)
    action = re.search(r'action="([^"]+)"', form.text)
    assert action, form.text
    known = {"username": "ada", "password": realm.PASSWORD}
    answer = there.post(html.unescape(action[1]), data=known, allow_redirects=False, timeout=60)
    assert answer.status_code == 302, answer.text
    assert answer.headers["Location"].startswith(realm.CALLBACK)
    told = {name: value for name, [value] in parse_qs(urlsplit(answer.headers["Location"]).query).items()}
    assert {"code", "state", "iss"} <= told.keys()
    assert browser.get("/oidc/callback", query_string=told).status_code == 200
    assert "Ada Byron" in browser.get("/docs").text


def test_a_token_of_another_realm_is_refused(browser: FlaskClient, keycloak: Keycloak) -> None:
    # the last one: its unknown key uses up the one look at new keys in a minute
    token = keycloak.token("master", grant_type="password", client_id="admin-cli", username="root", password=realm.PASSWORD)
    assert browser.get("/fhir/Observation", headers=bearer(token)).status_code == 401
