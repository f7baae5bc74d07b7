"""What a patient's chart holds before the visit: indication, allergies, the series with its plan and its goal."""

from datetime import date, timedelta

from fhir.resources.R4B.allergyintolerance import AllergyIntolerance
from fhir.resources.R4B.careplan import CarePlan
from fhir.resources.R4B.condition import Condition
from fhir.resources.R4B.episodeofcare import EpisodeOfCare
from fhir.resources.R4B.goal import Goal
from fhir.resources.R4B.reference import Reference

from service.demo import codes, premises
from service.demo.elements import concept, identifier, named, period
from service.demo.people import PSYCHIATRIST, Person
from service.demo.schedule import GAPS, Kind, Plan
from service.demo.transaction import Transaction

INDICATIONS = {
    "treatment-resistant-depression": (
        codes.Code(codes.SNOMED, "1153570009", "Treatment resistant depression (disorder)"),
        "Treatment-resistant depression",
    ),
    "major-depression": (codes.Code(codes.SNOMED, "370143000"), "Major depressive disorder"),
    "generalized-anxiety": (codes.Code(codes.SNOMED, "21897009"), "Generalized anxiety disorder"),
    "post-traumatic-stress": (codes.Code(codes.SNOMED, "47505003"), "Post-traumatic stress disorder"),
    "obsessive-compulsive": (codes.Code(codes.SNOMED, "191736004"), "Obsessive-compulsive disorder"),
    "complex-regional-pain": (codes.Code(codes.SNOMED, "128200000"), "Complex regional pain syndrome"),
}
SERIES = codes.local("ketamine-induction-series", "Ketamine induction series (6 infusions in 2-3 weeks)")
MAINTENANCE = codes.local("ketamine-maintenance", "Ketamine maintenance (booster infusions)")
SERIES_LENGTH = 6
ASSESSMENT_AND_PLAN = codes.Code("http://hl7.org/fhir/us/core/CodeSystem/careplan-category", "assess-plan")
_TITLE = "Six infusions in two to three weeks"
_ASSERTED = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate"


def indication(mrn: str) -> Reference:
    """The reference to the Condition that a patient is treated for."""
    return named("Condition", "condition", f"{mrn}-1")


def episode(mrn: str) -> Reference:
    """The reference to the EpisodeOfCare that a patient's infusions belong to."""
    return named("EpisodeOfCare", "episode", f"{mrn}-1")


def add_chart(master: Transaction, plan: Plan, person: Person, day: date) -> None:
    """Condition, allergy status and, for patients under treatment, episode, goal and care plan."""
    patient = master.reference("Patient", f"patient/{person.mrn}")
    first = day - timedelta(days=GAPS[plan.earlier - 1] if plan.earlier else 0)
    condition = _add_condition(master, plan, patient, first - timedelta(days=28))
    _add_allergy_status(master, plan, patient, first - timedelta(days=28))
    if plan.kind is not Kind.CONSULT:
        _add_treatment(master, plan, patient, condition, first)


def _add_condition(master: Transaction, plan: Plan, patient: Reference, recorded: date) -> Reference:
    code, text = INDICATIONS[plan.indication]
    abated = recorded + timedelta(days=49) if plan.kind is Kind.FOLLOW_UP else None
    return master.ensure(
        f"condition/{plan.mrn}",
        Condition,
        identifier=[identifier("condition", f"{plan.mrn}-1")],
        extension=[{"url": _ASSERTED, "valueDateTime": recorded.isoformat()}],
        clinicalStatus=concept(codes.hl7("condition-clinical", "remission" if abated else "active")),
        verificationStatus=concept(codes.hl7("condition-ver-status", "confirmed")),
        category=[concept(codes.hl7("condition-category", "problem-list-item"))],
        code=concept(code, text=text),
        subject=patient,
        onsetDateTime=f"{recorded.year - 6}-03",
        abatementDateTime=abated.isoformat() if abated else None,
        recordedDate=recorded.isoformat(),
    )


def add_diagnosis(written: Transaction, plan: Plan, whom: tuple[Reference, Reference], recorded: date) -> Reference:
    """What is found at a visit (patient, encounter): the diagnosis of that encounter."""
    code, text = INDICATIONS[plan.indication]
    patient, encounter = whom
    return written.add(
        "diagnosis",
        Condition,
        identifier=[identifier("condition", f"{plan.mrn}-2")],
        extension=[{"url": _ASSERTED, "valueDateTime": recorded.isoformat()}],
        clinicalStatus=concept(codes.hl7("condition-clinical", "active")),
        verificationStatus=concept(codes.hl7("condition-ver-status", "confirmed")),
        category=[concept(codes.hl7("condition-category", "encounter-diagnosis"))],
        code=concept(code, text=text),
        subject=patient,
        encounter=encounter,
        onsetDateTime=f"{recorded.year - 6}-03",
        recordedDate=recorded.isoformat(),
    )


def _add_allergy_status(master: Transaction, plan: Plan, patient: Reference, recorded: date) -> None:
    """Nobody is allergic to anything, but for the patient of the consultation."""
    allergic = plan.kind is Kind.CONSULT
    master.ensure(
        f"allergy/{plan.mrn}",
        AllergyIntolerance,
        identifier=[identifier("allergy", f"{plan.mrn}-1")],
        clinicalStatus=concept(codes.hl7("allergyintolerance-clinical", "active")),
        verificationStatus=concept(codes.hl7("allergyintolerance-verification", "confirmed")),
        category=["medication"] if allergic else None,
        code=concept(codes.ONDANSETRON, text="Ondansetron") if allergic else concept(text="No known allergies"),
        patient=patient,
        recordedDate=recorded.isoformat(),
        reaction=[{"manifestation": [concept(codes.ITCHING)], "severity": "mild"}] if allergic else None,
    )


def _add_treatment(master: Transaction, plan: Plan, patient: Reference, condition: Reference, first: date) -> None:
    maintenance = plan.kind is Kind.BOOSTER
    finished = plan.kind is Kind.FOLLOW_UP
    treatment = master.ensure(
        f"episode/{plan.mrn}",
        EpisodeOfCare,
        identifier=[identifier("episode", f"{plan.mrn}-1")],
        status="finished" if finished else "active",
        type=[concept(MAINTENANCE if maintenance else SERIES)],
        diagnosis=[{"condition": condition}],
        patient=patient,
        managingOrganization=premises.clinic(),
        period=period(first.isoformat(), (first + timedelta(days=21)).isoformat() if finished else None),
        careManager=PSYCHIATRIST.reference,
    )
    goal = master.ensure(
        f"goal/{plan.mrn}",
        Goal,
        identifier=[identifier("goal", f"{plan.mrn}-1")],
        lifecycleStatus="active",
        achievementStatus=concept(codes.hl7("goal-achievement", "in-progress")),
        description=concept(text="Half the burden of symptoms within six weeks"),
        subject=patient,
        startDate=first.isoformat(),
        target=[{"measure": concept(*codes.PHQ9), "dueDate": (first + timedelta(days=42)).isoformat()}],
        addresses=[condition],
    )
    if not maintenance:
        _add_plan(master, plan, patient, (condition, treatment, goal), first)


def _add_plan(master: Transaction, plan: Plan, patient: Reference, links: tuple[Reference, Reference, Reference], first: date) -> None:
    condition, treatment, goal = links
    master.ensure(
        f"plan/{plan.mrn}",
        CarePlan,
        identifier=[identifier("care-plan", f"{plan.mrn}-1")],
        text={"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{_TITLE}; {plan.earlier} done.</p></div>'},
        status="completed" if plan.earlier == SERIES_LENGTH else "active",
        intent="plan",
        category=[concept(ASSESSMENT_AND_PLAN)],
        title=_TITLE,
        subject=patient,
        period=period(first.isoformat()),
        author=PSYCHIATRIST.reference,
        addresses=[condition],
        supportingInfo=[treatment],
        goal=[goal],
        activity=[_activity(ordinal, plan.earlier) for ordinal in range(1, SERIES_LENGTH + 1)],
    )


def _activity(ordinal: int, done: int) -> dict[str, object]:
    status = "completed" if ordinal <= done else "scheduled"
    return {"detail": {"kind": "ServiceRequest", "status": status, "description": f"Infusion {ordinal} of {SERIES_LENGTH}"}}
