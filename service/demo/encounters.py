"""The visits, from arrival to the physician's signature: infusion, earlier infusion, talk, no-show."""

from fhir.resources.R4B.appointment import Appointment
from fhir.resources.R4B.encounter import Encounter
from fhir.resources.R4B.provenance import Provenance
from fhir.resources.R4B.reference import Reference

from service.demo import access, authorship, chart, checklists, codes, incidents, infusion, premises, scales, vitals
from service.demo.elements import concept, identifier
from service.demo.infusion import START
from service.demo.schedule import Incident, Kind
from service.demo.vials import Stock
from service.demo.visit import Visit, add_encounter

_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_AFTER_STOP = 33
_DURING_MOOD = (5, 10, 15, 25, 35, 45)
_DURING_PAIN = (5, 10, 15, 30, 45, 60, 90, 120, 150, 180, 210)


def add_visit(visit: Visit, stock: Stock) -> None:
    """Everything that one visit leaves behind."""
    if visit.brief:
        _add_earlier_infusion(visit, stock)
    elif visit.plan.incident is Incident.NO_SHOW:
        _add_no_show(visit)
    elif visit.plan.infusion:
        _add_infusion_visit(visit, stock)
    else:
        _add_talk(visit)
    authorship.add_authorship(visit)


def _add_infusion_visit(visit: Visit, stock: Stock) -> None:
    stop = START + infusion.course(visit).minutes
    length = stop + _AFTER_STOP
    history = (("arrived", 0), ("triaged", 6), ("in-progress", 18))
    add_encounter(visit, length, history, appointment=[_add_appointment(visit, "fulfilled", length)])
    access.add_consent(visit, 3)
    before = checklists.add_before(visit, 5)
    scales.add_mood(visit, 5, visit.plan.earlier)
    baseline = vitals.add_baseline(visit)
    weight = visit.transaction.reference("Observation", "weight")
    access.add_access(visit, 18, stop + 21)
    scales.add_sedation(visit, "moaas-start", 24, 5)
    given = infusion.add_infusion(visit, stock, weight)
    infusion.add_syringe(visit, given)
    incidents.add_incident(visit, stock, given, baseline)
    _add_monitoring(visit, stop)
    after = checklists.add_discharge(visit, stop + 29)
    if not visit.is_unwitnessed:
        _add_signature(visit, length + 5, [before, after])


def _add_monitoring(visit: Visit, stop: int) -> None:
    """Vital signs during the infusion and after it, sedation and dissociation at its height and at its end."""
    length = stop - START
    during = _DURING_PAIN if visit.plan.kind is Kind.PAIN else _DURING_MOOD
    for minute in (one for one in during if one < length):
        vitals.add_set(visit, START + minute, vitals.resting(visit, min(minute / 30, 1)))
    vitals.add_set(visit, stop, vitals.resting(visit, 0.7))
    for later, share in ((8, 0.4), (18, 0.2), (28, 0)):
        vitals.add_set(visit, stop + later, vitals.resting(visit, share))
    height = START + min(40, length)
    scales.score(visit, "dissociation", codes.DISSOCIATION, height, visit.chance.randint(8, 30))
    scales.add_sedation(visit, "moaas-height", height, 4)
    scales.add_sedation(visit, "moaas-end", stop + 28, 5)


def _add_earlier_infusion(visit: Visit, stock: Stock) -> None:
    """An infusion of the past: consent, scores, pressure before and after, the complete ledger, and how the patient left."""
    stop = START + infusion.course(visit).minutes
    add_encounter(visit, stop + _AFTER_STOP)
    access.add_consent(visit, 3)
    scales.add_mood(visit, 5, visit.plan.earlier)
    weight = vitals.add_weight(visit)
    vitals.add_set(visit, vitals.BASELINE_MINUTE, vitals.resting(visit))
    vitals.add_set(visit, stop + 18, vitals.resting(visit, 0.2))
    infusion.add_syringe(visit, infusion.add_infusion(visit, stock, weight))
    checklists.add_discharge(visit, stop + 29)


def _add_talk(visit: Visit) -> None:
    """A consultation or a follow-up visit: scores and vital signs, no medicine."""
    length = 45 if visit.plan.kind is Kind.CONSULT else 30
    add_encounter(visit, length, appointment=[_add_appointment(visit, "fulfilled", length)])
    scales.add_mood(visit, 5, visit.plan.earlier)
    vitals.add_weight(visit)
    vitals.add_set(visit, vitals.BASELINE_MINUTE, vitals.resting(visit))
    vitals.add_declined_temperature(visit)
    if visit.plan.kind is Kind.CONSULT:
        chart.add_diagnosis(visit.transaction, visit.plan, (visit.patient, visit.encounter), visit.arrival.date())
    _add_signature(visit, length + 5, [])


def _add_no_show(visit: Visit) -> None:
    """A patient who does not come: the Appointment says so, the Encounter is cancelled."""
    kind = concept(codes.local(visit.plan.kind.value), codes.PATIENT_ENCOUNTER)
    visit.transaction.add(
        "encounter",
        Encounter,
        **{
            "identifier": [identifier("visit", visit.number, "VN")],
            "status": "cancelled",
            "class": {"system": codes.TERMINOLOGY + "v3-ActCode", "code": "AMB", "display": "ambulatory"},
            "type": [kind],
            "subject": visit.patient,
            "episodeOfCare": [chart.episode(visit.plan.mrn)],
            "appointment": [_add_appointment(visit, "noshow", 110)],
            "period": {"start": visit.at(0)},
            "reasonReference": [chart.indication(visit.plan.mrn)],
            "hospitalization": {"dischargeDisposition": {"extension": [{"url": _ABSENT, "valueCode": "not-applicable"}]}},
            "serviceProvider": premises.clinic(),
        },
    )


def _add_appointment(visit: Visit, status: str, length: int) -> Reference:
    declined = "declined" if status == "noshow" else "accepted"
    participants = ((visit.patient, declined), (visit.prescriber, "accepted"), (visit.room, "accepted"))
    return visit.transaction.add(
        "appointment",
        Appointment,
        identifier=[identifier("appointment", visit.number)],
        status=status,
        serviceType=[concept(codes.local(visit.plan.kind.value))],
        start=visit.at(0),
        end=visit.at(length),
        minutesDuration=length,
        participant=[{"actor": actor, "status": answer} for actor, answer in participants],
        patientInstruction="Nothing to eat for 4 hours, clear liquids until 2 hours before. Bring an adult who takes you home.",
    )


def _add_signature(visit: Visit, minute: int, documents: list[Reference]) -> None:
    """The physician signs the visit."""
    when = visit.at(minute)
    visit.transaction.add(
        "signed",
        Provenance,
        target=[visit.encounter, *documents],
        occurredDateTime=when,
        recorded=when,
        activity=concept(codes.hl7("v3-DocumentCompletion", "LA", "legally authenticated")),
        agent=[
            {"type": concept(codes.hl7("provenance-participant-type", "legal")), "who": visit.prescriber, "onBehalfOf": premises.clinic()}
        ],
        signature=[
            {
                "type": [{"system": codes.SIGNATURE_TYPE, "code": "1.2.840.10065.1.12.1.5", "display": "Verification Signature"}],
                "when": when,
                "who": visit.prescriber,
                "sigFormat": "application/jose",
                "data": "ZXhhbXBsZS1zaWduYXR1cmU=",
            }
        ],
    )
