"""`client` and `token`: clients are registered, listed, given other keys and let in no more; tokens are made for them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from joserfc.jwk import ECKey
from sqlalchemy import text

from service import cli, wiring
from service.config import PREFIX, Settings
from service.records import tokens
from service.records.context import Service
from service.security.caller import Caller
from service.storage import clients
from service.storage.database import Database

LEDGER = "http://127.0.0.1:8080/fhir/scope/ledger.read"


def _run(database_url: str, *arguments: str) -> Result:
    return CliRunner().invoke(cli.main, list(arguments), env={f"{PREFIX}DATABASE_URL": database_url})


def _done(database_url: str, *arguments: str) -> Result:
    done = _run(database_url, *arguments)
    assert done.exit_code == 0, done.output
    return done


def _service(database_url: str) -> Service:
    return wiring.service(Settings(database_url=database_url))


def _holder(database_url: str, token: str) -> Caller | None:
    service = _service(database_url)
    found = tokens.caller(service, token)
    service.database.dispose()
    return found


@pytest.fixture
def jwks(tmp_path: Path) -> Path:
    """A file with one public key."""
    return _keys(tmp_path / "keys.jwks", "first")


def _keys(path: Path, name: str) -> Path:
    key = ECKey.generate_key("P-384", {"kid": name}, private=True)
    path.write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    return path


def test_a_client_is_registered_with_what_was_said(database_url: str, jwks: Path) -> None:
    shown = _done(
        database_url, "client", "add", "east", "--scope", "system/Patient.rs  ledger.read", "--role", "auditor", "--jwks", str(jwks),
        "--device", "Device/d1", "--origin", "https://app.example", "--origin", "http://127.0.0.1:3000",
    )  # fmt: skip
    assert shown.output == f"east may ask for: {LEDGER} system/Patient.rs\n"
    service = _service(database_url)
    with service.database.glance() as tx:
        kept = clients.find(tx, "east")
    service.database.dispose()
    assert kept is not None
    assert (kept.scopes, kept.role, kept.device) == (f"{LEDGER} system/Patient.rs", "auditor", "Device/d1")
    assert kept.origins == ("http://127.0.0.1:3000", "https://app.example")
    assert json.loads(kept.jwks or "")["keys"][0]["kid"] == "first"


def test_without_scopes_a_client_has_those_of_its_role(database_url: str) -> None:
    shown = _done(database_url, "client", "add", "east", "--role", "ehr").output
    assert "system/Patient.rs" in shown
    assert "infusion-records token issue --client east" in shown, "it has no keys"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("east", "--scope", "system/Dragon.rs"), "The scope names no resource type"),
        (("east", "--scope", "system/Patient.sr"), "system/Patient.sr"),
        (("east",), "A client needs scopes, or a role"),
        (("east", "--role", "king"), "There is no role 'king'"),
        (("no spaces", "--role", "ehr"), "The name of a client"),
        (("east", "--role", "ehr", "--device", "Patient/1"), "The device of a client"),
        (("east", "--role", "ehr", "--origin", "app.example/x"), "is no origin"),
        (("east", "--role", "ehr", "--jwks-url", "http://x.example/keys"), "https"),
        (("east", "--role", "ehr", "--jwks", "FILE", "--jwks-url", "https://x.example/keys"), "not both"),
        (("east", "--role", "ehr", "--jwks", __file__), "not strict JSON"),
        (("east", "--role", "ehr", "--jwks", "/nowhere"), "does not exist"),
    ],
)
def test_what_is_malformed_is_one_line_and_code_2(database_url: str, jwks: Path, arguments: tuple[str, ...], says: str) -> None:
    refused = _run(database_url, "client", "add", *(str(jwks) if word == "FILE" else word for word in arguments))
    assert refused.exit_code == 2
    assert says in refused.output
    assert _done(database_url, "client", "list").output == ""


def test_a_name_is_given_once(database_url: str) -> None:
    _done(database_url, "client", "add", "east", "--role", "ehr")
    _done(database_url, "client", "disable", "east")
    refused = _run(database_url, "client", "add", "east", "--role", "ehr")
    assert (refused.exit_code, refused.output) == (2, "Error: There is a client east already. Choose another name.\n")


def test_clients_are_listed(database_url: str, jwks: Path) -> None:
    _done(database_url, "client", "add", "west", "--scope", "system/Patient.r", "--jwks", str(jwks))
    _done(database_url, "client", "add", "east", "--scope", "system/Patient.r", "--jwks-url", "https://x.example/keys", "--role", "ehr")
    _done(database_url, "client", "add", "south", "--scope", "system/Patient.r", "--device", "Device/1")
    _done(database_url, "client", "disable", "south")
    assert _done(database_url, "client", "list").output.splitlines() == [
        "east\tenabled\tehr\thttps://x.example/keys\t-\tsystem/Patient.r",
        "south\tdisabled\t-\tno keys\tDevice/1\tsystem/Patient.r",
        "west\tenabled\t-\tJWK Set\t-\tsystem/Patient.r",
    ]


def test_keys_are_rotated(database_url: str, jwks: Path, tmp_path: Path) -> None:
    _done(database_url, "client", "add", "east", "--role", "ehr", "--jwks", str(jwks))
    _done(database_url, "client", "rotate", "east", "--jwks", str(_keys(tmp_path / "new.jwks", "second")))
    service = _service(database_url)
    with service.database.glance() as tx:
        kept = clients.find(tx, "east")
    service.database.dispose()
    assert kept is not None
    assert [key["kid"] for key in json.loads(kept.jwks or "")["keys"]] == ["second"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("rotate", "east"), "Give the new keys"),
        (("rotate", "west", "--jwks-url", "https://x.example/keys"), "There is no client 'west'"),
        (("disable", "west"), "There is no client 'west'"),
    ],
)
def test_what_cannot_be_changed_is_one_line_and_code_2(database_url: str, arguments: tuple[str, ...], says: str) -> None:
    _done(database_url, "client", "add", "east", "--role", "ehr")
    refused = _run(database_url, "client", *arguments)
    assert refused.exit_code == 2
    assert says in refused.output


def test_a_token_is_alone_on_standard_output(database_url: str) -> None:
    _done(database_url, "client", "add", "counter", "--scope", "system/Medication.rs ledger.read")
    made = _done(database_url, "token", "issue", "--client", "counter", "--scope", "ledger.read", "--seconds", "600")
    assert made.stdout.splitlines() == [made.stdout.strip()]
    assert made.stderr == f"for counter, 600 seconds: {LEDGER}\n"
    holder = _holder(database_url, made.stdout.strip())
    assert holder is not None
    assert (holder.client, str(holder.grant)) == ("counter", LEDGER)


def test_a_token_may_be_of_one_patient(database_url: str) -> None:
    _done(database_url, "client", "add", "app", "--scope", "patient/Observation.rs")
    made = _done(database_url, "token", "issue", "--client", "app", "--patient", "p1")
    holder = _holder(database_url, made.stdout.strip())
    assert holder is not None
    assert holder.patients == ("p1",)


def test_tokens_of_a_disabled_client_are_void(database_url: str) -> None:
    _done(database_url, "client", "add", "counter", "--scope", "ledger.read")
    made = _done(database_url, "token", "issue", "--client", "counter").stdout.strip()
    assert _holder(database_url, made) is not None
    _done(database_url, "client", "disable", "counter")
    assert _holder(database_url, made) is None


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--client", "nobody"), "There is no client 'nobody'"),
        (("--client", "counter", "--scope", "system/Patient.rs"), "may have none of these scopes"),
        (("--client", "counter", "--scope", "ledger"), "ledger"),
        (("--client", "counter", "--seconds", "86401"), "86401"),
        (("--client", "counter", "--seconds", "0"), "0"),
        ((), "--client"),
    ],
)
def test_no_token_without_a_right_to_it(database_url: str, arguments: tuple[str, ...], says: str) -> None:
    _done(database_url, "client", "add", "counter", "--scope", "ledger.read")
    refused = _run(database_url, "token", "issue", *arguments)
    assert refused.exit_code == 2
    assert says in refused.stderr
    assert refused.stdout == ""


@pytest.mark.parametrize(
    "arguments",
    [("client", "add", "a", "--role", "ehr"), ("client", "disable", "a"), ("client", "rotate", "a"), ("token", "issue", "--client", "a")],
    ids=" ".join,
)
def test_clients_of_a_provider_are_not_kept_here(database_url: str, arguments: tuple[str, ...]) -> None:
    given = {"DATABASE_URL": database_url, "AUTHENTICATION": "external", "OIDC_ISSUER": "https://provider.example"}
    refused = CliRunner().invoke(cli.main, list(arguments), env={f"{PREFIX}{name}": value for name, value in given.items()})
    assert refused.exit_code == 2
    assert "kept by the OpenID provider" in refused.stderr


def test_every_change_and_token_is_in_the_audit_trail(database_url: str, jwks: Path) -> None:
    def told() -> list[str]:
        database = Database(database_url)
        with database.glance() as tx:
            rows = tx.connection.execute(text("SELECT client, body FROM audit_event ORDER BY serial")).all()
        database.dispose()
        assert {row.client for row in rows} <= {"command-line"}
        bodies = [bytes(row.body).decode() for row in rows]
        return [body for body in bodies if '"Application Stop"' not in body]

    commands = [
        ("client", "add", "east", "--scope", "ledger.read"),
        ("client", "rotate", "east", "--jwks", str(jwks)),
        ("token", "issue", "--client", "east"),
        ("client", "disable", "east"),
    ]
    for number, command in enumerate(commands, 1):
        shown = _done(database_url, *command)
        events = told()
        assert len(events) == number, command
        assert "east" in events[-1]
        if command[0] == "token":
            assert shown.stdout.strip() not in events[-1]
