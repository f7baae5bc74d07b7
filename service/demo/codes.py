"""The codes that the demonstration uses: standard ones that were looked up, and the clinic's own for what has none.

A display is given where its wording was looked up too; elsewhere the CodeableConcept carries text.
"""

from typing import NamedTuple

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
NDC = "http://hl7.org/fhir/sid/ndc"
MDC = "urn:iso:std:iso:11073:10101"
UCUM = "http://unitsofmeasure.org"
LOCAL = "https://clinic.example/fhir/CodeSystem/ketamine-clinic"
SID = "https://clinic.example/fhir/sid/"
NPI = "http://hl7.org/fhir/sid/us-npi"
DEA = "http://terminology.hl7.org/NamingSystem/USDEANumber"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
IDENTIFIER_TYPE = TERMINOLOGY + "v2-0203"
LEDGER_PROFILE = "https://clinic.example/fhir/StructureDefinition/cs-ledger-entry"
PERFORMER_FUNCTION = "http://hl7.org/fhir/StructureDefinition/event-performerFunction"
SIGNATURE_TYPE = "urn:iso-astm:E1762-95:2013"


class Code(NamedTuple):
    """A code in its system, with the display of its source where that is known."""

    system: str
    code: str
    display: str | None = None


def hl7(system: str, code: str, display: str | None = None) -> Code:
    """A code of terminology.hl7.org, by the short name of its code system."""
    return Code(TERMINOLOGY + system, code, display)


def act(code: str, display: str | None = None) -> Code:
    """A code of v3-ActCode."""
    return hl7("v3-ActCode", code, display)


def local(code: str, display: str | None = None) -> Code:
    """One of the clinic's own codes."""
    return Code(LOCAL, code, display)


def participation(code: str, display: str) -> Code:
    """A code of v3-ParticipationType."""
    return hl7("v3-ParticipationType", code, display)


CONTROLLED = act("CTLSUB", "Controlled Substance")
TEST_DATA = hl7("v3-ActReason", "HTEST", "test health data")
SCHEDULE_III = local("CIII", "DEA Schedule III")
SCHEDULE_IV = local("CIV", "DEA Schedule IV")

INTRAVENOUS = Code(SNOMED, "47625008", "Intravenous route (qualifier value)")
KETAMINE = Code(RXNORM, "6130", "ketamine")
ONDANSETRON = Code(RXNORM, "26225", "ondansetron")
ONDANSETRON_VIAL = Code(RXNORM, "1740467", "2 ML ondansetron 2 MG/ML Injection")
MIDAZOLAM = Code(SNOMED, "373476007")
KETAMINE_VIAL = Code(NDC, "67457000110", "Ketamine HCl injection 50 mg/mL, 10 mL multiple-dose vial")

BLOOD_PRESSURE = (Code(LOINC, "85354-9", "Blood pressure panel with all children optional"), Code(MDC, "150020", "MDC_PRESS_BLD_NONINV"))
SYSTOLIC = (Code(LOINC, "8480-6", "Systolic blood pressure"), Code(MDC, "150021", "MDC_PRESS_BLD_NONINV_SYS"))
DIASTOLIC = (Code(LOINC, "8462-4", "Diastolic blood pressure"), Code(MDC, "150022", "MDC_PRESS_BLD_NONINV_DIA"))
MEAN_PRESSURE = (Code(LOINC, "8478-0", "Mean blood pressure"), Code(MDC, "150023", "MDC_PRESS_BLD_NONINV_MEAN"))
HEART_RATE = (Code(LOINC, "8867-4", "Heart rate"), Code(MDC, "147842", "MDC_ECG_HEART_RATE"))
OXYGEN_SATURATION = (
    Code(LOINC, "2708-6", "Oxygen saturation in Arterial blood"),
    Code(LOINC, "59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry"),
    Code(MDC, "150456", "MDC_PULS_OXIM_SAT_O2"),
)
RESPIRATORY_RATE = (Code(LOINC, "9279-1", "Respiratory rate"),)
TEMPERATURE = (Code(LOINC, "8310-5", "Body temperature"),)
WEIGHT = (Code(LOINC, "29463-7", "Body weight"),)
RHYTHM = (Code(LOINC, "8884-9", "Heart rate rhythm"),)
SINUS_RHYTHM = Code(SNOMED, "64730000", "Normal sinus rhythm (finding)")
PUMP_FLOW = (Code(MDC, "157784", "MDC_FLOW_FLUID_PUMP"),)
UPPER_ARM = Code(SNOMED, "368209003", "Right upper arm structure (body structure)")
NON_INVASIVE = Code(SNOMED, "17146006", "Arterial pressure monitoring, non-invasive method (regime/therapy)")

PHQ9 = (Code(LOINC, "44261-6", "Patient Health Questionnaire 9 item (PHQ-9) total score [Reported]"),)
GAD7 = (Code(LOINC, "70274-6", "Generalized anxiety disorder 7 item (GAD-7) total score"),)
SUICIDE_RISK = (Code(LOINC, "93373-9", "Columbia - suicide severity rating scale screener - recent [C-SSRS]"),)
LOW_RISK = Code(LOINC, "LA9194-7", "Low")
PAIN_NOW = (Code(LOINC, "72514-3", "Pain severity - 0-10 verbal numeric rating [Score] - Reported"),)
DISSOCIATION = (local("cadss-total", "Clinician-Administered Dissociative States Scale total"),)
SEDATION = (local("moaas", "Modified Observer Assessment of Alertness/Sedation"),)
NAUSEA_SCORE = (local("nausea-nrs", "Nausea severity 0-10 numeric rating"),)

RAISED_PRESSURE = Code(SNOMED, "24184005", "Finding of increased blood pressure (finding)")
NAUSEA = Code(SNOMED, "422587007", "Nausea (finding)")
ANXIETY = Code(SNOMED, "48694002")
HYPOXEMIA = Code(SNOMED, "389087006")
ITCHING = Code(SNOMED, "418363000", "Itching of skin")
DIZZINESS = Code(SNOMED, "404640003", "Dizziness (finding)")
KETAMINE_REACTION = Code(SNOMED, "292165004", "Ketamine adverse reaction (disorder)")

PATIENT_ENCOUNTER = Code(SNOMED, "308335008", "Patient encounter procedure (procedure)")
PSYCHIATRY = Code(SNOMED, "394587001", "Psychiatry")
PAIN_MANAGEMENT = Code(SNOMED, "394882004")
CATHETER = Code(SNOMED, "82449006", "Peripheral intravenous catheter, device (physical object)")
HAND = Code(SNOMED, "85562004", "Hand structure (body structure)")
FOREARM = Code(SNOMED, "14975008")
PUMP = Code(SNOMED, "433296005", "Infusion pump for intravenous fluids (physical object)")
MONITOR = Code(MDC, "69965", "MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS")
PROCEDURE_CONSENT = Code(LOINC, "64293-4", "Procedure consent")
