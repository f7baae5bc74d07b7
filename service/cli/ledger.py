"""`ledger`: the controlled-substance ledger, derived once more from the record."""

import click

from service.cli.record import record
from service.config import Settings

_MOST_SHOWN = 100


@click.group()
def ledger() -> None:
    """Look after the controlled-substance ledger.

    \b
    Example:
      infusion-records ledger rebuild --check
    """


@ledger.command()
@click.option("--check", is_flag=True, help="Compare; nothing is written.")
def rebuild(check: bool) -> None:
    """Derive the ledger from the record once more, and compare it with the ledger that stands.

    Chains and numbers, what each vial's row repeats, every line, and the log of administrations are looked at. Lines are never replaced: a
    ledger only grows. Without --check the log of administrations, which follows from the record alone, is written anew first.
    Exit codes: 0 the same; 1 something differs.

    \b
    Examples:
      infusion-records ledger rebuild --check
      infusion-records ledger rebuild
    """
    from service.records.register import administrations
    from service.records.register import rebuild as rebuilding

    with record(Settings.load()) as ctx:
        if not check:
            click.echo(f"{administrations.rebuild(ctx.service)} administrations in the log.")
        lines, found = rebuilding.check(ctx.service)
        found += administrations.check(ctx.service)
    for difference in found[:_MOST_SHOWN]:
        click.echo(difference)
    if found:
        raise click.ClickException(f"The ledger differs from the record in {len(found)} places.")
    click.echo(f"{lines} lines: the ledger is what the record says.")
