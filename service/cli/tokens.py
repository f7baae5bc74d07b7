"""`token`: tokens that an operator makes, for clients without keys and for trying things out."""

import click

from service.cli.group import refusing
from service.cli.record import own_settings, record

_HOUR = 60 * 60
_DAY = 24 * _HOUR


@click.group()
def token() -> None:
    """Make tokens for registered clients.

    \b
    Example:
      infusion-records token issue --client east-hospital
    """


@token.command()
@click.option("--client", required=True, metavar="NAME", help="For whom; see `client list`.")
@click.option("--scope", metavar="SCOPES", help="Part of what the client may ask for; all of it if left out.")
@click.option("--seconds", type=click.IntRange(1, _DAY), default=_HOUR, show_default=True, help="How long it is good.")
@click.option("--patient", metavar="ID", help="The one patient whose record `patient/` scopes reach.")
def issue(client: str, scope: str | None, seconds: int, patient: str | None) -> None:
    """Print a token, alone on standard output. It is not kept: only its hash is, and that it was made is in the audit trail.

    \b
    Examples:
      infusion-records token issue --client counter --seconds 600
      infusion-records token issue --client east-hospital --scope "system/Patient.rs"
      curl -H "Authorization: Bearer $(infusion-records token issue --client counter)" http://127.0.0.1:8080/fhir/Patient
    """
    from service.records import tokens

    with refusing(), record(own_settings()) as ctx:
        issued = tokens.issue(ctx.service, client, scope, seconds, patient)
    click.echo(issued.text)
    click.echo(f"for {client}, {seconds} seconds: {issued.scope}", err=True)
