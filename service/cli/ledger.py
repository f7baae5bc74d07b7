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
@click.option("--check", is_flag=True, required=True, help="Compare; nothing is written. A ledger that only grows is not replaced.")
def rebuild(check: bool) -> None:
    """Derive every line of the ledger from the record once more and compare it with the ledger.

    Chains and numbers, what each vial's row repeats, and every line are looked at. Exit codes: 0 the same; 1 something differs.

    \b
    Example:
      infusion-records ledger rebuild --check
    """
    from service.records.register import rebuild as rebuilding

    assert check
    with record(Settings.load()) as ctx:
        lines, found = rebuilding.check(ctx.service)
    for difference in found[:_MOST_SHOWN]:
        click.echo(difference)
    if found:
        raise click.ClickException(f"The ledger differs from the record in {len(found)} places.")
    click.echo(f"{lines} lines: the ledger is what the record says.")
