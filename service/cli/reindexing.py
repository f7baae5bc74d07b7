"""`reindex`: the search index brought up to date."""

from typing import TYPE_CHECKING

import click

from service.cli.progress import advance
from service.cli.record import record
from service.config import Settings

if TYPE_CHECKING:
    from service.search.parameter import Registry
    from service.search.registries import Registries


@click.command()
@click.argument("types", nargs=-1, metavar="[TYPE]...")
@click.option("--all", "everything", is_flag=True, help="Rebuild every type, also what needs no rebuilding.")
def reindex(types: tuple[str, ...], everything: bool) -> None:
    """Bring the search index up to date while the service runs: for TYPEs, or for all that have parameters which are not indexed yet.

    SearchParameter resources that came, changed or went are taken up. An interrupted run is started again and goes on where it stopped.

    \b
    Examples:
      infusion-records reindex
      infusion-records reindex Observation Encounter
      infusion-records reindex --all
    """
    from service.search import adoption

    with record(Settings.load()) as ctx:
        known, registries = ctx.service.definitions.types, ctx.service.registries
        if unknown := [name for name in types if name not in known]:
            raise click.BadParameter(f"{unknown[0]} is not a supported resource type.", param_hint="TYPE")
        waiting = adoption.prepare(registries)
        for name in types or (sorted(known) if everything else waiting):
            _reindex_type(registries, name)
        adoption.drop(registries)
        _report(registries.current())


def _reindex_type(registries: "Registries", name: str) -> None:
    from service.search.reindex import reindex as rebuilt

    with click.progressbar(length=1, label=name) as bar:
        for progress in rebuilt(registries, name):
            advance(bar, progress.done, progress.total)
        bar.update(bar.length or 1)


def _report(registry: "Registry") -> None:
    """What is indexed now, and what cannot be."""
    from service.search import adoption

    if refused := adoption.refusals(registry):
        click.echo("\n".join(refused), err=True)
    click.echo(adoption.advice(registry) or "Every search parameter is indexed.")
    if refused:
        raise click.ClickException(f"{len(refused)} were refused; the lines above say why.")
