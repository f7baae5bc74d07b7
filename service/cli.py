"""The command line: `infusion-records COMMAND`. Every command delegates; imports happen inside so that `--help` is quick.

Exit codes: 0 done, 1 the work failed or something was refused, 2 a setting or argument is wrong.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.config import DEFAULT_PORT, Settings, SettingsError

if TYPE_CHECKING:
    from service.records.context import Context
    from service.search.parameter import Registry
    from service.search.registries import Registries
    from service.storage.database import Database

_LOOPBACK = "127.0.0.1"


class Refusal(click.ClickException):
    """A setting or argument that the service cannot start with."""

    exit_code = 2


class Commands(click.Group):
    """A group whose foreseeable failures are one line on standard error instead of a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Raises Refusal or ClickException with the one line."""
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            raise Refusal(str(error)) from error
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception as error:
            if line := _explained(error):
                raise click.ClickException(line) from error
            raise


def _explained(error: Exception) -> str | None:
    """What to tell about a failure that an operator can mend; None for a fault of the service."""
    from sqlalchemy.exc import DBAPIError

    from service.errors import ServiceError
    from service.storage.database import Unsafe
    from service.storage.migrate import OutOfDate

    if isinstance(error, ServiceError | Unsafe | OutOfDate):
        return str(error)
    return f"The database cannot be used: {str(error.orig).strip().splitlines()[0]}" if isinstance(error, DBAPIError) else None


def _port_option(command: Any) -> Any:
    kind = click.IntRange(1, 65535)
    return click.option(
        "--port", type=kind, default=DEFAULT_PORT, show_default=True, help="Port to listen on; the default BASE_URL follows it."
    )(command)


@contextmanager
def _database(settings: Settings) -> Iterator["Database"]:
    from service import wiring

    database = wiring.database(settings)
    try:
        yield database
    finally:
        database.dispose()


@contextmanager
def _record(settings: Settings) -> Iterator["Context"]:
    """A context to work in, for commands that change the record themselves."""
    from service import wiring
    from service.records.context import Context
    from service.security.caller import Caller
    from service.storage import migrate

    with _database(settings) as database:
        migrate.require_newest(database)
    parts = wiring.service(settings)
    try:
        yield Context(parts, Caller.internal("command-line"))
    finally:
        parts.database.dispose()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="infusion-records")
def main() -> None:
    """Infusion Records: a FHIR R4 clinical-records service for ketamine infusion clinics.

    Settings are environment variables that begin with INFUSION_RECORDS_, or lines of a .env file.

    \b
    Example:
      infusion-records demo
    """


@main.command()
@click.option("--host", default=_LOOPBACK, show_default=True, help="Address to listen on; only loopback is accepted.")
@_port_option
@click.option("--workers", type=click.IntRange(1, 64), help="Worker processes, instead of the setting WORKERS.")
def serve(host: str, port: int, workers: int | None) -> None:
    """Serve the FHIR API and the pages.

    \b
    Examples:
      infusion-records serve
      infusion-records serve --port 9000 --workers 2
    """
    settings = Settings.load(port=port, host=host, workers=workers)
    from service import server
    from service.storage import migrate

    server.require_loopback(host)
    with _database(settings) as database:
        migrate.require_newest(database)
    server.run(settings, host, port)


@main.group()
def db() -> None:
    """Move the database between versions of its schema.

    \b
    Example:
      infusion-records db upgrade
    """


@db.command()
@click.argument("revision", default="head")
def upgrade(revision: str) -> None:
    """Bring the schema up to REVISION, the newest by default, and install the clinic's definitions in it.

    \b
    Examples:
      infusion-records db upgrade
      infusion-records db upgrade 0002
    """
    from service.records import installation
    from service.search import adoption
    from service.storage import migrate

    with _database(Settings.load()) as database:
        migrate.upgrade(database, revision)
        click.echo(f"The database is at revision {migrate.current(database)}.")
        is_newest = migrate.current(database) == migrate.newest()
    if is_newest:
        with _record(Settings.load()) as ctx:
            click.echo(f"{installation.install(ctx)} of the clinic's definitions were written.")
            click.echo(adoption.advice(ctx.service.registry) or "Every search parameter is indexed.")


@db.command()
@click.argument("revision")
@click.option("--yes", is_flag=True, help="Do not ask. Tables that go take their rows with them.")
def downgrade(revision: str, yes: bool) -> None:
    """Take the schema back to REVISION; "base" removes every table.

    \b
    Examples:
      infusion-records db downgrade 0002
      infusion-records db downgrade base --yes
    """
    from service.storage import migrate

    if not yes:
        click.confirm(f"Go back to revision {revision}? Tables made since are lost with all their rows", abort=True)
    with _database(Settings.load()) as database:
        migrate.downgrade(database, revision)
        click.echo(f"The database is at revision {migrate.current(database) or 'none'}.")


@db.command()
def current() -> None:
    """Show the revision of the schema, and the one that this version of the service needs.

    \b
    Example:
      infusion-records db current
    """
    from service.storage import migrate

    with _database(Settings.load()) as database:
        click.echo(f"database {migrate.current(database) or 'none'}, service {migrate.newest()}")


@main.command()
@_port_option
def demo(port: int) -> None:
    """Load the demonstration clinic into an empty database and serve it.

    \b
    Examples:
      infusion-records demo
      infusion-records demo --port 9000
    """
    settings = Settings.load(port=port)
    from service import server
    from service.storage import migrate

    with _database(settings) as database:
        migrate.upgrade(database)
    _load_clinic(settings)
    server.run(settings, _LOOPBACK, port)


def _load_clinic(settings: Settings) -> None:
    from service.demo import load
    from service.records import installation

    with _record(settings) as ctx, click.progressbar(length=1, label="Loading the demonstration clinic") as bar:
        installation.install(ctx)
        load.load(ctx, lambda done, every: _advance(bar, done, every))
    click.echo(f"\n{load.welcome(settings.base_url)}\n")


def _advance(bar: Any, done: int, every: int) -> None:
    bar.length = every
    bar.update(done - bar.pos)


@main.command(name="import")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_(files: tuple[Path, ...]) -> None:
    """Read resources from FILES: NDJSON, one resource a line, or Bundles.

    An interrupted run continues where it stopped, and a second run creates nothing twice.

    \b
    Examples:
      infusion-records import patients.ndjson observations.ndjson
      infusion-records import visit.json
    """
    from service.bulk import importing

    size = sum(path.stat().st_size for path in files)
    with _record(Settings.load()) as ctx, click.progressbar(length=size, label="Importing") as bar:
        report = importing.import_files(ctx, files, bar.update)
    click.echo(f"{report.created} created, {report.updated} updated, {report.deleted} deleted, {report.unchanged} there already.")
    for refusal in report.refused:
        click.echo(str(refusal), err=True)
    if report.refused:
        raise click.ClickException(f"{len(report.refused)} were refused; the lines above say why. Mend them and run the command again.")


@main.command()
@click.argument("types", nargs=-1, metavar="[TYPE]...")
@click.option("--all", "everything", is_flag=True, help="Rebuild every type, also what needs no rebuilding.")
def reindex(types: tuple[str, ...], everything: bool) -> None:
    """Bring the search index up to date while the service runs: for TYPEs, or for all that have parameters which are not indexed yet.

    SearchParameter resources that came, changed or went are taken up. An interrupted run is started again and goes on where it stopped.

    \b
    Examples:
      infusion-records reindex
      infusion-records reindex Observation Encounter
      infusion-records reindex --all
    """
    from service.search import adoption

    with _record(Settings.load()) as ctx:
        known, registries = ctx.service.definitions.types, ctx.service.registries
        if unknown := [name for name in types if name not in known]:
            raise click.BadParameter(f"{unknown[0]} is not a supported resource type.", param_hint="TYPE")
        waiting = adoption.prepare(registries)
        for name in types or (sorted(known) if everything else waiting):
            _reindex_type(registries, name)
        adoption.drop(registries)
        _report(registries.current())


def _reindex_type(registries: "Registries", name: str) -> None:
    from service.search.reindex import reindex as rebuilt

    with click.progressbar(length=1, label=name) as bar:
        for progress in rebuilt(registries, name):
            _advance(bar, progress.done, progress.total)
        bar.update(bar.length or 1)


def _report(registry: "Registry") -> None:
    """What is indexed now, and what cannot be."""
    from service.search import adoption

    if refused := adoption.refusals(registry):
        click.echo("\n".join(refused), err=True)
    click.echo(adoption.advice(registry) or "Every search parameter is indexed.")
    if refused:
        raise click.ClickException(f"{len(refused)} were refused; the lines above say why.")
