"""`user`: accounts of people, each of them one Practitioner of the record."""

import click

from service.cli.group import refusing
from service.cli.record import own_settings, record
from service.config import Settings


@click.group()
def user() -> None:
    """Give people accounts to sign in to the pages with.

    \b
    Example:
      infusion-records user add alex.rivera --practitioner 4711 --role clinician
    """


@user.command()
@click.argument("login")
@click.option("--practitioner", required=True, metavar="ID", help="The id of the Practitioner who this is.")
@click.option("--role", required=True, help="What the person may do: clinician, auditor, privacy-officer or admin.")
@click.option("--totp", is_flag=True, help="Print the secret of one-time codes too; they are asked for once the person has confirmed one.")
def add(login: str, practitioner: str, role: str, totp: bool) -> None:
    """Make an account that is signed in to as LOGIN, and print its first password, which the person must change.

    \b
    Examples:
      infusion-records user add alex.rivera --practitioner 4711 --role clinician
      infusion-records user add sam.okafor --practitioner 4712 --role privacy-officer --totp
    """
    from service.records import one_time_codes, people

    with refusing(), record(own_settings()) as ctx:
        click.echo(people.add(ctx, login, practitioner, role))
        if totp:
            person = next(one for one in people.every(ctx) if one.login == people.named(login))
            click.echo(one_time_codes.begin(ctx, person))
            click.echo("The second line is the secret for an authenticator app; confirm a code of it at /account.", err=True)


@user.command(name="list")
def list_() -> None:
    """Show every account: name, state, role, practitioner, whether one-time codes are asked for.

    \b
    Example:
      infusion-records user list
    """
    from service.records import people

    with record(Settings.load()) as ctx:
        for one in people.every(ctx):
            state = "enabled" if one.disabled is None else "disabled"
            codes = "one-time codes" if one.one_time_since is not None else "password only"
            click.echo(f"{one.login}\t{state}\t{one.role}\t{one.user}\t{codes}")


@user.command()
@click.argument("login")
def disable(login: str) -> None:
    """Let a person in no more, and end the person's sessions at once.

    \b
    Example:
      infusion-records user disable alex.rivera
    """
    from service.records import people

    with refusing(), record(own_settings()) as ctx:
        people.disable(ctx, login)
    click.echo(f"{login} is disabled, and signed out everywhere.")


@user.command()
@click.argument("login")
def password(login: str) -> None:
    """Print a new first password for a person who lost one, was locked out or was disabled. One-time codes are to be set up again.

    \b
    Example:
      infusion-records user password alex.rivera
    """
    from service.records import people

    with refusing(), record(own_settings()) as ctx:
        click.echo(people.reset(ctx, login))
