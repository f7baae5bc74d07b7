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
    from service.audit.event import Event
    from service.audit.kinds import CONFIGURED
    from service.records import installation, trail
    from service.search import adoption
    from service.storage import migrate

    with opened(Settings.load()) as database:
        migrate.upgrade(database, revision)
        click.echo(f"The database is at revision {migrate.current(database)}.")
        is_newest = migrate.current(database) == migrate.newest()
    if is_newest:
        with record(Settings.load()) as ctx:
            trail.record(ctx.service, Event(CONFIGURED, subject="schema", details=(("revision", str(migrate.newest())),)), ctx.caller)
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


@db.command()
@click.option("--role", required=True, help="The role that the service logs in with; it exists and owns nothing.")
def grant(role: str) -> None:
    """Give ROLE of a PostgreSQL the rights that the service needs, and no others: what only grows it can neither change nor empty.

    Run it as the owner of the tables, after every `db upgrade`.

    \b
    Example:
      infusion-records db grant --role infusion_records
    """
    from service.audit.event import Event
    from service.audit.kinds import ROLES_CHANGED
    from service.records import trail
    from service.storage import grants

    with record(Settings.load()) as ctx:
        trail.record(ctx.service, Event(ROLES_CHANGED, subject=f"database role {role[:63]}"), ctx.caller)
        grants.grant(ctx.service.database, role)
    click.echo(f"The role {role} has the rights of the application.")
