"""Six callers, and what each may see: decided here by plain rules over plain facts, without the service."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.records.clients import Registration
from service.security import clinical
from service.security.roles import ROLES
from tests.leaks.world import CATEGORY, Content, Kept

UNIVERSAL = frozenset({"Practitioner", "PractitionerRole", "Organization", "Location", "Medication"})
EVERY = ("ehr", "gateway", "clinician", "auditor", "patient-app", "vital-signs")

VITAL_SIGNS = f"system/Observation.rs?category={CATEGORY}|vital-signs"


@dataclass(frozen=True)
class Principal:
    """A caller: its client, the context of its token, and the types that it reads."""

    name: str
    client: Registration
    patient: str | None = None
    user: str | None = None
    types: frozenset[str] = frozenset()

    def reads(self, type: str) -> bool:
        """Whether it may read anything of a type."""
        return type in self.types

    def may_see(self, one: Kept, content: Content) -> bool:
        """Whether it may see a version: by what that says, and by what the resource says now, or said last."""
        return self.reads(one.type) and self._sees(one.type, content) and self._sees(one.type, one.last)

    def sees_now(self, one: Kept) -> bool:
        """Whether a living resource is within its reach."""
        return not one.is_deleted and self.reads(one.type) and self._sees(one.type, one.last)

    def words(self, one: Kept, content: Content) -> bool:
        """Whether it may be shown the word of a version: of a patient, an auditor sees name and address alone."""
        return self.may_see(one, content) and not (self.name == "auditor" and one.type == "Patient")

    def _sees(self, type: str, content: Content) -> bool:
        if content.is_deletion:
            return True
        if self.name == "vital-signs":
            return content.category == "vital-signs"
        if self.name == "auditor":
            return type not in ("Observation", "DetectedIssue", "List")  # none of these is of the ledger
        if self.name == "clinician":
            return not content.patients or "A" in content.patients
        if self.name == "patient-app":
            return self._is_own(type, content)
        return True

    def _is_own(self, type: str, content: Content) -> bool:
        if type in UNIVERSAL:
            return True
        if type == "Device":
            return content.patients <= {"A"}
        if type in ("Group", "List"):
            return False
        return content.patients == {"A"}


def _types(scopes: tuple[str, ...]) -> frozenset[str]:
    """The types on which a scope of a role has the letter r."""
    named = (scope.partition("/")[2].partition("?")[0].partition(".") for scope in scopes if "/" in scope)
    return frozenset(type for type, _, letters in named if "r" in letters)


_AUDITOR = _types(ROLES["auditor"].scopes) | {"Patient"}
_CLINICIAN = ROLES["clinician"].scopes_of_a_person

PRINCIPALS: Mapping[str, Principal] = {
    one.name: one
    for one in (
        Principal("ehr", Registration("ehr", role="ehr"), types=_types(ROLES["ehr"].scopes)),
        Principal("gateway", Registration("gateway", role="gateway", device="Device/free")),
        Principal(
            "clinician",
            Registration("clinician", " ".join(_CLINICIAN), role="clinician"),
            user="Practitioner/doctor",
            types=_types(_CLINICIAN),
        ),
        Principal("auditor", Registration("auditor", role="auditor"), types=_AUDITOR),
        Principal("patient-app", Registration("patient-app", "patient/*.cruds"), patient="personA", types=clinical.CLINICAL),
        Principal("vital-signs", Registration("vital-signs", VITAL_SIGNS), types=frozenset({"Observation"})),
    )
}
