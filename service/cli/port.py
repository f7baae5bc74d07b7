"""The option `--port` of everything that listens."""

from typing import Any

import click

from service.config import DEFAULT_PORT


def port_option(command: Any) -> Any:
    """Gives `command` the option."""
    kind = click.IntRange(1, 65535)
    told = "Port to listen on; the default BASE_URL follows it."
    return click.option("--port", type=kind, default=DEFAULT_PORT, show_default=True, help=told)(command)
