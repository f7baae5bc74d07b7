"""A leaf of the register as a report: the same rows in a browser, on paper and in files, with a checksum of them.

The checksum is the SHA-256 of the texts of the rows: each row as a JSON array of its cells in one line, UTF-8, with a line feed behind it.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

from service.ledger.amount import milligrams
from service.records.context import Context
from service.records.register import heading, rows
from service.records.register.lines import Held, Leaf
from service.records.register.report import Report, Row
from service.storage.database import Transaction

NAME, TITLE = "register", "Register of controlled substances"
SOURCE = "21 CFR 1304.04, 1304.21, 1304.22(c)"
CHECKSUM, TIES = "SHA-256 of the rows", "Ties out"
_AGREED = "the lines add up to the book, no syringe gave more than was drawn, counts agree, the chain of hashes holds"
_NOTHING = "No line of the register matches. That is an answer: the service looked and found none."


def report(ctx: Context, tx: Transaction, leaf: Leaf, told: Sequence[tuple[str, str]]) -> Report:
    """The report. `told` are (name, text) of what was asked for."""
    made = Report(
        name=NAME,
        title=TITLE,
        header=(),
        columns=rows.COLUMNS,
        rows=[rows.row(one, leaf.trees) for one in leaf.lines],
        zone=ctx.service.settings.zone,
        totals=[rows.total(f"All {leaf.total} lines", leaf.sums), *map(_subtotal, leaf.vials)] if leaf.lines else [],
        nothing=_NOTHING,
    )
    above = heading.lines(ctx, tx, leaf.sites, rows.COLUMNS, heading.Asked(told, source=SOURCE))
    lines = f"{len(leaf.lines)} of {leaf.total}"
    return replace(made, header=(*above, ("Lines", lines), (TIES, ties(leaf.vials)), (CHECKSUM, checksum(made))))


def checksum(report: Report) -> str:
    """The SHA-256 of the rows, in hexadecimal."""
    made = sha256()
    for row in report.texts():
        made.update(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
    return made.hexdigest()


def ties(vials: Sequence[Held]) -> str:
    """Whether the vials tie out, in words."""
    if not vials:
        return "no vial is concerned"
    broken = [f"{one.vial.serial or one.vial.vial}: {'; '.join(one.tie.breaks)}" for one in vials if one.tie.breaks]
    syringes, rest = (sum(amounts) for amounts in zip(*((one.tie.in_syringes_ug, one.tie.unaccounted_ug) for one in vials), strict=True))
    held = sum(one.tie.holds_ug for one in vials)
    sums = f"{milligrams(held)} mg in vials, {milligrams(syringes)} mg in syringes, {milligrams(rest)} mg unaccounted"
    if broken:
        return f"NO, {len(broken)} of {len(vials)} vials do not ({'. '.join(broken)}). {sums}"
    return f"yes, {len(vials)} of {len(vials)} vials: {_AGREED}; {sums}"


def _subtotal(held: Held) -> Row:
    return rows.total(f"Vial {held.vial.serial or held.vial.vial}", held.sums, held.closing_ug)
