"""Scores: mood before each infusion, suicide risk, dissociation, sedation, nausea, pain."""

from fhir.resources.R4B.reference import Reference

from service.demo import codes
from service.demo.elements import concept, quantity
from service.demo.schedule import Kind
from service.demo.visit import Visit


def add_mood(visit: Visit, minute: int, infusions: int) -> None:
    """PHQ-9 and C-SSRS (pain severity as well for pain) as they stand after `infusions` earlier infusions: better from the second on."""
    relief = (0, 1, 4, 6, 8, 10, 12)[min(infusions, 6)]
    score(visit, "phq9", codes.PHQ9, minute, max(visit.person.phq9 - relief + visit.chance.randint(-1, 1), 2))
    if visit.plan.indication == "generalized-anxiety":
        score(visit, "gad7", codes.GAD7, minute, max(17 - relief, 3))
    if visit.plan.kind is Kind.PAIN:
        score(visit, "pain", codes.PAIN_NOW, minute, max(8 - relief // 2, 2))
    risk = concept(codes.LOW_RISK, text="Low risk")
    visit.observe("cssrs", codes.SUICIDE_RISK, minute, "survey", valueCodeableConcept=risk)


def score(visit: Visit, key: str, code: tuple[codes.Code, ...], minute: int, value: int) -> Reference:
    """A survey score."""
    return visit.observe(key, code, minute, "survey", valueQuantity=quantity(value, "{score}"))


def add_sedation(visit: Visit, key: str, minute: int, value: int) -> Reference:
    """MOAA/S: 5 awake, 4 drowsy."""
    return visit.observe(key, codes.SEDATION, minute, "exam", valueInteger=value)
