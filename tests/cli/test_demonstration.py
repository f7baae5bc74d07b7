"""`demo`: clients with keys and tokens, accounts with passwords, in files that only their owner reads; twice is once."""

import json
import stat
import uuid
from pathlib import Path
from urllib.parse import urlencode

import pytest
from click.testing import CliRunner
from flask import Flask
from joserfc import jwt
from joserfc.jwk import ECKey

from service import cli
from service.config import PREFIX
from service.demo import accounts, admission, readings
from service.demo.load import holds_others, load
from service.fhir.document import Document
from service.records import clients, people, tokens
from service.records.change import Create
from service.records.commit import commit
from service.records.context import Context
from service.security import password as passwords
from service.security.roles import ROLES
from tests.access import TESTS

NAMES = {*ROLES, "vendor"}


@pytest.fixture
def ctx(app: Flask) -> Context:
    """A context on a database with the clinic's premises and people, and one visit."""
    made = Context(app.extensions["infusion_records"], TESTS)

    def stop(done: int, _all: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(made, stop)
    return made


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_every_role_has_a_client_with_a_token(ctx: Context, tmp_path: Path) -> None:
    folder = tmp_path / "var/demo"
    admitted = admission.admit(ctx, folder)
    assert admitted.keys() == NAMES
    for name, one in admitted.items():
        caller = tokens.caller(ctx.service, one.token)
        assert caller is not None
        assert (caller.client, caller.role) == (f"demo-{name}", name if name in ROLES else None)
        assert one.header.read_text() == f"Authorization: Bearer {one.token}\n"
        assert caller.device is None or caller.device.startswith("Device/")
        assert (caller.device is not None) == name.startswith("gateway")
        assert (caller.user is not None) == (name in admission.STAFF)
    assert _mode(folder) == 0o700
    assert {_mode(path) for path in folder.iterdir()} == {0o600}
    assert len(list(folder.iterdir())) == 2 * len(NAMES)


def test_started_again_it_has_the_same_keys_and_new_tokens(ctx: Context, tmp_path: Path) -> None:
    first = admission.admit(ctx, tmp_path)
    before = {one.client: one.key.read_bytes() for one in first.values()}
    second = admission.admit(ctx, tmp_path)
    assert {one.client: one.key.read_bytes() for one in second.values()} == before
    assert all(first[name].token != second[name].token for name in NAMES)
    assert tokens.caller(ctx.service, first["ehr"].token) is not None
    assert len(clients.every(ctx.service)) == len(NAMES)


def test_a_lost_key_is_replaced(ctx: Context, tmp_path: Path) -> None:
    first = admission.admit(ctx, tmp_path)["ehr"]
    first.key.unlink()
    second = admission.admit(ctx, tmp_path)["ehr"]
    kept = next(one for one in clients.every(ctx.service) if one.id == second.client)
    assert json.loads(kept.jwks or "")["keys"][0]["x"] == json.loads(second.key.read_text())["x"]


def test_a_client_gets_a_token_with_its_key(app: Flask, ctx: Context, tmp_path: Path) -> None:
    one = admission.admit(ctx, tmp_path)["ehr"]
    key, identity, now = ECKey.import_key(json.loads(one.key.read_text())), ctx.service.identity, ctx.service.clock() // 1_000_000
    claims = {"iss": one.client, "sub": one.client, "aud": identity.token_url, "exp": now + 120, "iat": now, "jti": str(uuid.uuid4())}
    assertion = jwt.encode({"alg": "ES384", "kid": one.client, "typ": "JWT"}, claims, key, algorithms=["ES384"])
    form = {
        "grant_type": "client_credentials",
        "scope": "system/Patient.rs",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion,
    }
    answer = app.test_client().post("/oauth/token", data=urlencode(form), content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 200, answer.text
    headers = {"Authorization": f"Bearer {json.loads(answer.data)['access_token']}"}
    assert app.test_client().get("/fhir/Patient", headers=headers).status_code == 200


def test_staff_can_sign_in_with_what_is_printed(ctx: Context, tmp_path: Path) -> None:
    made = accounts.make(ctx, tmp_path)
    kept = {person.login: person for person in people.every(ctx)}
    assert {account.role for account in made} == {"clinician", "custodian", "auditor", "privacy-officer"}
    assert len(made) == len(kept) == 5
    for account in made:
        assert passwords.matches(kept[account.login].hash, account.password)
        assert not kept[account.login].must_change
        assert _mode(tmp_path / f"{account.login}.password") == 0o600
    assert accounts.make(ctx, tmp_path) == made


def test_a_lost_password_is_set_anew(ctx: Context, tmp_path: Path) -> None:
    first = accounts.make(ctx, tmp_path)[0]
    (tmp_path / f"{first.login}.password").unlink()
    second = accounts.make(ctx, tmp_path)[0]
    assert second.password != first.password
    kept = next(person for person in people.every(ctx) if person.login == first.login)
    assert passwords.matches(kept.hash, second.password)


def test_readings_are_the_same_for_the_same_database(ctx: Context, tmp_path: Path) -> None:
    readings.write(ctx, tmp_path)
    names = ("reading.json", "wrong.json", "batch.json")
    first = [(tmp_path / name).read_bytes() for name in names]
    readings.write(ctx, tmp_path)
    assert [(tmp_path / name).read_bytes() for name in names] == first
    assert json.loads(first[0])["device"]["reference"].startswith("Device/")


def test_a_database_of_ones_own_is_refused(app: Flask, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ctx = Context(app.extensions["infusion_records"], TESTS)
    assert not holds_others(ctx)
    commit(ctx, [Create("Patient", Document.of({"resourceType": "Patient"}))])
    assert holds_others(ctx)
    monkeypatch.chdir(tmp_path)
    refused = CliRunner().invoke(cli.main, ["demo"], env={f"{PREFIX}DATABASE_URL": database_url})
    assert refused.exit_code == 2
    assert "holds patients of its own" in refused.output
    assert clients.every(ctx.service) == []
    assert not (tmp_path / "var").exists()


def test_what_was_added_to_the_demonstration_is_no_hindrance(ctx: Context) -> None:
    commit(ctx, [Create("Patient", Document.of({"resourceType": "Patient"}))])
    assert not holds_others(ctx)


def test_a_provider_has_no_place_in_it(database_url: str) -> None:
    given = {
        f"{PREFIX}DATABASE_URL": database_url,
        f"{PREFIX}AUTHENTICATION": "external",
        f"{PREFIX}OIDC_ISSUER": "https://provider.example",
    }
    refused = CliRunner().invoke(cli.main, ["demo"], env=given)
    assert refused.exit_code == 2
    assert "Leave AUTHENTICATION out" in refused.output
