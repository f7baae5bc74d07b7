"""What a vial's Medication says of it: substance, strength, content, lot, expiry, serial."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from service.ledger import reading
from service.ledger.amount import MASSES, VOLUMES, Inexact, micrograms, microlitres

_RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
_NDC = "http://hl7.org/fhir/sid/ndc"
_MILLILITRE = 1000


class Unclear(ValueError):
    """The Medication does not say what the ledger must know: `expression` names the element, the text the mend."""

    def __init__(self, text: str, expression: str) -> None:
        super().__init__(text)
        self.expression = expression


@dataclass(frozen=True, slots=True)
class Facts:
    """One physical vial. `content_ug` is what its label says, None where the label is silent; texts are "" where there is none."""

    substance: str
    name: str
    form: str
    schedule: str
    strength_ug_per_ml: int
    content_ug: int | None
    ndc: str
    lot: str
    expires: str
    serial: str

    def volume_ul(self, amount_ug: int) -> int:
        """The volume of the vial's solution that holds `amount_ug`, to the nearest microlitre: the amount in micrograms is what counts."""
        return round(Fraction(amount_ug * _MILLILITRE, self.strength_ug_per_ml))


def facts(tree: Mapping[str, Any]) -> Facts:
    """What the Medication says. Raises Unclear when it has no strength that the ledger can count with."""
    ingredient: Mapping[str, Any] = next(iter(tree.get("ingredient", ())), {})
    concept = ingredient.get("itemCodeableConcept", tree.get("code", {}))
    strength = _strength(ingredient.get("strength", {}))
    batch = tree.get("batch", {})
    schedule = reading.extension(tree, reading.SCHEDULE) or {}
    return Facts(
        substance=_substance(concept),
        name=_text(concept),
        form=tree.get("form", {}).get("text") or _text(tree.get("code", {})),
        schedule=schedule.get("valueCoding", {}).get("code", ""),
        strength_ug_per_ml=strength,
        content_ug=_content(tree.get("amount", {}).get("numerator"), strength),
        ndc=next((code for system, code in reading.codings(tree.get("code")) if system == _NDC), ""),
        lot=batch.get("lotNumber", ""),
        expires=batch.get("expirationDate", ""),
        serial=next((one.get("value", "") for one in tree.get("identifier", ())), ""),
    )


def _strength(strength: Mapping[str, Any]) -> int:
    where = "Medication.ingredient[0].strength"
    try:
        mass, volume = micrograms(strength.get("numerator")), microlitres(strength.get("denominator"))
    except Inexact as error:
        raise Unclear(f"The strength of the vial is not clear. {error} As in 50 mg in 1 mL.", where) from None
    if mass <= 0 or volume <= 0 or mass * _MILLILITRE % volume:
        raise Unclear("The strength of the vial is no whole number of micrograms in a millilitre. Correct it.", where)
    return mass * _MILLILITRE // volume


def _content(numerator: object, strength_ug_per_ml: int) -> int | None:
    if not isinstance(numerator, Mapping):
        return None
    where = "Medication.amount.numerator"
    try:
        if numerator.get("code", numerator.get("unit")) in MASSES:
            return micrograms(numerator)
        if numerator.get("code", numerator.get("unit")) not in VOLUMES:
            return None
        amount = microlitres(numerator) * strength_ug_per_ml
    except Inexact as error:
        raise Unclear(f"The content of the vial is not clear. {error}", where) from None
    if amount % _MILLILITRE:
        raise Unclear("The content of the vial is no whole number of micrograms. Correct amount or strength.", where)
    return amount // _MILLILITRE


def _substance(concept: Mapping[str, Any]) -> str:
    """The code that tells substances apart: RxNorm first."""
    codes = list(reading.codings(concept))
    return next((code for system, code in codes if system == _RXNORM), codes[0][1] if codes else _text(concept))


def _text(concept: Mapping[str, Any]) -> str:
    coded = (coding.get("display") or coding.get("code", "") for coding in concept.get("coding", ()))
    return str(concept.get("text") or next(coded, ""))
