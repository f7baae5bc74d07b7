"""The record is what the audit trail says that it was when it was written; what was changed behind the service's back is told."""

from dataclasses import replace

from click.testing import CliRunner
from sqlalchemy import text

from service.cli import main
from service.fhir.document import Document
from service.records import integrity
from service.records.change import Create, Delete, Update
from service.records.commit import commit
from service.records.context import Context, Service


def _write(ctx: Context) -> None:
    made = commit(ctx, [Create("Patient", Document.of({"resourceType": "Patient", "birthDate": f"1980-01-0{day}"})) for day in (1, 2, 3)])
    tree = {"resourceType": "Patient", "id": made[0].id, "active": True}
    commit(ctx, [Update("Patient", made[0].id, Document.of(tree)), Delete("Patient", made[1].id)])


def _behind_the_back(service: Service, statement: str) -> None:
    """As the owner of the database, with the triggers out of the way."""
    with service.database.engine.begin() as connection:
        if service.database.dialect == "postgresql":
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        else:
            names = (
                connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'version'")).scalars().all()
            )
            for name in names:
                connection.execute(text(f'DROP TRIGGER "{name}"'))
        assert connection.execute(text(statement)).rowcount == 1


def test_what_is_as_written_is_found_to_be(ctx: Context) -> None:
    _write(ctx)
    assert integrity.checked(ctx.service) == integrity.Verdict(5, 0, ())


def test_a_changed_version_is_told(ctx: Context) -> None:
    _write(ctx)
    _behind_the_back(ctx.service, "UPDATE version SET body = replace(body, '1980-01-03', '1990-01-03') WHERE body LIKE '%1980-01-03%'")
    found = integrity.checked(ctx.service)
    assert (found.checked, len(found.altered)) == (5, 1)
    assert found.altered[0].endswith("/_history/1")


def test_a_deletion_made_out_of_a_version_is_told(ctx: Context) -> None:
    _write(ctx)
    _behind_the_back(ctx.service, "UPDATE version SET body = NULL WHERE body LIKE '%1980-01-03%'")
    assert len(integrity.checked(ctx.service).altered) == 1


def test_the_command_says_so(ctx: Context) -> None:
    _write(ctx)
    url = ctx.service.database.url.render_as_string(hide_password=False)
    run = CliRunner().invoke(main, ["audit", "check"], env={"INFUSION_RECORDS_DATABASE_URL": url})
    assert (run.exit_code, run.output.strip().splitlines()[-1]) == (0, "5 versions: 0 not as written")
    _behind_the_back(
        replace(ctx.service), "UPDATE version SET body = replace(body, '1980-01-03', '1990-01-03') WHERE body LIKE '%1980-01-03%'"
    )
    assert CliRunner().invoke(main, ["audit", "check"], env={"INFUSION_RECORDS_DATABASE_URL": url}).exit_code == 6
