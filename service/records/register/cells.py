"""Columns that several reports have: of which product, out of which container."""

from collections.abc import Collection, Iterable, Sequence

from service.records.register import wording
from service.records.register.report import DATE, LAW, POLICY, UL, Column, Row
from service.storage.ledger import Vial

PRODUCT = (
    Column("substance", "Substance", basis=LAW, width=9),
    Column("form", "Finished form", basis=LAW, width=12),
    Column("strength", "Strength", basis=LAW, width=7),
)
"""The name of the substance, its finished form and strength (21 CFR 1304.11(e), 1304.22(c))."""
CONTAINER = (Column("container-volume", "Volume per container mL", UL, LAW, width=6),)
BATCH = (
    Column("ndc", "NDC", basis=POLICY, width=8),
    Column("lot", "Lot", basis=POLICY, width=7),
    Column("expires", "Expires", DATE, POLICY, width=7),
)
_DATE = len("2027-08-31")
SERIAL = (Column("vial", "Vial", basis=POLICY, width=8),)


def product(vial: Vial) -> Row:
    """The cells of `PRODUCT`."""
    return vial.name, vial.form, wording.strength(vial.strength_ug_per_ml)


def container(vial: Vial) -> Row:
    """The cell of `CONTAINER`: what the label says."""
    return (wording.volume(vial.content_ug, vial.strength_ug_per_ml),)


def batch(vial: Vial) -> Row:
    """The cells of `BATCH`."""
    return vial.ndc, vial.lot, vial.expires[:_DATE]


def serial(vial: Vial) -> Row:
    """The cell of `SERIAL`: what is written on the vial, or the id of its Medication."""
    return (vial.serial or vial.vial,)


def totals(columns: Sequence[Column], rows: Iterable[Row], sums: Collection[str], by: str = "substance") -> list[Row]:
    """One row for each text in the column `by`, with the sums of the columns `sums`."""
    names = [one.name for one in columns]
    key, summed = names.index(by), [names.index(one) for one in sums]
    found: dict[str, dict[int, int]] = {}
    for row in rows:
        sum_of = found.setdefault(str(row[key] or ""), dict.fromkeys(summed, 0))
        for place in summed:
            cell = row[place]
            sum_of[place] += cell if isinstance(cell, int) else 0
    return [
        tuple(f"Total {text}".strip() if place == key else sum_of.get(place) for place in range(len(names)))
        for text, sum_of in found.items()
    ]
