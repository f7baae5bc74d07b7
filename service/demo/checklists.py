"""The nurse's two checklists, filled in: the Questionnaires themselves are definitions that the service ships."""

from dataclasses import dataclass
from typing import Any

from fhir.resources.R4B.questionnaireresponse import QuestionnaireResponse
from fhir.resources.R4B.reference import Reference

from service.demo.visit import Visit

_BASE = "https://clinic.example/fhir/Questionnaire/"


@dataclass(frozen=True, slots=True)
class Item:
    """One question: its linkId, its text, and the Questionnaire item type of the answer."""

    link: str
    text: str
    kind: str = "boolean"


@dataclass(frozen=True, slots=True)
class Form:
    """A checklist by name and version."""

    name: str
    title: str
    items: tuple[Item, ...]
    version: str = "1.0"

    @property
    def url(self) -> str:
        """The canonical URL, without version."""
        return _BASE + self.name


BEFORE = Form(
    "pre-infusion-checklist",
    "Pre Infusion Checklist",
    (
        Item("fast-solids", "Last solid food", "dateTime"),
        Item("fast-clear", "Last clear liquid", "dateTime"),
        Item("fast-ok", "Fasting rule met (nothing 4 h, clear liquids up to 2 h)"),
        Item("escort-ok", "Responsible adult escort confirmed"),
        Item("med-change", "Medication or supplement changes since last visit"),
        Item("substance-24h", "Alcohol or other substance in last 24 h"),
        Item("intent", "Goal or intention for this infusion", "string"),
        Item("cures", "PDMP (CURES) reviewed within 6 months"),
    ),
)
DISCHARGE = Form(
    "discharge-criteria",
    "Discharge Criteria",
    (
        Item("alert", "Alert and oriented, MOAA/S 5"),
        Item("dissociation", "Dissociation resolved"),
        Item("vitals", "Vitals near baseline (within 20 %)"),
        Item("gait", "Steady gait or pre-visit mobility"),
        Item("nausea", "Nausea controlled"),
        Item("iv", "IV removed, site intact"),
        Item("escort", "Handed over to responsible adult"),
        Item("nodrive", "Told: no driving, machinery, work or legal signatures rest of day"),
        Item("contact", "Emergency contact information given"),
    ),
)
_INTENTIONS = ("Mood improvement", "Less fear", "A quiet mind", "Sleep through the night", "Curiosity")
_VALUE = {"boolean": "valueBoolean", "dateTime": "valueDateTime", "string": "valueString"}


def add_before(visit: Visit, minute: int) -> Reference:
    """The checklist before the infusion: fasting, escort, changes, intention."""
    answers: dict[str, Any] = {
        "fast-solids": visit.at(-visit.chance.randint(600, 780)),
        "fast-clear": visit.at(-visit.chance.randint(100, 180)),
        "med-change": False,
        "substance-24h": False,
        "intent": visit.chance.choice(_INTENTIONS),
    }
    return _add(visit, "checklist-before", BEFORE, minute, answers)


def add_discharge(visit: Visit, minute: int) -> Reference:
    """The discharge criteria, all met."""
    return _add(visit, "checklist-discharge", DISCHARGE, minute, {})


def _add(visit: Visit, key: str, form: Form, minute: int, answers: dict[str, Any]) -> Reference:
    return visit.transaction.add(
        key,
        QuestionnaireResponse,
        questionnaire=f"{form.url}|{form.version}",
        status="completed",
        subject=visit.patient,
        encounter=visit.encounter,
        authored=visit.at(minute),
        author=visit.nurse,
        item=[
            {"linkId": item.link, "text": item.text, "answer": [{_VALUE[item.kind]: answers.get(item.link, True)}]} for item in form.items
        ],
    )
