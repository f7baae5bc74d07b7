"""`audit`: exports of the audit trail, their verification, and the keys that sign its log."""

from pathlib import Path

import click

from service.cli.group import Refusal, refusing
from service.cli.record import record
from service.config import Settings

_NEW = click.Path(exists=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def audit() -> None:
    """Export and verify the audit trail, and make the keys that sign its log.

    \b
    Example:
      infusion-records audit export -o trail
    """


@audit.command()
@click.option("--from", "start", type=click.IntRange(0), default=0, show_default=True, help="The first entry.")
@click.option("--to", "end", type=click.IntRange(0), help="How many entries are covered at least; all that are signed if left out.")
@click.option("-o", "--output", "folder", type=_NEW, required=True, metavar="DIR", help="The directory to make.")
def export(start: int, end: int | None, folder: Path) -> None:
    """Write the audit trail to a directory that can be verified anywhere.

    An export begins at or before the checkpoint that the auditor kept, and ends at a checkpoint. It holds all that the trail says about
    patients: protect it like the record.

    \b
    Examples:
      infusion-records audit export -o trail
      infusion-records audit export --from 120000 -o since-may
    """
    from service.audit.export import Unexportable
    from service.records import audit_log

    if folder.exists():
        raise Refusal(f"{folder} is there already. Name a directory that is not.")
    with record(Settings.load()) as ctx:
        try:
            made = audit_log.export(ctx, folder, start, end)
        except Unexportable as error:
            raise click.ClickException(str(error)) from error
    click.echo(
        f"{made.entries} entries ({made.start} to {made.end}), {made.checkpoints} checkpoints, {made.versions} versions in {folder}."
    )


@audit.command(name="export-register")
@click.option("--start", metavar="DATE", help="The first day; two years before the end if left out.")
@click.option("--end", metavar="DATE", help="The last day; today if left out.")
@click.option("-o", "--output", "folder", type=_NEW, required=True, metavar="DIR", help="The directory to make.")
def export_register(start: str | None, end: str | None, folder: Path) -> None:
    """Write the register of controlled substances to a directory that can be verified anywhere, as $cs-export does.

    It is signed with AUDIT_KEY, and holds data of patients: protect it like the record.

    \b
    Examples:
      infusion-records audit export-register -o register
      infusion-records audit export-register --start 2025-01-01 --end 2026-12-31 -o for-the-inspector
    """
    from service.bulk.register_export import by_hand
    from service.bulk.register_export.content import Unsignable
    from service.records import upkeep
    from service.records.register import exports

    settings = Settings.load()
    signer = upkeep.signer(settings)
    if folder.exists():
        raise Refusal(f"{folder} is there already. Name a directory that is not.")
    with record(settings) as ctx, refusing():
        since, until = exports.period(ctx.service, start, end)
        try:
            made = by_hand.write(ctx, signer, folder, since, until)
        except (Unsignable, OSError) as error:
            raise click.ClickException(str(error)) from error
    click.echo(f"{len(made.files)} files in {folder}. Verify them anywhere: python {folder}/verify.py {folder}")


@audit.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--trusted-checkpoint", type=_FILE, metavar="FILE", help="Checkpoints that were kept elsewhere.")
@click.option("--purged-allowed", is_flag=True, help="Entries without content were purged lawfully; they are counted.")
@click.pass_context
def verify(ctx: click.Context, folder: Path, trusted_checkpoint: Path | None, purged_allowed: bool) -> None:
    """Verify an export of the audit trail or of the register, as the program in it does: nothing of the service or its database is asked.

    Exit codes: 0 nothing wrong; 1 no export; 2 content changed; 3 entries missing or out of order; 4 truncated or forked, seen from the
    trusted checkpoint; 5 bad or unknown signature; 6 versions and entries, or amounts, do not match; 7 more than five minutes without an
    entry.

    \b
    Examples:
      infusion-records audit verify trail --trusted-checkpoint checkpoints.txt
      infusion-records audit verify register
      python trail/verify.py trail --trusted-checkpoint checkpoints.txt
    """
    from service.audit import verify as trail
    from service.audit import verify_register as register

    if (folder / register.MANIFEST).is_file():
        code, message = register.verify(folder, trusted_checkpoint)
    else:
        code, message = trail.verify(folder, trusted_checkpoint, purged_allowed)
    click.echo(message)
    ctx.exit(code)


@audit.command(name="new-key")
@click.argument("file", type=_NEW)
@click.option("--name", required=True, metavar="ORIGIN", help="The log's name for ever: a host of the clinic and a path, without a scheme.")
def new_key(file: Path, name: str) -> None:
    """Make the key that signs a new log, in a FILE that only its owner may read.

    \b
    Example:
      infusion-records audit new-key /run/secrets/audit-key --name records.clinic.example/audit
    """
    from service.audit import key_file
    from service.audit.checkpoint import NoteRefused

    try:
        signer = key_file.create(file, name)
    except FileExistsError as error:
        raise Refusal(f"{file} is there already, and is not overwritten: what its key signed could be lost.") from error
    except NoteRefused as error:
        raise click.BadParameter(str(error), param_hint="--name") from error
    click.echo(f"{signer.key}")


@audit.command(name="rotate-key")
@click.argument("file", type=_NEW)
def rotate_key(file: Path) -> None:
    """Make the key that signs from now on, in FILE, introduced by the present one, which AUDIT_KEY names.

    Set AUDIT_KEY_FILE of the worker to FILE and start it again; until then it signs with the present key.

    \b
    Example:
      infusion-records audit rotate-key /run/secrets/audit-key-2027
    """
    from service.records import audit_log, upkeep

    settings = Settings.load()
    signer = upkeep.signer(settings)
    if file.exists():
        raise Refusal(f"{file} is there already, and is not overwritten.")
    with record(settings) as ctx:
        line = audit_log.rotate(ctx, signer, file)
    click.echo(line)


@audit.command()
@click.pass_context
def check(ctx: click.Context) -> None:
    """Compare every version of the record with the hash that its audit event has of it. Exit code 6 when one is not what was written.

    The log vouches for the events (see: audit verify); this vouches for the record.

    \b
    Example:
      infusion-records audit check
    """
    from service.records import integrity

    with record(Settings.load()) as held:
        found = integrity.checked(held.service)
    for address in found.altered:
        click.echo(f"altered: {address}", err=True)
    older = f", {found.untold} of them older than the audit trail" if found.untold else ""
    click.echo(f"{found.checked} versions{older}: {len(found.altered)} not as written")
    ctx.exit(6 if found.altered else 0)
