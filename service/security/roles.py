"""The roles of a clinic: which scopes each has, and which rules hold beyond scopes. Data alone.

Scopes are written as an operator types them: those of this service by their last segment. A role that people have is given to a person as
`user/` scopes (`Role.scopes_of_a_person`), which reach no further than the person may. A role has the least that its work needs; whoever
needs more gets another scope, not another role. docs/decisions/0018-scopes-and-roles.md says what is decided, and why.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
CLINIC = "https://clinic.example/fhir/CodeSystem/ketamine-clinic"


class Rule(StrEnum):
    """What holds for a role beyond its scopes."""

    OWN_DEVICE = "own-device"
    """What it writes names its own device as the source."""
    ANY_TARGET = "any-target"
    """What it writes may name any target of its site that exists, without a scope to read that; the visit is optional."""
    FLAG_LATE = "flag-late"
    """What it writes late is taken, and marked as late; what lies too far ahead is refused (`WINDOW`)."""
    NO_CONDITIONS = "no-conditions"
    """It makes no conditional request: a repeated one carries an Idempotency-Key."""
    OWN_RESOURCES = "own-resources"
    """It changes only what it made."""
    OWN_SITE = "own-site"
    """It reaches the patients of the clinic that it belongs to."""
    BREAK_GLASS = "break-glass"
    """It may go beyond its clinic, for a stated reason and a limited time (`BREAK_GLASS`)."""
    RECIPIENTS = "recipients"
    """Of patients with a controlled-substance record it reads `RECIPIENT_ELEMENTS`, and of other patients nothing, without a scope."""
    MASKED_QUERIES = "masked-queries"
    """Of what others searched it reads the kind, not the values."""
    OWN_SUBSCRIPTIONS = "own-subscriptions"
    """It reads and changes only the subscriptions that it made."""
    NO_RECORD = "no-record"
    """It reads neither patients' data nor the bodies of the audit trail, and grants itself nothing."""


@dataclass(frozen=True, slots=True)
class Window:
    """When what a device measured may lie, seen from when it arrives."""

    late_after_hours: int = 24
    ahead_minutes: int = 5


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """What a person must state to go beyond what the role reaches, for how long it holds, and when somebody must have looked at it."""

    purpose: str = "ETREAT"
    reason_characters: int = 10
    minutes: int = 60
    review_hours: int = 72


WINDOW = Window()
BREAK_GLASS = BreakGlass()
RECIPIENT_ELEMENTS = ("identifier", "name", "address", "birthDate")
"""Of a patient who was given a controlled substance: what an inspection asks for (21 CFR 1304)."""


@dataclass(frozen=True, slots=True)
class Role:
    """A role: its name on the command line, what it is for, its scopes, and the rules that hold beyond them."""

    name: str
    purpose: str
    scopes: tuple[str, ...]
    rules: frozenset[Rule] = frozenset()
    is_for_people: bool = False

    @property
    def scopes_of_a_person(self) -> tuple[str, ...]:
        """The scopes of somebody who has signed in with this role: `user/` in the place of `system/`."""
        return tuple(f"user/{scope.removeprefix('system/')}" if scope.startswith("system/") else scope for scope in self.scopes)


def _on(context: str, letters: str, *types: str, condition: str = "") -> tuple[str, ...]:
    return tuple(f"{context}/{type}.{letters}{condition}" for type in types)


_VITAL_SIGNS = f"?category={CATEGORY}|vital-signs"
_GATEWAY = _on("system", "c", "Observation", condition=_VITAL_SIGNS)
_GATEWAY_RULES = frozenset({Rule.OWN_DEVICE, Rule.ANY_TARGET, Rule.FLAG_LATE, Rule.NO_CONDITIONS})

_TREATMENT = (
    *_on("user", "crus", "Patient", "Encounter", "Observation", "MedicationAdministration", "AdverseEvent", "Procedure"),
    *_on("user", "rs", "Medication"),
)
_CHART = _on(
    "user",
    "rs",
    *("AllergyIntolerance", "CarePlan", "Communication", "Condition", "Consent", "DetectedIssue", "Device", "EpisodeOfCare", "Flag"),
    *("Location", "MedicationDispense", "MedicationRequest", "Organization", "Practitioner", "PractitionerRole", "Provenance"),
    *("Questionnaire", "QuestionnaireResponse", "RelatedPerson", "SupplyDelivery"),
)
"""What the chart of a visit is made of besides."""

_CUSTODY = (
    *_on("user", "cu", "Medication", "MedicationDispense", "SupplyDelivery"),
    *_on("user", "crus", "List"),
    *_on("user", "rus", "Task"),
    *_on("user", "u", "DetectedIssue"),
    *_on("user", "c", "Provenance"),
    "ledger.read",
    "ledger.write",
)
"""What handling controlled substances needs beside a visit: vials, receipts, draws, counts, and settling what did not add up."""

_LEDGER = (
    *_on("system", "rs", "MedicationAdministration", "MedicationDispense", "Medication", "AuditEvent", "Provenance", "SupplyDelivery"),
    *_on("system", "rs", "Observation", condition=f"?category={CLINIC}|cs-ledger"),
    *_on("system", "rs", "DetectedIssue", condition=f"?code={CLINIC}|cs-discrepancy"),
    *_on("system", "rs", "List", condition=f"?code={CLINIC}|cs-inventory"),
    *_on("system", "rs", "Task", "Practitioner", "PractitionerRole", "Organization", "Location", "Encounter", "MedicationRequest"),
    "ledger.read",
)

_ROLES = (
    Role(
        "ehr",
        "A hospital's system that pulls visits, doses, vital signs and adverse events.",
        _on(
            "system",
            "rs",
            *("Patient", "Encounter", "Procedure", "Observation", "MedicationAdministration", "MedicationRequest"),
            *("AdverseEvent", "Provenance", "Group"),
        ),
    ),
    Role("gateway", "A device gateway that posts vital signs and reads nothing.", _GATEWAY, _GATEWAY_RULES),
    Role(
        "gateway-correction",
        "A device gateway that may also correct what it posted.",
        (*_GATEWAY, *_on("system", "u", "Observation", condition=_VITAL_SIGNS)),
        _GATEWAY_RULES | {Rule.OWN_RESOURCES},
    ),
    Role(
        "clinician",
        "Who treats: writes the visit, and reads the chart. Nothing is deleted: a mistake is marked as entered in error.",
        (*_TREATMENT, *_CHART),
        frozenset({Rule.OWN_SITE, Rule.BREAK_GLASS}),
        is_for_people=True,
    ),
    Role(
        "custodian",
        "Who treats and handles controlled substances: receives, draws, wastes, counts and moves them, and posts that in the own name.",
        (*_TREATMENT, *_CHART, *_CUSTODY),
        frozenset({Rule.OWN_SITE, Rule.BREAK_GLASS}),
        is_for_people=True,
    ),
    Role(
        "auditor",
        "Who inspects the controlled substances: every movement, who made it, and the audit trail.",
        _LEDGER,
        frozenset({Rule.RECIPIENTS, Rule.MASKED_QUERIES}),
        is_for_people=True,
    ),
    Role(
        "privacy-officer",
        "Who answers for the patients' privacy: reads what an auditor reads, and what others searched for.",
        (*_LEDGER, "audit.full"),
        frozenset({Rule.RECIPIENTS}),
        is_for_people=True,
    ),
    Role(
        "admin",
        "Who registers clients and their keys. Sees no record.",
        ("admin.clients",),
        frozenset({Rule.NO_RECORD}),
        is_for_people=True,
    ),
    Role(
        "subscriber",
        "A system that is told of changes. It also needs the scopes to read what it subscribes to.",
        _on("system", "cruds", "Subscription"),
        frozenset({Rule.OWN_SUBSCRIPTIONS}),
    ),
)

ROLES: Mapping[str, Role] = MappingProxyType({role.name: role for role in _ROLES})
