"""Which field of a form a refusal belongs beside: told by the element that it names, else by its rule. What has no field stands on top."""

from collections.abc import Collection, Iterable

from service.errors import Issue
from service.records.entering import typed

_ELEMENTS = (
    ("Observation.valueQuantity", "amount"),
    ("Observation.value", "amount"),
    ("Observation.effective", "when"),
    ("Observation.issued", "when"),
    ("Observation.performer", "name"),
    ("Observation.extension", "late"),
    ("Observation.component", "volume"),
    ("MedicationDispense.quantity", "amount"),
    ("MedicationDispense.when", "when"),
    ("MedicationDispense.authorizingPrescription", "order"),
    ("MedicationDispense.medication", "vial"),
    ("MedicationDispense.extension", "late"),
    ("SupplyDelivery.occurrence", "when"),
    ("SupplyDelivery.receiver", "name"),
    ("SupplyDelivery.supplier", "supplier"),
    ("SupplyDelivery.destination", "safe"),
    ("SupplyDelivery.suppliedItem.item", "serials"),
    ("SupplyDelivery.suppliedItem", "volume"),
    ("SupplyDelivery.extension", "late"),
    ("Provenance.signature", "late"),
    ("Medication.identifier", "serials"),
    ("Medication.batch.lotNumber", "lot"),
    ("Medication.batch.expirationDate", "expires"),
    ("Medication.batch.expirationDate", "until"),
    ("Medication.amount", "volume"),
    ("Medication.amount", "diluted"),
    ("Medication.ingredient", "strength"),
)
_RULES = {
    **dict.fromkeys(("cs-01", "cs-02", "cs-05"), "amount"),
    **dict.fromkeys(("cs-10", "cs-11"), "name"),
    **dict.fromkeys(("cs-20", "cs-21", "cs-22"), "when"),
    "cs-26": "order",
}


def placed(issues: Iterable[Issue], names: Collection[str]) -> tuple[list[str], dict[str, list[str]]]:
    """What is told on top, and what beside each field of `names`. Rules of the register are told by their ids."""
    above: list[str] = []
    beside: dict[str, list[str]] = {}
    for issue in issues:
        if issue.severity not in ("error", "fatal"):
            continue
        field = _field(issue, names)
        says = f"{issue.diagnostics} ({issue.rule})" if issue.rule.startswith(("cs-", "kim-")) else issue.diagnostics
        (beside.setdefault(field, []) if field in names else above).append(says)
    return above, beside


def _field(issue: Issue, names: Collection[str]) -> str:
    if issue.rule == typed.RULE:
        return issue.expression or ""
    where = issue.expression or ""
    named = (field for element, field in _ELEMENTS if where.startswith(element) and field in names)
    return next(named, _RULES.get(issue.rule, ""))
