"""`client`: who may ask for tokens, for what, and by which keys."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.group import refusing
from service.cli.record import own_settings, record
from service.config import Settings

if TYPE_CHECKING:
    from service.storage.clients import Client

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _keys_options(command: Any) -> Any:
    command = click.option("--jwks-url", metavar="URL", help="Where it publishes its public keys, instead.")(command)
    return click.option("--jwks", type=_FILE, metavar="FILE", help="Its public keys: a JWK Set.")(command)


@click.group()
def client() -> None:
    """Register the systems that use the service, and their public keys.

    \b
    Example:
      infusion-records client add east-hospital --role ehr --jwks east-hospital.jwks
    """


@client.command()
@click.argument("name")
@click.option(
    "--scope", default="", metavar="SCOPES", help="What it may ask for at most, with spaces between; those of its role if left out."
)
@click.option("--role", help="A role, whose rules hold for it beyond its scopes; see docs/security.md.")
@_keys_options
@click.option("--device", metavar="Device/ID", help="The device that it speaks for.")
@click.option(
    "--origin", multiple=True, metavar="URL", help="The origin of a web page that uses it, as https://app.example; again for more."
)
def add(name: str, scope: str, role: str | None, device: str | None, origin: tuple[str, ...], **keys: Any) -> None:
    """Register a client under NAME, which it signs its requests for tokens with.

    Scopes are those of SMART 2.2, or the last segment of those of this service: ledger.read, ledger.write, audit.full, admin.clients.
    Any may be granted here. A client without keys gets tokens from `token issue` only.

    \b
    Examples:
      infusion-records client add east-hospital --role ehr --jwks-url https://east.example/jwks.json
      infusion-records client add monitor-3 --role gateway --device Device/monitor-3 --jwks monitor-3.jwks
      infusion-records client add counter --scope "system/MedicationDispense.rs ledger.read"
    """
    from service.records import clients

    with refusing(), record(own_settings()) as ctx:
        made = clients.register(ctx.service, clients.Registration(name, scope, role=role, device=device, origins=origin, **_given(**keys)))
    click.echo(f"{made.id} may ask for: {made.scopes}")
    if not _keys(made):
        click.echo(f"It has no keys. Its tokens come from: infusion-records token issue --client {made.id}")


@client.command(name="list")
def list_() -> None:
    """Show every client: name, state, role, kind of keys, scopes.

    \b
    Example:
      infusion-records client list
    """
    from service.records import clients

    with record(Settings.load()) as ctx:
        for one in clients.every(ctx.service):
            state = "enabled" if one.disabled is None else "disabled"
            click.echo("\t".join((one.id, state, one.role or "-", _keys(one) or "no keys", one.device or "-", one.scopes)))


@client.command()
@click.argument("name")
def disable(name: str) -> None:
    """Let the client NAME in no more: its tokens end at once. It stays in the list, and its name is not given again.

    \b
    Example:
      infusion-records client disable east-hospital
    """
    from service.records import clients

    with refusing(), record(own_settings()) as ctx:
        clients.disable(ctx.service, name)
    click.echo(f"{name} is disabled, and its tokens are void.")


@client.command()
@click.argument("name")
@_keys_options
def rotate(name: str, **keys: Any) -> None:
    """Give the client NAME other keys. What was signed with the old ones is refused from now on; tokens run out by themselves.

    \b
    Examples:
      infusion-records client rotate east-hospital --jwks new.jwks
      infusion-records client rotate east-hospital --jwks-url https://east.example/jwks.json
    """
    from service.records import clients

    with refusing(), record(own_settings()) as ctx:
        clients.rotate(ctx.service, name, **_given(**keys))
    click.echo(f"{name} has other keys.")


def _given(jwks: Path | None, jwks_url: str | None) -> dict[str, Any]:
    return {"jwks": jwks.read_bytes() if jwks else None, "jwks_url": jwks_url}


def _keys(one: "Client") -> str:
    """What is known of the keys of a client; empty when it has none."""
    return "JWK Set" if one.jwks else one.jwks_url or ""
