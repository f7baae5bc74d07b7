"""The licence and role of a member of staff at an instant: qualifications and identifiers of the Practitioner, then PractitionerRole.

A qualification is a code of HL7 table 0360 with a period, a licence number an identifier whose type (table 0203) is the code of a role, a
PractitionerRole a SNOMED CT code. A licence with a period counts for what the period says, and an identifier or a qualification
of the same code without one does not prolong it.
https://hl7.org/fhir/R4/practitioner-definitions.html#Practitioner.qualification
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from service.fhir import temporal
from service.ledger import reading
from service.ledger.scene import Scene, Tree

VALID, UNDATED, EXPIRED, NONE = "valid", "undated", "expired", "none"

_DEGREE = "http://terminology.hl7.org/CodeSystem/v2-0360"
_IDENTIFIER = "http://terminology.hl7.org/CodeSystem/v2-0203"
_SNOMED = "http://snomed.info/sct"
_ROLES: Mapping[str, str] = {
    "88189002": "MD",
    "80584001": "MD",
    "224571005": "NP",
    "224563006": "RN",
    "224535009": "RN",
    "405278004": "CRNA",
}
"""Anesthesiologist, psychiatrist, nurse practitioner, psychiatric nurse, registered nurse, certified registered nurse anesthetist."""


@dataclass(frozen=True, slots=True)
class _Credential:
    code: str
    period: temporal.Interval | None


def standing(scene: Scene, person: str, tree: Tree, roles: Collection[str], instant: int) -> str:
    """Whether a practitioner (`Practitioner/id`, `tree`) had one of the roles at an instant: VALID, UNDATED, EXPIRED or NONE.

    PractitionerRole is asked for only where the Practitioner says nothing of such a role.
    """
    found = _judged((one for one in _own(scene, tree) if one.code in roles), instant)
    if found == NONE:
        found = _judged((one for one in _roles(scene, person) if one.code in roles), instant)
    return found


def licence(scene: Scene, person: str, tree: Tree, roles: Collection[str], instant: int) -> str:
    """Whether a practitioner had any licence at an instant: a degree or certificate of any kind, or one of the roles."""
    found = _judged(_own(scene, tree), instant)
    return found if found != NONE else standing(scene, person, tree, roles, instant)


def _judged(credentials: Iterable[_Credential], instant: int) -> str:
    """The best of the codes; of each code what is dated counts, if there is any."""
    by_code: dict[str, list[_Credential]] = {}
    for one in credentials:
        by_code.setdefault(one.code, []).append(one)
    verdicts = {_one_code(several, instant) for several in by_code.values()}
    return next((verdict for verdict in (VALID, UNDATED, EXPIRED) if verdict in verdicts), NONE)


def _one_code(several: Iterable[_Credential], instant: int) -> str:
    dated = [one.period for one in several if one.period]
    if not dated:
        return UNDATED
    return VALID if any(period.lo <= instant <= period.hi for period in dated) else EXPIRED


def _own(scene: Scene, tree: Tree) -> Iterator[_Credential]:
    for one in tree.get("qualification", ()):
        codes = [code for system, code in reading.codings(one.get("code")) if system == _DEGREE]
        yield from (_Credential(code, temporal.period(one.get("period", {}), scene.zone)) for code in codes)
    for one in tree.get("identifier", ()):
        codes = [code for system, code in reading.codings(one.get("type")) if system == _IDENTIFIER and code in _LICENCES]
        yield from (_Credential(code, temporal.period(one.get("period", {}), scene.zone)) for code in codes)


_LICENCES = frozenset({"CRNA", "DO", "LN", "MD", "NP", "PA", "RN"})
"""The types of identifiers that are numbers of licences."""


def _roles(scene: Scene, person: str) -> Iterator[_Credential]:
    for role in scene.pointing("PractitionerRole", person):
        if role.get("active") is False or reading.target(role.get("practitioner")) != person:
            continue
        period = temporal.period(role.get("period", {}), scene.zone)
        for concept in role.get("code", ()):
            for system, code in reading.codings(concept):
                if named := _ROLES.get(code) if system == _SNOMED else code if system == _DEGREE else None:
                    yield _Credential(named, period)
