"""What moved between the accounts of vials, summed: by vial, kind, direction, and whether it happened before the period.

Accounts of vials stand whole, those of syringes as `syringe`, what is neither as "". Amounts are micrograms.
"""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import BigInteger, ColumnElement, and_, case, cast, func, literal, select

from service.storage.database import Transaction
from service.storage.ledger import Asked, about_lines, about_vials
from service.storage.tables.ledger import ledger_entry, ledger_vial

SYRINGE = "syringe"


class Moved(NamedTuple):
    """A sum of lines. `is_back`: they move others back; `is_before`: they happened before the period began."""

    vial: str
    kind: str
    is_back: bool
    is_before: bool
    site: str
    origin: str
    target: str
    amount_ug: int


def moved(tx: Transaction, asked: Asked, since: int) -> Iterator[Moved]:
    """The sums of the lines that are asked for; those before `since` are apart."""
    line = ledger_entry.c
    is_back, is_before = case((line.reverses != 0, 1), else_=0), case((line.occurred < since, 1), else_=0)
    groups = (line.vial, line.kind, is_back, is_before, line.site, _end(line.origin), _end(line.target))
    chosen = select(*groups, cast(func.sum(line.amount_ug), BigInteger)).where(*about_lines(asked))
    if about := about_vials(asked):
        chosen = chosen.join(ledger_vial, and_(ledger_vial.c.vial == line.vial, *about))
    for row in tx.connection.execute(chosen.group_by(*groups)):
        yield Moved(row[0], row[1], bool(row[2]), bool(row[3]), *row[4:])


def _end(account: ColumnElement[str]) -> ColumnElement[str]:
    return case((account.startswith("vial/"), account), (account.startswith("syringe/"), literal(SYRINGE)), else_=literal(""))
