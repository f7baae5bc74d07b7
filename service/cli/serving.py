"""`serve` and `demo`: the service on a port."""

from typing import Any

import click

from service.cli.progress import advance
from service.cli.record import opened, record
from service.config import DEFAULT_PORT, Settings

_LOOPBACK = "127.0.0.1"


def _port_option(command: Any) -> Any:
    kind = click.IntRange(1, 65535)
    return click.option(
        "--port", type=kind, default=DEFAULT_PORT, show_default=True, help="Port to listen on; the default BASE_URL follows it."
    )(command)


@click.command()
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
    with opened(settings) as database:
        migrate.require_newest(database)
    server.run(settings, host, port)


@click.command()
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
