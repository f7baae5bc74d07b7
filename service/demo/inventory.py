"""Inventories: every vial on hand counted by two, and the List of the counts (21 CFR 1304.11)."""

from datetime import datetime
from typing import Any

from fhir.resources.R4B.list import List

from service.demo import ledger, people, premises, vials
from service.demo.codes import local
from service.demo.elements import concept, controlled, identifier
from service.demo.ledger import Entry
from service.demo.transaction import Transaction
from service.demo.vials import Draw, Stock, Vial
from service.demo.visit import moment

_CIRCUMSTANCES = "https://clinic.example/fhir/StructureDefinition/inventory-circumstances"
_MISSING_UG = 2_000
"""What the closing count of one vial lacks."""


def initial(name: str, stock: Stock, evening: datetime) -> dict[str, Any]:
    """The first inventory, on the evening of the day on which the first vials came."""
    held = {vial.serial: vial.balance_ug for vial in stock.vials if vial.is_received}
    return _inventory(name, stock, evening, [vial for vial in stock.vials if vial.is_received], held, "inventory-initial")


def closing(name: str, stock: Stock, evening: datetime) -> dict[str, Any]:
    """The inventory at the close of the day, which is the biennial one too. One vial holds less than the book says."""
    on_hand = [*stock.vials, *([vials.of_example()] if evening.date() >= vials.EXAMPLE_DAY else [])]
    counted = {vial.serial: vial.balance_ug for vial in on_hand}
    short = next(vial for vial in on_hand if vial.is_received and _MISSING_UG < vial.balance_ug < vial.content_ug)
    counted[short.serial] -= _MISSING_UG
    return _inventory(name, stock, evening, on_hand, counted, "inventory-biennial")


def _inventory(name: str, stock: Stock, evening: datetime, on_hand: list[Vial], counted: dict[str, int], kind: str) -> dict[str, Any]:
    taken = Transaction(name)
    by = Entry(taken, stock, people.ROOM_NURSES[1].reference, people.WITNESS.reference)
    counts = [
        ledger.add_count(by, f"count/{vial.serial}", Draw(vial, 0, counted[vial.serial]), moment(evening, minute))
        for minute, vial in enumerate(on_hand)
    ]
    taken.add(
        "inventory",
        List,
        meta=controlled(),
        extension=[_circumstances("inventory-close", kind)],
        identifier=[identifier("inventory", f"INV-{evening:%Y%m%d}")],
        status="current",
        mode="snapshot",
        title="Controlled substances on hand, close of business",
        code=concept(local("cs-inventory", "Controlled-substance inventory")),
        subject=premises.safe(),
        date=moment(evening, len(on_hand)),
        source=people.ROOM_NURSES[1].reference,
        entry=[{"item": count} for count in counts],
    )
    return taken.tree()


def _circumstances(at: str, kind: str) -> dict[str, Any]:
    """What the law asks of an inventory besides the counts: at which end of the day it was taken, and why."""
    return {"url": _CIRCUMSTANCES, "extension": [{"url": "moment", "valueCode": at}, {"url": "kind", "valueCode": kind}]}
