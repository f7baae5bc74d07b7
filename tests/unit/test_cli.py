"""The command line explains itself, moves the schema, and turns foreseeable failures into one line."""

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from service import cli
from service.config import PREFIX


def _commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, command in group.commands.items():
        found.append((*path, name))
        if isinstance(command, click.Group):
            found += _commands(command, (*path, name))
    return found


def _run(*arguments: str, **variables: str) -> Result:
    return CliRunner().invoke(cli.main, list(arguments), env={f"{PREFIX}{name}": value for name, value in variables.items()})


@pytest.mark.parametrize("command", [(), *_commands(cli.main)], ids=" ".join)
def test_every_command_has_help_with_an_example(command: tuple[str, ...]) -> None:
    shown = _run(*command, "--help")
    assert shown.exit_code == 0
    assert f"infusion-records {' '.join(command)}" in shown.output.split("Example")[1]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "clinic.example", ""])
def test_others_than_this_machine_are_not_served_just_so(host: str, tmp_path: Path) -> None:
    refused = _run("serve", "--host", host, DATABASE_URL=f"sqlite:///{tmp_path}/records.db")
    assert refused.exit_code == 2
    assert refused.output.startswith(f"Error: --host {host} is refused")
    assert "TRUSTED_PROXIES is empty" in refused.output


def test_a_wrong_setting_is_one_line_and_code_2() -> None:
    refused = _run("db", "current", PAGE_MAXIMUM="1")
    assert refused.exit_code == 2
    assert refused.output.splitlines() == [
        "Error: INFUSION_RECORDS_PAGE_MAXIMUM is not a setting. Correct its name or remove it; the README lists all settings."
    ]


def test_a_database_that_cannot_be_reached_is_one_line() -> None:
    refused = _run("db", "current", DATABASE_URL="postgresql://nobody@127.0.0.1:1/records")
    assert refused.exit_code == 1
    assert refused.output.startswith("Error: The database cannot be used: ")


def test_an_old_schema_is_not_served(bare_database_url: str) -> None:
    refused = _run("serve", DATABASE_URL=bare_database_url)
    assert refused.exit_code == 1
    assert "Run: infusion-records db upgrade" in refused.output


@pytest.mark.parametrize("command", [("serve",), ("import", __file__), ("reindex",)], ids=lambda command: command[0])
def test_before_the_first_upgrade_every_command_says_what_to_run(command: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "new/records.db"
    refused = _run(*command, DATABASE_URL=f"sqlite:///{path}")
    assert refused.exit_code == 1
    assert "Run: infusion-records db upgrade" in refused.output
    assert not path.parent.exists()


def test_the_schema_goes_up_and_down(bare_database_url: str) -> None:
    assert "database none, service " in _run("db", "current", DATABASE_URL=bare_database_url).output
    assert _run("db", "upgrade", DATABASE_URL=bare_database_url).exit_code == 0
    shown = _run("db", "current", DATABASE_URL=bare_database_url).output.split()
    assert shown[1].strip(",") == shown[3]
    assert _run("db", "downgrade", "0001", DATABASE_URL=bare_database_url).exit_code == 1, "it asks first"
    assert "revision 0001" in _run("db", "downgrade", "0001", "--yes", DATABASE_URL=bare_database_url).output


def test_upgrade_makes_the_folder_of_a_new_database(tmp_path: Path) -> None:
    path = tmp_path / "new/folder/records.db"
    assert _run("db", "upgrade", DATABASE_URL=f"sqlite:///{path}").exit_code == 0
    assert path.exists()


def test_files_are_imported_once(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "patients.ndjson").write_text('{"resourceType":"Patient","gender":"female"}\n{"resourceType":"Patient","gender":"male"}\n')
    assert "2 created" in _run("import", str(tmp_path / "patients.ndjson"), DATABASE_URL=database_url).output
    assert "0 created" in _run("import", str(tmp_path / "patients.ndjson"), DATABASE_URL=database_url).output


def test_refused_lines_are_named(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "patients.ndjson").write_text('{"resourceType":"Patient"}\n{"resourceType":"Patient","gender":"unheard"}\n')
    done = _run("import", str(tmp_path / "patients.ndjson"), DATABASE_URL=database_url)
    assert done.exit_code == 1
    assert "1 created" in done.output
    assert "patients.ndjson:2: " in done.output


def test_the_index_is_rebuilt(database_url: str) -> None:
    done = _run("reindex", "Patient", DATABASE_URL=database_url)
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "Every search parameter is indexed.")
    refused = _run("reindex", "Dragon", DATABASE_URL=database_url)
    assert refused.exit_code == 2
    assert "Dragon is not a supported resource type" in refused.output


def test_posted_search_parameters_are_taken_up_or_named(database_url: str, tmp_path: Path) -> None:
    stated = {"resourceType": "SearchParameter", "status": "active", "description": "d", "base": ["Patient"], "type": "string"}
    lines = [
        {"resourceType": "Patient", "communication": [{"language": {"text": "Esperanto"}}]},
        {
            **stated,
            "id": "good",
            "url": "http://x/good",
            "name": "good",
            "code": "tongue",
            "expression": "Patient.communication.language.text",
        },
        {**stated, "id": "bad", "url": "http://x/bad", "name": "bad", "code": "birthdate", "expression": "Patient.birthDate"},
    ]
    (tmp_path / "x.ndjson").write_text("\n".join(map(json.dumps, lines)))
    assert _run("import", str(tmp_path / "x.ndjson"), DATABASE_URL=database_url).exit_code == 0
    done = _run("reindex", DATABASE_URL=database_url)
    assert done.exit_code == 1
    assert "SearchParameter/bad: 'birthdate' of Patient cannot be searched: Patient has a parameter 'birthdate' already" in done.output
    assert "Every search parameter is indexed." in done.output
    assert "Every search parameter is indexed." in _run("db", "upgrade", DATABASE_URL=database_url).output


def test_an_unknown_resource_type_is_named(database_url: str) -> None:
    refused = _run("reindex", DATABASE_URL=database_url, RESOURCE_TYPES="Dragon")
    assert refused.exit_code == 2
    assert refused.output.startswith("Error: INFUSION_RECORDS_RESOURCE_TYPES is malformed")
