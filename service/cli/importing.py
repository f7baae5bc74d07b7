"""`import`: resources from files."""

from pathlib import Path

import click

from service.cli.record import record
from service.config import Settings


@click.command(name="import")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_(files: tuple[Path, ...]) -> None:
    """Read resources from FILES: NDJSON, one resource a line, or Bundles.

    An interrupted run continues where it stopped, and a second run creates nothing twice.

    \b
    Examples:
      infusion-records import patients.ndjson observations.ndjson
      infusion-records import visit.json
    """
    from service.bulk import importing

    size = sum(path.stat().st_size for path in files)
    with record(Settings.load()) as ctx, click.progressbar(length=size, label="Importing") as bar:
        report = importing.import_files(ctx, files, bar.update)
    click.echo(f"{report.created} created, {report.updated} updated, {report.deleted} deleted, {report.unchanged} there already.")
    for refusal in report.refused:
        click.echo(str(refusal), err=True)
    if report.refused:
        raise click.ClickException(f"{len(report.refused)} were refused; the lines above say why. Mend them and run the command again.")
