"""The page before a form: which vial, draw or visit it is about, as links; and the words for each of them."""

from collections.abc import Iterable

from flask import Response

from service.ledger import reading
from service.ledger.amount import milligrams
from service.records.entering import stock
from service.records.entering.looking import Tree
from service.records.entering.stock import Syringe
from service.storage.ledger import Vial
from service.web.pages import summary
from service.web.pages.desk import Desk

Group = tuple[str, str, tuple[tuple[str, str, str], ...]]
"""A heading, what is said where there is nothing, and the links: query, words, small print."""


def page(desk: Desk, name: str, title: str, groups: Iterable[Group]) -> Response:
    """The page that chooses what the form `name` is about."""
    return desk.show("register-choose.html", title, name=name, groups=tuple(groups))


def vials(desk: Desk) -> Group:
    """The vials that hold something, without saying how much: a count is blind."""
    found = tuple((f"vial={one.vial}", *named(one)) for one in stock.vials(desk.ctx))
    return "Vials", "The books of your clinics have no vial that holds anything.", found


def draws(desk: Desk) -> Group:
    """The draws that are not finished."""
    found = tuple(
        (f"draw={one.tree['id']}", f"{patient(one.patient)}: {milligrams(one.left_ug)} mg left", drawn(desk, one))
        for one in stock.syringes(desk.ctx)
    )
    return "Draws that are not finished", "None.", found


def named(vial: Vial) -> tuple[str, str]:
    """A vial in words: its serial, and what is on its label."""
    label = f"{vial.name} {milligrams(vial.strength_ug_per_ml)} mg/mL, lot {vial.lot}, expires {vial.expires}"
    return vial.serial or vial.vial, label


def patient(tree: Tree | None) -> str:
    """A patient by name."""
    return (summary.label(tree) if tree else "") or "Patient"


def drawn(desk: Desk, syringe: Syringe) -> str:
    """When a draw was made, and how much."""
    when = desk.site.local_time(str(syringe.tree.get("whenHandedOver", "")))
    value = syringe.tree.get("quantity", {}).get("value", "")
    return f"drawn {when}, {value} mg from {reading.medication(syringe.tree) or 'a vial'}"


def label(vial: Vial) -> tuple[tuple[str, str], ...]:
    """The facts of a vial for the top of a form; not what it holds."""
    return (
        ("Vial", vial.serial or vial.vial),
        ("Substance", f"{vial.name}, {milligrams(vial.strength_ug_per_ml)} mg/mL"),
        ("Lot", vial.lot),
        ("Expires", vial.expires),
    )
