"""What every record of the register has: the mark that it is one, and a number that is given once."""

from collections.abc import Iterator, Sequence

from service.errors import Issue
from service.ledger import reading
from service.ledger.scene import CONTROLLED, INVENTORY, SYRINGE, VISIT, Written
from service.records.context import Context
from service.storage import ledger
from service.storage.database import Transaction

_SIDS = "https://clinic.example/fhir/sid/"
SYSTEMS = frozenset({f"{_SIDS}cs-ledger", f"{_SIDS}mar", f"{_SIDS}vial"})
"""The systems of identifiers that are given once (CS-33)."""


def claims(ctx: Context, tx: Transaction, concerned: Sequence[Written]) -> tuple[list[tuple[str, str, str]], list[Issue]]:
    """The identifiers that the commit gives, as (system, value, Type/id), and what is wrong where another record has one."""
    wanted: dict[tuple[str, str], Written] = {}
    issues: list[Issue] = []
    for one in concerned:
        issues += [_taken(one, pair, wanted[pair].reference) for pair in _identifiers(one) if wanted.setdefault(pair, one) is not one]
    known = ledger.claimed(tx, list(wanted))
    issues += [
        _taken(one, pair, _named(ctx, known[pair])) for pair, one in wanted.items() if known.get(pair, one.reference) != one.reference
    ]
    return [(*pair, one.reference) for pair, one in wanted.items() if pair not in known], issues


def _named(ctx: Context, holder: str) -> str:
    """The record that has a number, for those who may read all of its type."""
    return holder if ctx.access.is_whole("r", holder.partition("/")[0]) else "another record"


def untagged(one: Written) -> Iterator[Issue]:
    """A record of a controlled substance is marked as one, so that it can be told from others at once (21 CFR 1304.04(g))."""
    if one.after is not None and one.role in CONTROLLED and not reading.is_tagged(one.after):
        text = f"{one.reference} is about a controlled substance and is not marked: add {reading.ACT_CODE}|{reading.TAG} to its tags."
        yield Issue("error", "business-rule", "cs-tag", text, f"{one.type}.meta.tag", one.entry)


def _identifiers(one: Written) -> list[tuple[str, str]]:
    if one.after is None or one.role in (VISIT, INVENTORY, SYRINGE):
        return []
    named = ((each.get("system"), each.get("value")) for each in one.after.get("identifier", ()))
    return list(dict.fromkeys((system, value) for system, value in named if system in SYSTEMS and isinstance(value, str)))


def _taken(one: Written, pair: tuple[str, str], holder: str) -> Issue:
    text = (
        f"{pair[0]}|{pair[1][:80]} is the number of {holder}: each is given once. To send one again, use If-None-Exist or Idempotency-Key."
    )
    return Issue("error", "duplicate", "cs-33", text, f"{one.type}.identifier", one.entry)
