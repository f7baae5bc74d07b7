"""What happens to a controlled substance besides receipt, draw and administration: an Observation of the ledger (cs-ledger-entry)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from service.ledger import reading
from service.records.change import Create
from service.records.entering import elements
from service.records.entering.elements import Occasion, Tree

WASTE, RETURN, COUNT, TRANSFER = "cs-waste", "cs-return", "cs-count", "cs-transfer"
_KINDS = {
    WASTE: "Controlled-substance waste",
    RETURN: "Controlled substance returned",
    COUNT: "Vial balance count",
    TRANSFER: "Controlled substance transferred",
}
REASONS: Mapping[str, str] = MappingProxyType(
    {
        "infusion-remainder": "Remainder of prepared syringe after infusion",
        "infusion-stopped-early": "Infusion stopped early",
        "line-residual": "Residual volume in the line",
        "drawn-not-given": "Drawn but not given",
        "contaminated": "Contaminated",
        "expired-open-vial": "Opened vial past its time",
        "spill": "Spill",
    }
)
METHODS: Mapping[str, str] = MappingProxyType(
    {
        "sequestration-container": "Chemical sequestration container, non-retrievable",
        "reverse-distributor": "Handed to a reverse distributor",
    }
)
COUNTED: Mapping[str, str] = MappingProxyType({"count-exact": "Exact count", "count-estimate": "Estimated count"})


@dataclass(frozen=True, slots=True)
class Movement:
    """One event. References are `Type/id`, "" where there is none: `subject` is the patient, or the safe; `draw` what filled the syringe.

    `volume_ul` is None where it was not measured. `told` are the codes of reason, method or way of counting, by the component's code.
    """

    kind: str
    vial: str
    subject: str
    amount_ug: int
    volume_ul: int | None = None
    draw: str = ""
    visit: str = ""
    destination: str = ""
    told: Mapping[str, tuple[str, str]] = field(default_factory=dict)


_PARTS = {"cs-waste-reason": "Reason", "cs-waste-method": "Method", "cs-count-method": "Count method"}


def changes(movement: Movement, occasion: Occasion) -> list[Create]:
    """The Observation."""
    signers = occasion.signers
    performers = [elements.acting(signers.performer, reading.PERFORMER, "performer")]
    if signers.witness:
        performers.append(elements.acting(signers.witness, reading.WITNESS, "witness"))
    tree = {
        "resourceType": "Observation",
        "meta": elements.meta("cs-ledger-entry"),
        "extension": [*_destination(movement), *occasion.reasons],
        "identifier": [elements.identifier("cs-ledger", occasion.number)],
        "partOf": [{"reference": movement.draw}] if movement.draw else [],
        "status": "final",
        "category": [elements.local("cs-ledger", "Controlled-substance ledger")],
        "code": elements.local(movement.kind, _KINDS[movement.kind]),
        "subject": {"reference": movement.subject},
        "focus": [{"reference": movement.vial}],
        "encounter": {"reference": movement.visit} if movement.visit else {},
        "effectiveDateTime": occasion.when,
        "issued": occasion.issued,
        "performer": performers,
        "valueQuantity": elements.mass(movement.amount_ug),
        "component": list(_components(movement)),
    }
    return [elements.create(tree)]


def _destination(movement: Movement) -> list[Tree]:
    return [{"url": reading.DESTINATION, "valueReference": {"reference": movement.destination}}] if movement.destination else []


def _components(movement: Movement) -> list[Tree]:
    found: list[Tree] = []
    if movement.volume_ul is not None:
        found.append({"code": elements.local("cs-volume", "Volume"), "valueQuantity": elements.volume(movement.volume_ul)})
    for part, (code, display) in movement.told.items():
        found.append({"code": elements.local(part, _PARTS[part]), "valueCodeableConcept": elements.local(code, display)})
    return found
