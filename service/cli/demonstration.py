"""`demo`: the demonstration clinic, with authentication; or open to this machine, on a database of its own."""

import click

from service.cli.port import port_option
from service.cli.progress import advance
from service.cli.record import opened, record
from service.config import Settings

_LOOPBACK = "127.0.0.1"


@click.command()
@port_option
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

    with opened(settings) as database:
        migrate.upgrade(database)
    _load_clinic(settings)
    server.run(settings, _LOOPBACK, port)


def _load_clinic(settings: Settings) -> None:
    from service.demo import load
    from service.records import installation

    with record(settings) as ctx, click.progressbar(length=1, label="Loading the demonstration clinic") as bar:
        installation.install(ctx)
        load.load(ctx, lambda done, every: advance(bar, done, every))
    click.echo(f"\n{load.welcome(settings.base_url)}\n")
