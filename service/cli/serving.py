"""`serve`: the service on a port."""

import click

from service.cli.port import port_option
from service.cli.record import opened
from service.config import Settings


@click.command()
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen on; another than loopback needs what production needs."
)
@port_option
@click.option("--workers", type=click.IntRange(1, 64), help="Worker processes, instead of the setting WORKERS.")
def serve(host: str, port: int, workers: int | None) -> None:
    """Serve the FHIR API and the pages.

    Others than this machine are let in only over TLS that a trusted proxy ends, from a database that never held a demonstration, and by a
    process without rights. Whatever is missing is named.

    \b
    Examples:
      infusion-records serve
      infusion-records serve --port 9000 --workers 2
      infusion-records serve --host 0.0.0.0
    """
    settings = Settings.load(port=port, host=host, workers=workers)
    from service import server
    from service.server import production
    from service.storage import migrate

    production.require(settings, host)
    with opened(settings) as database:
        migrate.require_newest(database)
        production.require_database(settings, host, database)
    server.run(settings, host, port)
