"""Consent, and the intravenous access: what stands before and after every infusion."""

from fhir.resources.R4B.consent import Consent
from fhir.resources.R4B.procedure import Procedure

from service.demo import codes, premises
from service.demo.elements import concept, identifier
from service.demo.visit import Visit


def add_consent(visit: Visit, minute: int) -> None:
    """The patient's consent to the infusion, verified by the nurse."""
    when = visit.at(minute)
    visit.transaction.add(
        "consent",
        Consent,
        identifier=[identifier("consent", visit.number)],
        status="active",
        scope=concept(codes.hl7("consentscope", "treatment", "Treatment")),
        category=[concept(codes.PROCEDURE_CONSENT)],
        patient=visit.patient,
        dateTime=when,
        performer=[visit.patient],
        organization=[premises.clinic()],
        policyRule={"text": "Off-label ketamine infusion: risks, benefits, alternatives, no driving until next day"},
        verification=[{"verified": True, "verifiedWith": visit.patient, "verificationDate": when}],
    )


def add_access(visit: Visit, inserted: int, removed: int) -> None:
    """The catheter going in and coming out."""
    site, text = (codes.HAND, "Left hand, dorsal vein") if visit.chance.random() < 0.5 else (codes.FOREARM, "Left forearm")
    insertion = visit.transaction.add(
        "piv-insertion",
        Procedure,
        status="completed",
        category=concept(text="Vascular access"),
        code=concept(codes.local("piv-insertion", "Peripheral IV catheter insertion")),
        subject=visit.patient,
        encounter=visit.encounter,
        performedDateTime=visit.at(inserted),
        performer=[{"actor": visit.nurse}],
        location=visit.room,
        bodySite=[concept(site, text=text)],
        usedCode=[concept(codes.CATHETER, text="22 G catheter, first attempt")],
    )
    visit.transaction.add(
        "piv-removal",
        Procedure,
        partOf=[insertion],
        status="completed",
        code=concept(codes.local("piv-removal", "Peripheral IV catheter removal")),
        subject=visit.patient,
        encounter=visit.encounter,
        performedDateTime=visit.at(removed),
        performer=[{"actor": visit.nurse}],
        note=[{"time": visit.at(removed), "text": "Site clean, bandage applied"}],
    )
