"""Vials that came in: a Medication for each, and the SupplyDelivery that says from whom, when, and who received it.

21 CFR 1304.22(c) asks for the date, the number of containers, and name, address and DEA number of the supplier; two people receive. A
serial that a vial has already is refused: a vial is received once.
"""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlencode

from service.ledger import reading
from service.ledger.amount import UCUM, milligrams, millilitres
from service.records.change import Create
from service.records.entering import elements
from service.records.entering.elements import SID, Occasion, Tree

SERIAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
LOT = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/-]{0,63}")
NDC = re.compile(r"[0-9]{11}|")
MOST_VIALS = 25
_RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
_SNOMED = "http://snomed.info/sct"
_NDC = "http://hl7.org/fhir/sid/ndc"
_MILLILITRE = 1000


@dataclass(frozen=True, slots=True)
class Substance:
    """A controlled substance: its code, its name, and the schedule of 21 CFR 1308."""

    system: str
    code: str
    name: str
    schedule: str


SUBSTANCES: Mapping[str, Substance] = MappingProxyType(
    {
        one.code: one
        for one in (
            Substance(_RXNORM, "6130", "ketamine", "CIII"),
            Substance(_RXNORM, "2119365", "esketamine", "CIII"),
            Substance(_SNOMED, "373476007", "midazolam", "CIV"),
            Substance(_RXNORM, "6470", "lorazepam", "CIV"),
            Substance(_RXNORM, "3322", "diazepam", "CIV"),
            Substance(_RXNORM, "4337", "fentanyl", "CII"),
        )
    }
)
"""Those of the value set controlled-products, by code."""
_SCHEDULES = {"CII": "DEA Schedule II", "CIII": "DEA Schedule III", "CIV": "DEA Schedule IV"}


@dataclass(frozen=True, slots=True)
class Product:
    """What is in each vial: micrograms in a millilitre, and microlitres in the vial. `ndc` has eleven digits, "" where it is not stated."""

    substance: Substance
    strength_ug: int
    volume_ul: int
    ndc: str

    @property
    def content_ug(self) -> int | None:
        """What a full vial holds; None when that is no whole number of micrograms."""
        content, rest = divmod(self.strength_ug * self.volume_ul, _MILLILITRE)
        return None if rest else content

    @property
    def name(self) -> str:
        """As it is called: substance, strength, size."""
        strength, size = milligrams(self.strength_ug), millilitres(self.volume_ul)
        return f"{self.substance.name.capitalize()} {strength} mg/mL, {size} mL vial"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came: the references of supplier and safe, and the vials, all of one product, lot and expiry."""

    supplier: str
    safe: str
    invoice: str
    product: Product
    lot: str
    expires: str
    serials: tuple[str, ...]


def serials(text: str) -> tuple[str, ...]:
    """The serial numbers that were typed, with spaces, commas or new lines between them."""
    return tuple(text.replace(",", " ").split())


def changes(delivery: Delivery, occasion: Occasion) -> list[Create]:
    """A vial and its receipt, for each serial."""
    found = []
    for place, serial in enumerate(delivery.serials, 1):
        name = f"urn:uuid:{uuid.uuid4()}"
        condition = urlencode([("identifier", f"{SID}vial|{serial}")])
        found.append(elements.create(_vial(delivery, serial), if_none_exist=condition, full_url=name))
        found.append(elements.create(_receipt(delivery, occasion, name, f"{occasion.number}-{place:02}")))
    return found


def _vial(delivery: Delivery, serial: str) -> Tree:
    product, substance = delivery.product, delivery.product.substance
    coding = {"system": substance.system, "code": substance.code, "display": substance.name}
    packed = [{"system": _NDC, "code": product.ndc}] if product.ndc else []
    schedule = {"system": reading.CLINIC, "code": substance.schedule, "display": _SCHEDULES[substance.schedule]}
    one = {"value": 1, "unit": "vial", "system": UCUM, "code": "1"}
    return {
        "resourceType": "Medication",
        "meta": elements.meta("controlled-vial"),
        "extension": [{"url": reading.SCHEDULE, "valueCoding": schedule}],
        "identifier": [elements.identifier("vial", serial)],
        "code": {"coding": [coding, *packed], "text": product.name},
        "status": "active",
        "form": {"text": "Solution for injection"},
        "amount": {"numerator": elements.volume(product.volume_ul), "denominator": one},
        "ingredient": [
            {
                "itemCodeableConcept": {"coding": [coding], "text": substance.name},
                "isActive": True,
                "strength": {"numerator": elements.mass(product.strength_ug), "denominator": elements.volume(_MILLILITRE)},
            }
        ],
        "batch": {"lotNumber": delivery.lot, "expirationDate": delivery.expires},
    }


def _receipt(delivery: Delivery, occasion: Occasion, vial: str, number: str) -> Tree:
    product, signers = delivery.product, occasion.signers
    receivers = [signers.performer, *([signers.witness] if signers.witness else [])]
    measured = {"url": f"{elements.PROFILE}volume", "valueQuantity": elements.volume(product.volume_ul)}
    return {
        "resourceType": "SupplyDelivery",
        "meta": elements.meta("controlled-substance-receipt"),
        "extension": occasion.reasons,
        "identifier": [elements.identifier("cs-ledger", number), elements.identifier("invoice", delivery.invoice)],
        "status": "completed",
        "type": elements.hl7("supply-item-type", "medication", "Medication"),
        "suppliedItem": {"extension": [measured], "quantity": elements.mass(product.content_ug or 0), "itemReference": {"reference": vial}},
        "occurrenceDateTime": occasion.when,
        "supplier": {"reference": delivery.supplier},
        "destination": {"reference": delivery.safe},
        "receiver": [elements.who(one) for one in receivers],
    }
