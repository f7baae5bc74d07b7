"""The command line: `infusion-records COMMAND`. Every command delegates; imports happen inside so that `--help` is quick.

One module for each group of commands; this one puts them together. `group` says how a command fails, `record` opens what it works on.
Exit codes: 0 done, 1 the work failed or something was refused, 2 a setting or argument is wrong.
"""

import click

from service.cli import audit, clients, database, demonstration, importing, ledger, people, reindexing, serving, tokens, worker
from service.cli.group import Commands


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="infusion-records")
def main() -> None:
    """Infusion Records: a FHIR R4 clinical-records service for ketamine infusion clinics.

    Settings are environment variables that begin with INFUSION_RECORDS_, or lines of a .env file.

    \b
    Example:
      infusion-records demo
    """


for _command in (
    serving.serve,
    worker.worker,
    demonstration.demo,
    database.db,
    importing.import_,
    reindexing.reindex,
    clients.client,
    tokens.token,
    people.user,
    audit.audit,
    ledger.ledger,
):
    main.add_command(_command)
