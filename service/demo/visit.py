"""The frame of a visit: who, where, when, and the Bundle that collects its records."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from fhir.resources.R4B.encounter import Encounter
from fhir.resources.R4B.observation import Observation
from fhir.resources.R4B.reference import Reference

from service.demo import chart, codes, people, premises
from service.demo.elements import concept, duration, identifier, named, period
from service.demo.people import Person
from service.demo.schedule import Irregularity, Kind, Plan
from service.demo.transaction import Transaction

_TYPE_NAMES = {
    Kind.MOOD: "Ketamine infusion visit, mood protocol (50-55 min)",
    Kind.PAIN: "Ketamine infusion visit, pain protocol (4 h)",
    Kind.BOOSTER: "Ketamine booster infusion",
    Kind.CONSULT: "Ketamine consultation",
    Kind.FOLLOW_UP: "Ketamine follow-up visit",
}


@dataclass(frozen=True)
class Visit:
    """One visit being written down. Minutes count from `arrival`; `brief` visits of the past keep only the essentials."""

    number: str
    plan: Plan
    person: Person
    arrival: datetime
    transaction: Transaction
    chance: Random
    brief: bool = False

    @property
    def patient(self) -> Reference:
        """The patient."""
        return self.person.reference

    @property
    def nurse(self) -> Reference:
        """The nurse of the room, who does and records everything unless stated otherwise."""
        return people.ROOM_NURSES[self.plan.room].reference

    @property
    def prescriber(self) -> Reference:
        """The physician: the anesthesiologist for pain, the psychiatrist for the rest."""
        pain = self.plan.kind is Kind.PAIN
        return (people.ANESTHESIOLOGIST if pain else people.PSYCHIATRIST).reference

    @property
    def witness(self) -> Reference:
        """The second nurse, who witnesses counts and waste."""
        return people.WITNESS.reference

    @property
    def encounter(self) -> Reference:
        """The Encounter of this visit."""
        return self.transaction.reference("Encounter", "encounter")

    @property
    def room(self) -> Reference:
        """The infusion room."""
        return premises.room(self.plan.room)

    @property
    def is_unwitnessed(self) -> bool:
        """Whether nobody witnessed the waste, so that the visit cannot be finished."""
        return self.plan.irregularity is Irregularity.UNWITNESSED

    def at(self, minute: int) -> str:
        """The instant `minute` minutes after arrival, in local time with its offset."""
        return moment(self.arrival, minute)

    def observe(self, key: str, code: tuple[codes.Code, ...], minute: int, category: str, **elements: Any) -> Reference:
        """A final Observation of the patient made by the nurse at `minute`."""
        when = self.at(minute)
        return self.transaction.add(
            key,
            Observation,
            **{
                "identifier": [identifier("observation", f"{self.number}/{key}")],
                "status": "final",
                "category": [concept(codes.hl7("observation-category", category))],
                "code": concept(*code),
                "subject": self.patient,
                "encounter": self.encounter,
                "effectiveDateTime": when,
                "issued": when,
                "performer": [self.nurse],
                **elements,
            },
        )


def moment(start: datetime, minute: int) -> str:
    """The ISO text of the instant `minute` minutes after `start`, in the zone of `start` across changes of the clock."""
    zone = start.tzinfo
    return datetime.fromtimestamp(start.timestamp() + timedelta(minutes=minute).total_seconds(), zone).isoformat()


def unfinished(encounter: dict[str, Any]) -> dict[str, Any]:
    """The elements of a finished Encounter that say otherwise while it goes on."""
    earlier = [one for one in encounter.get("statusHistory", ()) if one["status"] != "in-progress"]
    return {"status": "in-progress", "statusHistory": earlier, "period": {"start": encounter["period"]["start"]}}


def add_encounter(visit: Visit, length: int, history: tuple[tuple[str, int], ...] = (), **elements: Any) -> Reference:
    """The finished Encounter of `length` minutes; `history` gives each earlier status and the minute at which it began."""
    ends = [start for _, start in history[1:]] + [length] * bool(history)
    escorted = visit.plan.infusion
    return visit.transaction.add(
        "encounter",
        Encounter,
        **{
            "identifier": [identifier("visit", visit.number, "VN")],
            "status": "finished",
            "statusHistory": [
                {"status": status, "period": period(visit.at(start), visit.at(end))}
                for (status, start), end in zip(history, ends, strict=True)
            ]
            or None,
            "class": {"system": codes.TERMINOLOGY + "v3-ActCode", "code": "AMB", "display": "ambulatory"},
            "type": [concept(codes.local(visit.plan.kind.value, _TYPE_NAMES[visit.plan.kind]), codes.PATIENT_ENCOUNTER)],
            "serviceType": concept(codes.PAIN_MANAGEMENT if visit.plan.kind is Kind.PAIN else codes.PSYCHIATRY),
            "subject": visit.patient,
            "episodeOfCare": None if visit.plan.kind is Kind.CONSULT else [chart.episode(visit.plan.mrn)],
            "participant": _participants(visit, length, escorted),
            "period": period(visit.at(0), visit.at(length)),
            "length": duration(length),
            "reasonReference": [chart.indication(visit.plan.mrn)],
            "diagnosis": [{"condition": chart.indication(visit.plan.mrn), "rank": 1}],
            "hospitalization": _disposition() if escorted else None,
            "location": [{"location": visit.room, "status": "completed", "period": period(visit.at(6), visit.at(length))}],
            "serviceProvider": premises.clinic(),
            **elements,
        },
    )


def _participants(visit: Visit, length: int, escorted: bool) -> list[dict[str, Any]]:
    roles = [("ATND", "attender", visit.prescriber, 6, length), ("PPRF", "primary performer", visit.nurse, 0, length)]
    if escorted:
        escort = named("RelatedPerson", "escort", visit.plan.mrn)
        roles += [("WIT", "witness", visit.witness, 20, length - 20), ("ESC", "escort", escort, length - 5, length)]
    return [
        {
            "type": [concept(codes.participation(code, display))],
            "period": period(visit.at(start), visit.at(end)),
            "individual": who,
        }
        for code, display, who, start, end in roles
    ]


def _disposition() -> dict[str, Any]:
    home = concept(codes.hl7("discharge-disposition", "home", "Home"), text="Home with responsible adult; no driving until next day")
    return {"dischargeDisposition": home}
