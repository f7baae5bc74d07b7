"""`user`: people get accounts, which are listed, reset and disabled; each is one Practitioner of the record."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from service import cli
from service.config import PREFIX


def _run(database_url: str, *arguments: str, **variables: str) -> Result:
    return CliRunner().invoke(cli.main, list(arguments), env={f"{PREFIX}DATABASE_URL": database_url, **variables})


@pytest.fixture
def record_url(database_url: str, tmp_path: Path) -> str:
    """A database with two practitioners, p1 and p2."""
    path = tmp_path / "practitioners.json"
    entries = [
        {"resource": {"resourceType": "Practitioner", "id": id}, "request": {"method": "PUT", "url": f"Practitioner/{id}"}}
        for id in ("p1", "p2")
    ]
    path.write_text(json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}))
    done = _run(database_url, "import", str(path))
    assert done.exit_code == 0, done.output
    return database_url


def _done(database_url: str, *arguments: str) -> str:
    done = _run(database_url, *arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_an_account_has_a_first_password_which_is_printed_alone(record_url: str) -> None:
    password = _done(record_url, "user", "add", "Alex.Rivera", "--practitioner", "p1", "--role", "clinician")
    assert len(password.split()) == 1
    listed = _done(record_url, "user", "list")
    assert listed == "alex.rivera\tenabled\tclinician\tPractitioner/p1\tpassword only\n"
    assert password.strip() not in listed


def test_one_time_codes_can_be_given_at_once(record_url: str) -> None:
    shown = _done(record_url, "user", "add", "alex", "--practitioner", "p1", "--role", "auditor", "--totp").splitlines()
    assert len(shown) == 2
    assert shown[0] != shown[1]


def test_an_account_is_disabled_and_comes_back_with_another_password(record_url: str) -> None:
    first = _done(record_url, "user", "add", "alex", "--practitioner", "p1", "--role", "clinician")
    assert _done(record_url, "user", "disable", "alex") == "alex is disabled, and signed out everywhere.\n"
    assert "\tdisabled\t" in _done(record_url, "user", "list")
    second = _done(record_url, "user", "password", "alex")
    assert "\tenabled\t" in _done(record_url, "user", "list")
    assert len(second.split()) == 1
    assert first != second


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("add", "alex", "--practitioner", "nobody", "--role", "clinician"), "nobody"),
        (("add", "alex", "--practitioner", "p1", "--role", "gateway"), "People have one of the roles"),
        (("add", "a b", "--practitioner", "p1", "--role", "clinician"), "A name to sign in with"),
        (("add", "taken", "--practitioner", "p1", "--role", "clinician"), "The name taken has an account already"),
        (("add", "other", "--practitioner", "p2", "--role", "clinician"), "Practitioner/p2 has an account already"),
        (("add", "alex", "--role", "clinician"), "--practitioner"),
        (("disable", "alex"), "Nobody signs in as 'alex'"),
        (("password", "alex"), "Nobody signs in as 'alex'"),
    ],
)
def test_what_cannot_be_is_one_line_and_code_2(record_url: str, arguments: tuple[str, ...], says: str) -> None:
    _done(record_url, "user", "add", "taken", "--practitioner", "p2", "--role", "clinician")
    refused = _run(record_url, "user", *arguments)
    assert refused.exit_code == 2
    assert says in refused.stderr
    assert refused.stdout == ""
    assert len(_done(record_url, "user", "list").splitlines()) == 1


@pytest.mark.parametrize("arguments", [("add", "a", "--practitioner", "p1", "--role", "clinician"), ("disable", "a"), ("password", "a")])
def test_people_of_a_provider_are_not_kept_here(database_url: str, arguments: tuple[str, ...]) -> None:
    given = {f"{PREFIX}AUTHENTICATION": "external", f"{PREFIX}OIDC_ISSUER": "https://provider.example"}
    refused = _run(database_url, "user", *arguments, **given)
    assert refused.exit_code == 2
    assert "kept by the OpenID provider" in refused.stderr
