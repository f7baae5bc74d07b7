"""What a caller may see and do: the answer to every question about access, made of scopes, the patient in context and the caller's role.

    caller        scopes, patients, role                          `security.caller`
    of            letter and type -> a clause of the search       what the database is asked
    sees          letter and one content -> yes or no             the same decided without it, by other code: the second opinion
    require       letter and type -> Forbidden                    before anything is looked at

Scopes are alternatives. Within one, its conditions, its patient and the clinics of a person must all hold. A type that no scope has the
letter for is refused at once, the same for every id. What cannot be expressed is not granted.
https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html, docs/decisions/0021-one-restriction.md
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.errors import Forbidden
from service.fhir.compartment import ITSELF
from service.search.query import EVERYTHING, NOTHING, Clause, Confined, Has, Match, Missing, OfSite, Target, Token
from service.search.query import Any as AnyOf
from service.search.sight import Clinics, Confinement, each, either
from service.security import clinical, granular
from service.security.belonging import PATIENT, Belonging
from service.security.caller import Caller
from service.security.grant import Reach
from service.security.granular import Condition
from service.security.roles import RECIPIENT_ELEMENTS, Rule

READING = frozenset({"r", "s"})
UNIVERSAL = frozenset({"Practitioner", "PractitionerRole", "Organization", "Location", "Medication"}) | clinical.DEFINITIONS
"""What a patient's token may read whole: people, places and products of the clinic, and definitions."""
NEVER_A_PATIENTS = frozenset({"Group", "List"})
"""They name other patients."""
RECIPIENT_PARAMETERS = frozenset(
    {"_id", "_lastUpdated", "identifier", "name", "family", "given", "phonetic", "birthdate", "address"}
    | {f"address-{part}" for part in ("city", "country", "postalcode", "state", "use")}
)
"""What patients may be searched by who sees of them no more than `RECIPIENT_ELEMENTS`."""

_ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_RECIPIENTS = Reach("recipients", None, ())
_BESIDE = {"Device": "patient", "Task": "for"}
"""Types outside of the compartment that are about a patient all the same: the element that says so, searched by `patient`."""
_VERBS = {"c": "create", "r": "read", "u": "update", "d": "delete", "s": "search"}


@dataclass(frozen=True, slots=True)
class Access:
    """The access of one caller. It is a `search.sight.Sight`."""

    caller: Caller
    belonging: Belonging

    @property
    def key(self) -> str:
        """Equal for callers who see the same."""
        caller = self.caller
        if caller.is_internal:
            return ""
        within = (caller.client, caller.user or "", caller.role or "", str(caller.grant))
        return "\n".join((*within, *sorted(caller.patients), "", *sorted(caller.organizations), "", *sorted(caller.beyond)))

    def reaches(self, letter: str, type: str) -> tuple[Reach, ...]:
        """The alternatives; none when the type is out of reach for this letter."""
        found = self.caller.grant.reaches(letter, type, self.caller.patients)
        if not found and type == PATIENT and letter in READING and Rule.RECIPIENTS in self.caller.rules:
            return (_RECIPIENTS,)
        return found

    def may(self, letter: str, type: str) -> bool:
        """Whether there is anything of the type that `letter` may be done to."""
        return self.caller.is_internal or bool(self.reaches(letter, type))

    def is_whole(self, letter: str, type: str) -> bool:
        """Whether nothing of the type is out of reach for `letter`."""
        return self.of(letter, type) == EVERYTHING

    def is_plain(self, letter: str, type: str) -> bool:
        """Whether resources of the type are within reach whatever they say, and shown whole."""
        return self.caller.is_internal or any(reach.is_whole and reach != _RECIPIENTS for reach in self.reaches(letter, type))

    def require(self, letter: str, type: str) -> None:
        """Raises Forbidden when nothing of the type is in reach; the text depends on nothing else."""
        if not self.may(letter, type):
            raise forbidden(f"This needs a scope to {_VERBS[letter]} {type}, as in system/{type}.{letter}.")

    def of(self, letter: str, type: str) -> Clause:
        """What resources of `type` must meet."""
        if self.caller.is_internal:
            return EVERYTHING
        return either(tuple(self._clause(reach, letter, type) for reach in self.reaches(letter, type)))

    def sees(self, letter: str, type: str, tree: Mapping[str, Any]) -> bool:
        """Whether one content is within reach. Clinics and recipients are not told from the content alone: that is left to the search."""
        return self.caller.is_internal or any(self._has(reach, letter, type, tree) for reach in self.reaches(letter, type))

    def clinics(self, letter: str, type: str, tree: Mapping[str, Any]) -> Clinics | None:
        """The clinics that the content must be of, where every scope that reaches it asks for them."""
        reaches = [reach for reach in self.reaches(letter, type) if self._has(reach, letter, type, tree)]
        sites = [self._of_site(reach, type) for reach in reaches if reach.patient is None]
        if not sites or len(sites) < len(reaches) or not all(isinstance(site, OfSite) for site in sites):
            return None
        patients = self.belonging.patients(type, tree)
        patients |= {id for kind, id in self.belonging.referred(tree, (_BESIDE.get(type, ""),)) if kind == PATIENT}
        return Clinics(frozenset(patients), OfSite((ITSELF,), self.caller.organizations, self.caller.beyond))

    def confinement(self, letter: str, type: str, tree: Mapping[str, Any]) -> Confinement | None:
        """The patient that a Provenance must keep to, where every scope that reaches it is that of a patient."""
        reaches = [reach for reach in self.reaches(letter, type) if self._has(reach, letter, type, tree)] if type == "Provenance" else []
        patients = {reach.patient for reach in reaches}
        if len(patients) != 1 or None in patients:
            return None
        return Confinement(str(patients.pop()), tuple(self.belonging.referred(tree, ("target",))))

    def elements(self, type: str) -> tuple[str, ...] | None:
        """The elements that are shown of resources of `type`; None for all."""
        return RECIPIENT_ELEMENTS if type == PATIENT and not self.caller.is_internal and self._is_recipients() else None

    @property
    def partial(self) -> tuple[str, ...]:
        """The types of which some elements are shown and others are not."""
        return (PATIENT,) if self.elements(PATIENT) is not None else ()

    def parameters(self, type: str) -> frozenset[str] | None:
        """The parameters that resources of `type` may be found by; None for all."""
        return RECIPIENT_PARAMETERS if self.elements(type) else None

    def _is_recipients(self) -> bool:
        return _RECIPIENTS in (*self.reaches("r", PATIENT), *self.reaches("s", PATIENT))

    def _clause(self, reach: Reach, letter: str, type: str) -> Clause:
        if reach == _RECIPIENTS:
            given = ("MedicationAdministration", "MedicationDispense")
            return AnyOf(tuple(Has(name, "patient", Match("_tag", (Token("CTLSUB", _ACT_CODE),))) for name in given))
        whose = self._of_patient(reach.patient, letter, type) if reach.patient is not None else self._of_site(reach, type)
        return each((*map(_condition, reach.conditions), whose))

    def _of_patient(self, patient: str, letter: str, type: str) -> Clause:
        if type in UNIVERSAL:
            return EVERYTHING if letter in READING else NOTHING
        if type == "Device" and letter in READING:
            return AnyOf((Missing("patient", True), _names("patient", patient)))
        if type in NEVER_A_PATIENTS:
            return NOTHING
        codes = self.belonging.codes.get(type, ())
        member = either(tuple(Match(ITSELF, (Token(patient),)) if code == ITSELF else _names(code, patient) for code in codes))
        return each((member, Confined("target", Target(patient, PATIENT)))) if type == "Provenance" else member

    def _of_site(self, reach: Reach, type: str) -> Clause:
        """A person reaches the patients of the clinics where he or she works."""
        codes = ("patient",) if type in _BESIDE else self.belonging.codes.get(type, ())
        if reach.context != "user" or Rule.OWN_SITE not in self.caller.rules or not codes or type == "AuditEvent":
            return EVERYTHING
        return OfSite(codes, self.caller.organizations, self.caller.beyond)

    def _has(self, reach: Reach, letter: str, type: str, tree: Mapping[str, Any]) -> bool:
        if tree.get("resourceType") != type or not granular.meets(tree, reach.conditions):
            return False
        return reach.patient is None or self._is_of(reach.patient, letter, type, tree)

    def _is_of(self, patient: str, letter: str, type: str, tree: Mapping[str, Any]) -> bool:
        if type in UNIVERSAL:
            return letter in READING
        if type == "Device" and letter in READING:
            return "patient" not in tree or (PATIENT, patient) in self.belonging.referred(tree, ("patient",))
        if type in NEVER_A_PATIENTS or patient not in self.belonging.patients(type, tree):
            return False
        return type != "Provenance" or all(
            one == (PATIENT, patient) or one[0] != PATIENT for one in self.belonging.referred(tree, ("target",))
        )


def forbidden(text: str) -> Forbidden:
    """A refusal for lack of access (https://www.rfc-editor.org/rfc/rfc6750#section-3.1)."""
    error = Forbidden.of("forbidden", "scope", text)
    error.headers = {"WWW-Authenticate": 'Bearer error="insufficient_scope"'}
    return error


def _names(parameter: str, patient: str) -> Clause:
    """The value is an object of its own: a statement tells its values apart by identity (`search.rows`)."""
    return Match(parameter, (Target(patient, PATIENT),))


def _condition(condition: Condition) -> Clause:
    return Match(condition.parameter, (Token(condition.code, condition.system or None),))
