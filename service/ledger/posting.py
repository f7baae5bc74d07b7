"""From one record to the lines that it posts: which amount moves from which account into which.

A record posts once it says that something happened: a receipt or a draw that is completed, an administration that is completed or
stopped, an observation of the ledger that is final. What it posts is the stated amount. Parts of an infusion post nothing: they are
evidence.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import NamedTuple, Protocol

from service.ledger import entry as lines
from service.ledger import reading, stated
from service.ledger.amount import milligrams
from service.ledger.book import Book
from service.ledger.entry import Account, Entry
from service.ledger.scene import ADMINISTRATION, DRAW, LEDGER_ENTRY, RECEIPT, Tree, Written
from service.ledger.stated import Unpostable

_POSTS: Mapping[str, frozenset[str]] = {
    RECEIPT: frozenset({"completed"}),
    DRAW: frozenset({"completed"}),
    ADMINISTRATION: frozenset({"completed", "stopped"}),
    LEDGER_ENTRY: frozenset({"final", "amended", "corrected"}),
}
_KINDS: Mapping[str, str] = {
    "cs-waste": lines.WASTED,
    "cs-return": lines.RETURNED,
    "cs-count": lines.COUNTED,
    "cs-adjust": lines.ADJUSTED,
    "cs-transfer": lines.TRANSFERRED,
    "cs-destroyed": lines.DESTROYED,
    "cs-loss": lines.LOST,
    "cs-broken": lines.BROKEN,
}
ROLES = tuple(_POSTS)
"""The roles that post, in the order in which things happen at one instant."""
_EARLIEST = -(10**6) * 86_400 * 365 * 70
"""About 1900: what is older is a slip."""
KINDS = frozenset(_KINDS)
"""The local codes of ledger Observations."""
WITNESSED = frozenset({lines.WASTED, lines.DESTROYED, lines.BROKEN, lines.ADJUSTED})
"""The kinds that two people must answer for."""


class Surroundings(Protocol):
    """What posting looks up."""

    @property
    def zone(self) -> tzinfo:
        """The clinic's time zone."""

    def get(self, reference: str) -> Tree | None:
        """The resource after the commit."""

    def book(self, vial: str) -> Book:
        """The book of a vial. Raises Unpostable when its Medication is unclear."""

    def site_of(self, safe: str) -> str:
        """The id of the site that a Location belongs to; itself when it is part of none."""


def posts(role: str, tree: Tree | None) -> bool:
    """Whether the record says that something happened."""
    return tree is not None and tree.get("status") in _POSTS.get(role, ())


def vials(role: str, tree: Tree, vial_of: Callable[[str], str | None], get: Callable[[str], Tree | None]) -> list[str]:
    """The ids of the vials whose books the record may change, as far as it names them."""
    found = []
    named = reading.medication(tree)
    if role in (RECEIPT, DRAW, LEDGER_ENTRY) and named and (vial := vial_of(named)):
        found.append(vial)
    if role in (ADMINISTRATION, LEDGER_ENTRY):
        for draw in draws_of(tree):
            dispensed = get(draw)
            source = reading.medication(dispensed) if dispensed else None
            if source and (vial := vial_of(source)):
                found.append(vial)
    return found


def draws_of(tree: Tree) -> list[str]:
    """`MedicationDispense/id` of the draws that an administration or a ledger entry is about."""
    named = tree.get("supportingInformation") if tree["resourceType"] == "MedicationAdministration" else tree.get("partOf")
    return list(dict.fromkeys(reading.referred(named, "MedicationDispense")))


def lines_of(written: Written, around: Surroundings) -> Iterator[Entry]:
    """The lines that the record posts as it is after the commit. Raises Unpostable."""
    assert written.after is not None
    yield from _BY_ROLE[written.role](written, written.after, around)


def _receipt(written: Written, tree: Tree, around: Surroundings) -> Iterator[Entry]:
    where = "SupplyDelivery.suppliedItem"
    item, safe = reading.target(tree.get("suppliedItem", {}).get("itemReference")), reading.target(tree.get("destination"))
    vial = _vial(item, around, f"{where}.item[x]")
    if not safe or not safe.startswith("Location/"):
        raise Unpostable("cs-02", "A receipt says where the vial was put. Name the safe.", "SupplyDelivery.destination")
    amount = stated.amount(tree.get("suppliedItem", {}).get("quantity"), f"{where}.quantity")
    content = around.book(vial).facts.content_ug
    if content is not None and amount > content:
        text = f"{milligrams(amount)} mg is more than the label of the vial says ({milligrams(content)} mg)."
        raise Unpostable("cs-02", f"{text} What is over is adjusted, before a witness.", f"{where}.quantity")
    supplier = (reading.target(tree.get("supplier")) or "").removeprefix("Organization/")
    place = safe.removeprefix("Location/")
    origin = Account(lines.SUPPLIER, supplier)
    yield _line(written, around, _Moved(vial, lines.RECEIVED, origin, Account(lines.VIAL, vial, place), amount, place))


def _draw(written: Written, tree: Tree, around: Surroundings) -> Iterator[Entry]:
    vial = _vial(reading.medication(tree), around, "MedicationDispense.medication[x]")
    amount = stated.amount(tree.get("quantity"), "MedicationDispense.quantity")
    safe = reading.target(tree.get("location"))
    place = safe.removeprefix("Location/") if safe else _place(written, vial, around)
    origin, target = Account(lines.VIAL, vial, place), Account(lines.SYRINGE, written.id)
    yield _line(written, around, _Moved(vial, lines.DRAWN, origin, target, amount, place, written.id))


def _administration(written: Written, tree: Tree, around: Surroundings) -> Iterator[Entry]:
    """What was given, taken from its draws in the order in which it names them."""
    where = "MedicationAdministration.supportingInformation"
    amount = stated.amount(tree.get("dosage", {}).get("dose"), "MedicationAdministration.dosage.dose", may_be_nothing=True)
    draws = [one.removeprefix("MedicationDispense/") for one in draws_of(tree)]
    if not draws:
        raise Unpostable("cs-01", "A controlled substance is given out of a draw. Name its MedicationDispense here.", where)
    given, left = reading.medication(tree), amount
    sources = _sources(given, around)
    for id in draws:
        vial = _drawn_from(id, around, where)
        if vial not in sources:
            text = f"MedicationDispense/{id} was drawn from another vial than {given or 'what was given'} is made of. Name the right draw."
            raise Unpostable("cs-01", text, where)
        account = Account(lines.SYRINGE, id)
        held = around.book(vial).holds(str(account))
        part = left if id == draws[-1] else max(0, min(left, held))
        left -= part
        if part:
            place = around.book(vial).place() or ""
            outcome = Account(lines.GIVEN, "", around.site_of(place))
            yield _line(written, around, _Moved(vial, lines.GIVEN, account, outcome, part, place, id))


def _entry(written: Written, tree: Tree, around: Surroundings) -> Iterator[Entry]:
    kind = _KINDS.get(reading.local_code(tree.get("code")) or "")
    if kind is None:
        raise Unpostable("cs-02", f"An entry of the ledger has one of the codes {', '.join(sorted(KINDS))}.", "Observation.code")
    vial = _vial(reading.medication(tree), around, "Observation.focus")
    signed = stated.signed(
        tree.get("valueQuantity"), "Observation.value[x]", kind == lines.ADJUSTED, kind in (lines.COUNTED, lines.TRANSFERRED)
    )
    draw = _one_draw(tree)
    if draw and _drawn_from(draw, around, "Observation.partOf") != vial:
        raise Unpostable("cs-01", f"MedicationDispense/{draw} was drawn from another vial. Name the vial of the draw.", "Observation.focus")
    place = _place(written, vial, around)
    held = Account(lines.SYRINGE, draw) if draw else Account(lines.VIAL, vial, place)
    origin, target = _accounts(kind, signed, held, Account(lines.VIAL, vial, place), (tree, around))
    yield _line(written, around, _Moved(vial, kind, origin, target, abs(signed), place, draw))


def _one_draw(tree: Tree) -> str:
    """The id of the draw that an entry is about, "" where it is about the vial itself."""
    draws = draws_of(tree)
    if len(draws) > 1 or (not draws and reading.referred(tree.get("partOf"), "MedicationAdministration")):
        text = "An entry about a syringe names the one draw that it comes from (MedicationDispense), also beside an administration."
        raise Unpostable("cs-01", text, "Observation.partOf")
    return draws[0].removeprefix("MedicationDispense/") if draws else ""


def _accounts(
    kind: str, signed: int, held: Account, vial: Account, seen: tuple[Tree, Surroundings]
) -> tuple[Account | None, Account | None]:
    tree, around = seen
    outcome = Account(kind, "", around.site_of(vial.place))
    if kind == lines.COUNTED:
        return None, None
    if kind == lines.RETURNED:
        if held.kind != lines.SYRINGE:
            raise Unpostable("cs-01", "A return names the draw that it comes from.", "Observation.partOf")
        return held, vial
    if kind == lines.ADJUSTED:
        _require_adjustable(tree, signed, held)
        return (outcome, held) if signed > 0 else (held, outcome)
    if kind == lines.TRANSFERRED:
        return vial, _destination(tree, signed, vial, around)
    return held, outcome


def _require_adjustable(tree: Tree, signed: int, held: Account) -> None:
    """A vial may hold more than its label says, before a witness; a syringe holds what was drawn. Raises Unpostable."""
    if held.kind == lines.SYRINGE:
        raise Unpostable("cs-01", "A syringe is not adjusted: amend its draw, or say what became of it.", "Observation.partOf")
    if signed > 0 and not reading.actors(tree, reading.WITNESS):
        raise Unpostable(
            "cs-02", "More than a vial is booked with is adjusted before a witness. Name the witness.", "Observation.performer"
        )


def _destination(tree: Tree, amount: int, vial: Account, around: Surroundings) -> Account:
    where = f"Observation.extension('{reading.DESTINATION}')"
    found = reading.target((reading.extension(tree, reading.DESTINATION) or {}).get("valueReference"))
    if not found or not found.startswith("Location/") or found == f"Location/{vial.place}":
        raise Unpostable("cs-02", "A transfer names another Location that the vial was brought to.", where)
    instant = reading.occurred(tree, around.zone)
    book = around.book(vial.owner).held(instant)
    if amount != book:
        text = f"A vial is moved whole: it held {milligrams(book)} mg then, not {milligrams(amount)} mg."
        raise Unpostable("cs-02", text, "Observation.value[x]")
    return Account(lines.VIAL, vial.owner, found.removeprefix("Location/"))


class _Moved(NamedTuple):
    """What moves: the amount in micrograms, out of `origin` into `target`, at the Location `place`."""

    vial: str
    kind: str
    origin: Account | None
    target: Account | None
    amount: int
    place: str
    draw: str = ""


def _line(written: Written, around: Surroundings, moved: _Moved) -> Entry:
    tree = written.after
    assert tree is not None
    occurred = reading.occurred(tree, around.zone)
    if occurred is None or occurred < _EARLIEST or not reading.has_time_of_day(tree):
        raise Unpostable("cs-20", "Say when it happened, with the time of day: a date alone orders nothing.", written.type)
    witness = next(iter(reading.actors(tree, reading.WITNESS)), "")
    return Entry(
        vial=moved.vial,
        number=0,
        kind=moved.kind,
        reverses=0,
        source=f"{written.reference}/_history/{written.version}",
        draw=moved.draw,
        occurred=occurred,
        recorded=0,
        origin=str(moved.origin or ""),
        target=str(moved.target or ""),
        amount_ug=moved.amount,
        volume_ul=around.book(moved.vial).facts.volume_ul(moved.amount),
        site=around.site_of(moved.place),
        safe=moved.place,
        patient=reading.patient(tree) or "",
        encounter=reading.visit(tree) or "",
        performer=next(iter(reading.actors(tree, reading.PERFORMER)), ""),
        witness=witness,
        flags=lines.UNWITNESSED if moved.kind in WITNESSED and not witness else "",
        policy="",
    )


def _vial(medication: str | None, around: Surroundings, where: str) -> str:
    if medication is None or not medication.startswith("Medication/") or around.get(medication) is None:
        raise Unpostable("cs-02", "Name the vial: a reference to the Medication that stands for it, here.", where)
    if _parts(around.get(medication)):
        raise Unpostable(
            "cs-02", f"{medication} was made of other medications: it is no vial. Name the vial that it was filled from.", where
        )
    return medication.removeprefix("Medication/")


def _sources(medication: str | None, around: Surroundings) -> Sequence[str]:
    """The vials that a Medication is, or is made of."""
    tree = around.get(medication) if medication else None
    if tree is None or medication is None:
        return ()
    return _parts(tree) or [medication.removeprefix("Medication/")]


def _parts(tree: Tree | None) -> Sequence[str]:
    """The ids of the Medications that one is made of."""
    parts = [reading.target(one.get("itemReference")) for one in (tree or {}).get("ingredient", ())]
    return [one.removeprefix("Medication/") for one in parts if one and one.startswith("Medication/")]


def _drawn_from(draw: str, around: Surroundings, where: str) -> str:
    dispensed = around.get(f"MedicationDispense/{draw}")
    if dispensed is None or not posts(DRAW, dispensed):
        raise Unpostable("cs-01", f"MedicationDispense/{draw} is no completed draw. Complete it first, or with this.", where)
    return _vial(reading.medication(dispensed), around, where)


def _place(written: Written, vial: str, around: Surroundings) -> str:
    """Where the vial is then; for one that the ledger has not met, the Location that the record names."""
    assert written.after is not None
    known = around.book(vial).place(reading.occurred(written.after, around.zone))
    subject = reading.target(written.after.get("subject")) or ""
    return known if known is not None else subject.removeprefix("Location/") if subject.startswith("Location/") else ""


_BY_ROLE: Mapping[str, Callable[[Written, Tree, Surroundings], Iterator[Entry]]] = {
    RECEIPT: _receipt,
    DRAW: _draw,
    ADMINISTRATION: _administration,
    LEDGER_ENTRY: _entry,
}
