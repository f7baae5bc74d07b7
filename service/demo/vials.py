"""Controlled-substance stock: vials with lots, draws, witnessed counts and waste, to the microgram.

Every amount is an integer of micrograms until it is written down; a vial is never drawn below zero. Each event carries a
ledger number of its own. Receipt is a SupplyDelivery, a draw a MedicationDispense of type floor stock, a count or a waste an
Observation with performer and witness.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from fhir.resources.R4B.medication import Medication
from fhir.resources.R4B.reference import Reference
from fhir.resources.R4B.supplydelivery import SupplyDelivery

from service.demo import codes, people, premises
from service.demo.elements import concept, controlled, identifier, named, quantity
from service.demo.transaction import Transaction

SCHEDULE_URL = "https://clinic.example/fhir/StructureDefinition/dea-schedule"
WHOLESALER = (codes.DEA, "RE1234563")
EXAMPLE_DAY = date(2026, 11, 17)
"""The day of the example visit, which brings a vial of its own."""


@dataclass
class Vial:
    """A physical vial: serial, lot, expiry, drug, what it holds now (micrograms) and its concentration (mg per mL).

    `content_ug` is what it held at first; one that is not `is_received` stands in the safe without a receipt.
    """

    serial: str
    lot: str
    expires: str
    drug: str
    balance_ug: int
    mg_per_ml: int
    schedule: codes.Code = codes.SCHEDULE_III
    is_received: bool = True
    content_ug: int = field(init=False)

    def __post_init__(self) -> None:
        self.content_ug = self.balance_ug

    @property
    def reference(self) -> Reference:
        """The reference to the vial's Medication."""
        return named("Medication", "vial", self.serial)


@dataclass(frozen=True, slots=True)
class Draw:
    """An amount taken out of a vial, with the vial's balance before and after (micrograms)."""

    vial: Vial
    amount_ug: int
    before_ug: int

    @property
    def after_ug(self) -> int:
        """What the vial holds after the draw."""
        return self.before_ug - self.amount_ug

    @property
    def volume_ml(self) -> Decimal:
        """The volume drawn."""
        return milligrams(self.amount_ug) / self.vial.mg_per_ml


@dataclass
class Stock:
    """The safe: the vials in the order in which they are opened, and the running ledger number."""

    day: date
    vials: list[Vial]
    entries: int = field(default=0)

    def draw(self, drug: str, amount_ug: int, is_received: bool = True) -> Draw:
        """Take `amount_ug` from the first vial of `drug` that holds it, with a receipt or without. Raises ValueError when none does."""
        for vial in self.vials:
            if vial.drug == drug and vial.is_received == is_received and vial.balance_ug >= amount_ug:
                before, vial.balance_ug = vial.balance_ug, vial.balance_ug - amount_ug
                return Draw(vial, amount_ug, before)
        raise ValueError(f"no vial of {drug} holds {amount_ug} ug")

    def number(self) -> str:
        """The next ledger number."""
        self.entries += 1
        return f"L-{self.day.year}-{10000 + self.entries:06d}"


def milligrams(amount_ug: int) -> Decimal:
    """Micrograms as exact milligrams."""
    return Decimal(amount_ug) / 1000


def opening(day: date) -> Stock:
    """The stock as it was received a month before the day: the last of its vials expires soon. One vial more has no receipt."""
    soon = (day + timedelta(days=18)).isoformat()
    lots = (("KET24A102", ""), ("KET24A102", ""), ("KET24A117", ""), ("KET24B203", ""), ("KET23D088", soon), ("KET24C311", ""))
    ketamine = [
        Vial(f"V-{day.year}-{401 + index:05d}", lot, expires or f"{day.year + 1}-08-31", "ketamine", 500_000, 50)
        for index, (lot, expires) in enumerate(lots)
    ]
    ketamine[-1].is_received = False
    midazolam = Vial(f"M-{day.year}-{71:05d}", "MDZ5518", f"{day.year + 1}-05-31", "midazolam", 2_000, 1, codes.SCHEDULE_IV)
    return Stock(day, [*ketamine, midazolam])


def of_example() -> Vial:
    """The vial of the example visit, as that visit leaves it."""
    return Vial("V-2026-00417", "KET24A117", "2027-08-31", "ketamine", 450_000, 50)


def received_on(day: date) -> date:
    """The day on which the stock of `day` came."""
    return day - timedelta(days=28)


def add_stock(master: Transaction, stock: Stock) -> None:
    """The vials with their receipts, and the ondansetron of the day."""
    received = datetime.combine(received_on(stock.day), datetime.min.time()).strftime("%Y-%m-%dT16:15:00Z")
    for vial in stock.vials:
        reference = _add_vial(master, vial)
        if not vial.is_received:
            continue
        master.ensure(
            f"receipt/{vial.serial}",
            SupplyDelivery,
            meta=controlled(),
            identifier=[identifier("cs-ledger", stock.number()), identifier("invoice", "INV-76981")],
            status="completed",
            type=concept(codes.hl7("supply-item-type", "medication", "Medication")),
            suppliedItem={"quantity": quantity(milligrams(vial.balance_ug), "mg"), "itemReference": reference},
            occurrenceDateTime=received,
            supplier=named("Organization", *WHOLESALER),
            destination=premises.safe(),
            receiver=[people.ROOM_NURSES[3].reference, people.WITNESS.reference],
        )
    master.ensure(
        "ondansetron",
        Medication,
        identifier=[identifier("vial", ondansetron_serial(stock.day))],
        code=concept(codes.ONDANSETRON_VIAL, text="Ondansetron 4 mg/2 mL single-dose vial"),
        status="active",
        ingredient=[{"itemCodeableConcept": concept(codes.ONDANSETRON), "isActive": True, "strength": _strength(2)}],
        batch={"lotNumber": "ON5521", "expirationDate": f"{stock.day.year + 2}-02-28"},
    )


def ondansetron_serial(day: date) -> str:
    """The serial of the ondansetron vial opened on the day."""
    return f"OND-{day.year}-0992"


def _add_vial(master: Transaction, vial: Vial) -> Reference:
    ketamine = vial.drug == "ketamine"
    volume = milligrams(vial.balance_ug) / vial.mg_per_ml
    name = f"{vial.drug.capitalize()} {vial.mg_per_ml} mg/mL, {volume} mL {'multiple' if ketamine else 'single'}-dose vial"
    return master.ensure(
        f"vial/{vial.serial}",
        Medication,
        meta=controlled(),
        extension=[schedule(vial.schedule)],
        identifier=[identifier("vial", vial.serial)],
        code=concept(codes.KETAMINE, codes.KETAMINE_VIAL, text=name) if ketamine else concept(codes.MIDAZOLAM, text=name),
        status="active",
        amount={"numerator": quantity(volume, "mL"), "denominator": quantity(1, "1", "vial")},
        ingredient=[
            {
                "itemCodeableConcept": concept(codes.KETAMINE) if ketamine else concept(codes.MIDAZOLAM, text="Midazolam"),
                "isActive": True,
                "strength": _strength(vial.mg_per_ml),
            }
        ],
        batch={"lotNumber": vial.lot, "expirationDate": vial.expires},
    )


def schedule(code: codes.Code) -> dict[str, object]:
    """The extension that names the DEA schedule of a Medication."""
    return {"url": SCHEDULE_URL, "valueCoding": {"system": code.system, "code": code.code, "display": code.display}}


def _strength(mg_per_ml: int) -> dict[str, object]:
    return {"numerator": quantity(mg_per_ml, "mg"), "denominator": quantity(1, "mL")}
