"""`db`: the database between versions of its schema."""

import click

from service.cli.record import opened, record
from service.config import Settings


@click.group()
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

    with opened(Settings.load()) as database:
        migrate.upgrade(database, revision)
        click.echo(f"The database is at revision {migrate.current(database)}.")
        is_newest = migrate.current(database) == migrate.newest()
    if is_newest:
        with record(Settings.load()) as ctx:
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
    with opened(Settings.load()) as database:
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

    with opened(Settings.load()) as database:
        click.echo(f"database {migrate.current(database) or 'none'}, service {migrate.newest()}")
