"""What goes otherwise than planned, and what the clinic does about it."""

from dataclasses import dataclass
from typing import Any

from fhir.resources.R4B.adverseevent import AdverseEvent
from fhir.resources.R4B.communication import Communication
from fhir.resources.R4B.detectedissue import DetectedIssue
from fhir.resources.R4B.flag import Flag
from fhir.resources.R4B.reference import Reference

from service.demo import codes, premises, rescue, scales, vitals
from service.demo.elements import concept, identifier, period
from service.demo.infusion import START, Infusion
from service.demo.schedule import Incident
from service.demo.vials import Stock
from service.demo.visit import Visit
from service.demo.vitals import Reading

_BACKPORT = "http://hl7.org/fhir/uv/ae-research-backport-ig/StructureDefinition/"


@dataclass(frozen=True, slots=True)
class Harm:
    """An adverse event: what, how bad, from which minute to which, the record that shows it, and what was done."""

    code: codes.Code
    text: str
    severity: str
    minutes: tuple[int, int]
    evidence: list[Reference]
    action: Reference | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """A vital-sign rule that fired: its code, its words, the measured detail, and the minute."""

    rule: str
    display: str
    detail: str
    minute: int
    mitigation: str


def add_incident(visit: Visit, stock: Stock, infusion: Infusion, baseline: tuple[Reference, Reading]) -> None:
    """The records of the incident that the visit's plan names; none without one."""
    if visit.plan.incident is Incident.BLOOD_PRESSURE:
        _add_pressure_spike(visit, infusion, baseline)
    elif visit.plan.incident is Incident.DESATURATION:
        _add_desaturation(visit, infusion, baseline)
    elif visit.plan.incident is Incident.NAUSEA:
        _add_nausea(visit, infusion)
    elif visit.plan.incident is Incident.ANXIETY:
        _add_anxiety(visit, stock, infusion)
    elif visit.plan.incident is Incident.DIZZINESS:
        seen = scales.add_sedation(visit, "moaas-dizzy", START + 60, 4)
        _add_harm(visit, infusion, Harm(codes.DIZZINESS, "Dizziness on sitting up", "mild", (START + 60, START + 75), [seen]))


def _add_pressure_spike(visit: Visit, infusion: Infusion, baseline: tuple[Reference, Reading]) -> None:
    minute = START + 28
    high = vitals.add_set(visit, minute, Reading(184, 108, 106, 97, 17))
    vitals.add_set(visit, minute + 5, Reading(162, 98, 98, 97, 16))
    rest = baseline[1]
    detail = f"184/108 mmHg; baseline {rest.systolic}/{rest.diastolic}. Rule bp-critical-high v1."
    first, second = (segment.rate_ml_h for segment in infusion.course.segments)
    alert = Alert(
        "bp-critical-high",
        "Systolic >= 180 or diastolic >= 110 mmHg",
        detail,
        minute,
        f"Pump rate reduced {first} -> {second} mL/h, BP every 5 min",
    )
    _add_alert(visit, infusion, alert, (codes.RAISED_PRESSURE, [high, baseline[0]]), 15)
    slower = visit.transaction.reference("MedicationAdministration", "ketamine-2")
    _add_harm(
        visit,
        infusion,
        Harm(codes.RAISED_PRESSURE, "Transient blood pressure increase", "moderate", (minute, minute + 15), [high, baseline[0]], slower),
    )


def _add_desaturation(visit: Visit, infusion: Infusion, baseline: tuple[Reference, Reading]) -> None:
    minute = START + 21
    low = vitals.add_set(visit, minute, Reading(visit.person.systolic + 14, visit.person.diastolic + 8, 92, 88, 9))
    vitals.add_set(visit, minute + 5, Reading(visit.person.systolic + 8, visit.person.diastolic + 5, 84, 96, 13))
    alert = Alert(
        "spo2-low", "Oxygen saturation below 90 %", "SpO2 88 %. Rule spo2-low v1.", minute, "Pump stopped, oxygen by nasal cannula 2 L/min"
    )
    _add_alert(visit, infusion, alert, (codes.HYPOXEMIA, [low, baseline[0]]), 10)
    _add_harm(
        visit,
        infusion,
        Harm(codes.HYPOXEMIA, "Oxygen desaturation, infusion stopped", "moderate", (minute, minute + 10), [low], infusion.parent),
    )


def _add_nausea(visit: Visit, infusion: Infusion) -> None:
    minute = START + 38
    felt = scales.score(visit, "nausea-nrs", codes.NAUSEA_SCORE, minute, 6)
    given = rescue.add_ondansetron(visit, minute + 2, felt)
    scales.score(visit, "nausea-nrs-after", codes.NAUSEA_SCORE, minute + 17, 0)
    _add_harm(visit, infusion, Harm(codes.NAUSEA, "Nausea", "moderate", (minute, minute + 17), [felt], given))


def _add_anxiety(visit: Visit, stock: Stock, infusion: Infusion) -> None:
    minute = START + 8
    felt = scales.score(visit, "distress", (codes.local("dissociation-distress", "Dissociation distress 0-10"),), minute, 7)
    given = rescue.add_midazolam(visit, stock, minute + 2, felt)
    scales.score(visit, "distress-after", (codes.local("dissociation-distress", "Dissociation distress 0-10"),), minute + 12, 2)
    _add_harm(visit, infusion, Harm(codes.ANXIETY, "Anxiety during dissociation", "moderate", (minute, minute + 12), [felt], given))


def _add_alert(visit: Visit, infusion: Infusion, alert: Alert, evidence: tuple[codes.Code, list[Reference]], minutes: int) -> None:
    """What the rules engine raises and the staff answers: DetectedIssue, Flag while it lasts, Communication."""
    rule = codes.local(alert.rule, alert.display)
    when = visit.at(alert.minute)
    issue = visit.transaction.add(
        "alert",
        DetectedIssue,
        identifier=[identifier("alert", visit.number.replace("V-", "A-"))],
        status="final",
        code=concept(codes.act("OBSA", "Observation Alert"), rule),
        severity="high",
        patient=visit.patient,
        identifiedDateTime=when,
        author=premises.rules_engine(),
        implicated=[infusion.parent],
        evidence=[{"code": [concept(evidence[0])], "detail": evidence[1]}],
        detail=alert.detail,
        mitigation=_mitigation(visit, alert),
    )
    visit.transaction.add(
        "flag",
        Flag,
        status="inactive",
        category=[concept(codes.hl7("flag-category", "safety", "Safety"))],
        code=concept(rule),
        subject=visit.patient,
        period=period(when, visit.at(alert.minute + minutes)),
        encounter=visit.encounter,
        author=premises.rules_engine(),
    )
    _add_message(visit, alert, issue)


def _add_message(visit: Visit, alert: Alert, issue: Reference) -> None:
    """The alert as it reaches prescriber and nurse."""
    visit.transaction.add(
        "communication",
        Communication,
        status="completed",
        category=[concept(codes.hl7("communication-category", "alert", "Alert"))],
        priority="stat",
        subject=visit.patient,
        about=[issue],
        encounter=visit.encounter,
        sent=visit.at(alert.minute),
        received=visit.at(alert.minute + 1),
        recipient=[visit.prescriber, visit.nurse],
        sender=premises.rules_engine(),
        payload=[{"contentString": f"{alert.detail} Infusion room {visit.plan.room}."}],
    )


def _mitigation(visit: Visit, alert: Alert) -> list[dict[str, Any]]:
    actions = (concept(codes.act("8", "Other Action Taken"), text=alert.mitigation), concept(codes.act("5", "Consulted Prescriber")))
    return [{"action": action, "date": visit.at(alert.minute + 1), "author": visit.nurse} for action in actions]


def _add_harm(visit: Visit, infusion: Infusion, harm: Harm) -> None:
    """The clinician's judgement: an AdverseEvent with severity, causality, what was done, and when it was over."""
    begin, end = harm.minutes
    over: list[dict[str, Any]] = [{"url": _BACKPORT + "resolve-date", "valueDateTime": visit.at(end)}]
    if harm.action:
        over.append({"url": _BACKPORT + "mitigating-action", "extension": [{"url": "item", "valueReference": harm.action}]})
    probable = concept(codes.hl7("adverse-event-causality-assess", "Probably-Likely", "Probably/Likely"))
    visit.transaction.add(
        "adverse-event",
        AdverseEvent,
        extension=over,
        identifier=identifier("adverse-event", visit.number.replace("V-", "AE-") + "-1"),
        actuality="actual",
        category=[concept(codes.KETAMINE_REACTION, text="Expected drug effect")],
        event=concept(harm.code, text=harm.text),
        subject=visit.patient,
        encounter=visit.encounter,
        date=visit.at(begin),
        detected=visit.at(begin),
        recordedDate=visit.at(end + 2),
        location=visit.room,
        seriousness=concept(codes.hl7("adverse-event-seriousness", "Non-serious", "Non-serious")),
        severity=concept(codes.hl7("adverse-event-severity", harm.severity, harm.severity.capitalize())),
        outcome=concept(codes.hl7("adverse-event-outcome", "resolved", "Resolved")),
        recorder=visit.nurse,
        contributor=[visit.prescriber],
        suspectEntity=[{"instance": infusion.parent, "causality": [{"assessment": probable, "author": visit.prescriber}]}],
        subjectMedicalHistory=harm.evidence,
    )
