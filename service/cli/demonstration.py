"""`demo`: the demonstration clinic, with authentication; or open to this machine, on a database of its own."""

from typing import TYPE_CHECKING

import click

from service.cli import worker
from service.cli.group import Refusal
from service.cli.port import port_option
from service.cli.progress import advance
from service.cli.record import opened, record
from service.config import Settings

if TYPE_CHECKING:
    from service.records.context import Context

_LOOPBACK = "127.0.0.1"


@click.command()
@port_option
@click.option("--no-auth", is_flag=True, help="INSECURE: without authentication, for this machine only, on a new SQLite file.")
def demo(port: int, no_auth: bool) -> None:
    """Load the demonstration clinic into an empty database and serve it, with a client for each role and accounts for its staff.

    Keys, tokens and passwords lie in var/demo, where only you may read them. Started again it takes what is there, and makes new tokens.
    The database is marked: it is never served to other machines.

    \b
    Examples:
      infusion-records demo
      infusion-records demo --port 9000
    """
    settings = Settings.load(port=port)
    if settings.is_external:
        raise Refusal("The demonstration has clients and accounts of its own. Leave AUTHENTICATION out.")
    if no_auth:
        _serve_unlocked(settings, port)
    else:
        _serve(settings, port)


def _serve(settings: Settings, port: int) -> None:
    from service import server
    from service.demo import accounts, admission, load, readings, welcome
    from service.storage import marks, migrate

    with opened(settings) as database:
        migrate.upgrade(database)
        marks.require_never_open(database)
    with record(settings) as ctx:
        if load.holds_others(ctx):
            raise Refusal("The database holds patients of its own: the demonstration goes into an empty one. Set DATABASE_URL.")
        marks.put(ctx.service.database, marks.DEMONSTRATION, ctx.service.clock())
        _load_clinic(ctx)
        told = welcome.welcome(settings.base_url, admission.admit(ctx), accounts.make(ctx))
        readings.write(ctx)
    with worker.beside(settings):
        click.echo(f"\n{told}\n")
        server.run(settings, _LOOPBACK, port)


def _serve_unlocked(settings: Settings, port: int) -> None:
    from service import clock
    from service.demo import welcome
    from service.server import unlocked

    with opened(settings) as database:
        unlocked.prepare(settings, database, clock.now())
    with record(settings) as ctx:
        _load_clinic(ctx)
    with worker.beside(settings):
        click.echo(f"\n{welcome.open_welcome(settings.base_url, unlocked.WARNING)}\n")
        unlocked.run(settings, port)


def _load_clinic(ctx: "Context") -> None:
    from service.demo import load
    from service.records import installation

    with click.progressbar(length=1, label="Loading the demonstration clinic") as bar:
        installation.install(ctx)
        load.load(ctx, lambda done, every: advance(bar, done, every))
