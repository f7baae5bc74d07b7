"""What each practitioner did with controlled substances in a period: drawn, given, wasted and witnessed, beside the others.

Unusual shares are where diversion is looked for first. A practitioner is marked in two cases, and only as somebody to look at:
- of `LEAST` wastes or more, the share of what was wasted of what was given and wasted is more than twice that of all the others;
- of `LEAST` wastes or more, one person witnessed more than `PAIR_PERCENT` percent, and of those of all the others less than half as many.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from service.ledger.entry import DRAWN, GIVEN, WASTED
from service.records.context import Context
from service.records.register import inquiry, wording
from service.records.register.inquiry import Inquiry
from service.records.register.question import Question
from service.records.register.report import FLAG, NUMBER, PERCENT, POLICY, REFERENCE, UG, Column, Report, Row
from service.storage import register_reports

LEAST = 5
PAIR_PERCENT = 80
COLUMNS = (
    Column("practitioner", "Practitioner", basis=POLICY, width=12),
    Column("licence", "Licence", basis=POLICY, width=8),
    Column("substance", "Substance", basis=POLICY, width=9),
    Column("draws", "Draws", NUMBER, POLICY, width=5),
    Column("drawn", "Drawn mg", UG, POLICY, width=7),
    Column("administrations", "Administrations", NUMBER, POLICY, width=7),
    Column("given", "Given mg", UG, POLICY, width=7),
    Column("wastes", "Wastes", NUMBER, POLICY, width=5),
    Column("wasted", "Wasted mg", UG, POLICY, width=7),
    Column("wasted-share", "Wasted %", PERCENT, POLICY, width=6),
    Column("share-of-others", "Of the others %", PERCENT, POLICY, width=6),
    Column("unwitnessed", "Wastes without witness", NUMBER, POLICY, width=6),
    Column("witnesses", "Witnesses", basis=POLICY, width=20),
    Column("outlier", "To look at", FLAG, POLICY, width=5),
    Column("why", "Why", basis=POLICY, width=16),
    Column("reference", "Reference", REFERENCE, width=12),
)
_WHOLE = 10_000
"""Hundredths of a percent."""


@dataclass(slots=True)
class _Done:
    """What one person did with one substance: micrograms and number of records by kind, and how often each other person witnessed."""

    amounts: Counter[str] = field(default_factory=Counter)
    records: Counter[str] = field(default_factory=Counter)
    witnesses: Counter[str] = field(default_factory=Counter)


def report(ctx: Context, asked: Question) -> Report:
    """One row for each practitioner and substance. Raises Forbidden, and BadRequest for what is too much."""
    with inquiry.opened(ctx, asked) as one:
        done = _counted(one)
        one.sheets.load(named for (person, _), what in done.items() for named in (person, *what.witnesses))
        rows = sorted((_row(one, key, done) for key in done), key=lambda row: (str(row[0]), str(row[2])))
        header = (*one.header(COLUMNS, ""), ("Marked", _MARKED))
    return Report("cs-practitioner-activity", "Controlled substances by practitioner", header, COLUMNS, rows, one.zone)


def _counted(one: Inquiry) -> dict[tuple[str, str], _Done]:
    """What everybody did, by person and substance."""
    done: dict[tuple[str, str], _Done] = defaultdict(_Done)
    for row in register_reports.by_person(one.tx, one.about((DRAWN, GIVEN, WASTED))):
        what = done[row.performer, row.name]
        what.amounts[row.kind] += int(row.amount_ug)
        what.records[row.kind] += row.records
        if row.kind == WASTED:
            what.witnesses[row.witness] += row.records
    return done


_MARKED = (
    f"from {LEAST} wastes on: wasted share more than twice that of the others, "
    f"or one witness of more than {PAIR_PERCENT} % who witnesses less than half as many of the others'"
)


def _row(one: Inquiry, key: tuple[str, str], done: Mapping[tuple[str, str], _Done]) -> Row:
    person, substance = key
    own, others = done[key], [what for other, what in done.items() if other[1] == substance and other[0] != person]
    share, usual, why = _share([own]), _share(others), list[str]()
    if own.records[WASTED] >= LEAST:
        if share is not None and usual is not None and share > 2 * usual:
            why.append("wasted share")
        why += [f"witness {one.name(who)}" for who in _always(own, others)]
    return (
        one.name(person),
        wording.licence(one.sheets.get(person)),
        substance,
        own.records[DRAWN],
        own.amounts[DRAWN],
        own.records[GIVEN],
        own.amounts[GIVEN],
        own.records[WASTED],
        own.amounts[WASTED],
        share,
        usual,
        own.witnesses[""],
        "; ".join(f"{one.name(who)} {times}" for who, times in own.witnesses.most_common() if who),
        bool(why),
        "; ".join(why),
        person,
    )


def _share(done: Sequence[_Done]) -> int | None:
    """What was wasted of what was given and wasted, in hundredths of a percent; None where there is nothing."""
    wasted = sum(what.amounts[WASTED] for what in done)
    whole = wasted + sum(what.amounts[GIVEN] for what in done)
    return (wasted * _WHOLE + whole // 2) // whole if whole else None


def _always(own: _Done, others: Sequence[_Done]) -> list[str]:
    """Who witnessed more of the wastes than one person should, and does not do so for everybody."""
    total, of_others = own.witnesses.total(), sum(what.witnesses.total() for what in others)
    found = []
    for who, times in own.witnesses.items():
        elsewhere = sum(what.witnesses[who] for what in others)
        if who and of_others and times * 100 > total * PAIR_PERCENT and 2 * elsewhere * total < times * of_others:
            found.append(who)
    return found
