"""What is recorded about a patient once, at the first visit."""

from collections.abc import Iterator
from decimal import Decimal

from benchmarks.search.dataset.chance import chance
from benchmarks.search.dataset.clinic import STAFF, Visit
from benchmarks.search.dataset.elements import (
    LOCAL,
    LOINC,
    SNOMED,
    Json,
    coding,
    concept,
    day,
    hl7,
    identifier,
    instant,
    quantity,
    reference,
    resource,
)

OF_A_PATIENT = 9
_FAMILIES = (
    "Müller", "Østergaard", "García", "Núñez", "Çelik", "Žižek", "Brontë", "Łukasik", "O'Brien", "Van Dijk", "Lefèvre", "Sørensen",
    "Adeyemi", "Brandt", "Castillo", "Dumont", "Eriksen", "Fischer", "Greco", "Haddad", "Ivanova", "Jansen", "Kowalski", "Lindqvist",
    "Moreau", "Nakamura", "Okafor", "Petrov", "Quiroga", "Rossi", "Silva", "Tanaka", "Ueda", "Vargas", "Weber", "Xu", "Yilmaz", "Zhang",
)  # fmt: skip
_SYLLABLES = ("ba", "da", "fe", "gi", "ho", "ju", "ka", "le", "mi", "no", "pa", "qui", "re", "si", "to", "ul", "va", "we", "yo", "za")
_GIVEN = ("José", "Zoë", "Renée", "Jürgen", "Amélie", "Alex", "Jordan", "Sam", "Robin", "Kim", "Noor", "Ada", "Tomás", "Ines", "Lou", "Max")
_CITIES = ("Zürich", "Málaga", "Portland", "Denver", "Liège", "Springfield", "Tromsø", "Austin")
_GENDERS = ("female", "male", "female", "male", "female", "male", "other", "unknown")
_PROBLEMS = (
    (SNOMED, "1153570009", "Treatment resistant depression (disorder)"),
    (SNOMED, "38341003", "Hypertensive disorder, systemic arterial (disorder)"),
    (LOCAL, "chronic-pain", "Chronic pain"),
    (LOCAL, "generalized-anxiety", "Generalized anxiety"),
)


def family(number: int) -> str:
    """A family name of one of 15,200."""
    mixed = chance(number, 40)
    parts = (mixed >> 8) % 20, (mixed >> 16) % 20
    return f"{_FAMILIES[mixed % len(_FAMILIES)]}-{''.join(_SYLLABLES[part] for part in parts).capitalize()}"


def given(number: int) -> str:
    """A first name."""
    return _GIVEN[chance(number, 41) % len(_GIVEN)]


def gender(number: int) -> str | None:
    """The administrative gender; one in thirty-two is not recorded."""
    mixed = chance(number, 42)
    return None if mixed >> 8 & 31 == 0 else _GENDERS[mixed % len(_GENDERS)]


def mrn(number: int) -> str:
    """The medical record number."""
    return f"KET-{number:07d}"


def probability(number: int) -> int:
    """The outcome of the risk assessment, in thousandths."""
    return chance(number, 43) % 1001


def registered(visit: Visit) -> int:
    """When the patient of a visit was entered: before the first one."""
    return visit.first - 1800


def subject_of(visit: Visit) -> Json:
    """The reference to the patient of a visit."""
    return reference("Patient", visit.patient, registered(visit))


def about(visit: Visit, drawn: Json) -> Iterator[Json]:
    """The patient of a first visit and what is recorded with them, `OF_A_PATIENT` resources; `drawn` refers to the vial."""
    number, at = visit.patient, registered(visit)
    subject = subject_of(visit)
    yield patient(number, at, visit)
    for place in range(2):
        yield condition(number * 2 + place, at, subject)
    yield flag(number, at, subject)
    yield allergy(number, at, subject)
    yield consent(number, at, subject, visit)
    yield risk(number, at, subject, visit)
    yield order(number, at, subject, visit, drawn)
    yield access(number, at, subject, visit)


def patient(number: int, at: int, visit: Visit) -> Json:
    """A synthetic person."""
    mixed = chance(number, 44)
    return resource(
        "Patient",
        number,
        at,
        identifier=[identifier("mrn", mrn(number))],
        active=True,
        name=[{"use": "official", "family": family(number), "given": [given(number), given(number + 7)]}],
        telecom=[{"system": "phone", "value": f"+1 555 {mixed % 10_000_000:07d}", "use": "mobile"}],
        gender=gender(number),
        birthDate=None if mixed >> 30 & 63 == 0 else f"{1940 + mixed % 65}-{1 + (mixed >> 8) % 12:02d}-{1 + (mixed >> 16) % 28:02d}",
        address=[{"line": [f"{mixed % 400} Elm Street"], "city": _CITIES[(mixed >> 20) % 8], "postalCode": f"{mixed % 90_000 + 10_000}"}],
        generalPractitioner=[reference("Practitioner", visit.site * STAFF + STAFF - 1)],
        managingOrganization=reference("Organization", visit.site),
    )


def condition(number: int, at: int, subject: Json) -> Json:
    """A problem on the list."""
    return resource(
        "Condition",
        number,
        at,
        clinicalStatus=hl7("condition-clinical", "active" if number % 5 else "resolved")
        | ({"text": "Active"} if number % 5 else {"text": "Resolved"}),
        verificationStatus=hl7("condition-ver-status", "confirmed"),
        category=[hl7("condition-category", "problem-list-item")],
        code=concept(coding(*_PROBLEMS[chance(number, 45) % len(_PROBLEMS)])),
        subject=subject,
        onsetDateTime=str(2000 + number % 20),
        abatementDateTime=None if number % 5 else "2021-05",
        recordedDate=day(at),
    )


def flag(number: int, at: int, subject: Json) -> Json:
    """A warning to whoever opens the chart; half of them run on."""
    over = number % 2 == 0
    return resource(
        "Flag",
        number,
        at,
        status="inactive" if over else "active",
        category=[hl7("flag-category", "safety")],
        code=concept(coding(LOCAL, "bp-critical-high", "Systolic >= 180 or diastolic >= 110 mmHg")),
        subject=subject,
        period={"start": instant(at)} | ({"end": instant(at + 86_400 * 30)} if over else {}),
    )


def allergy(number: int, at: int, subject: Json) -> Json:
    """A statement about allergies."""
    return resource(
        "AllergyIntolerance",
        number,
        at,
        clinicalStatus=hl7("allergyintolerance-clinical", "active"),
        verificationStatus=hl7("allergyintolerance-verification", "unconfirmed"),
        criticality=("low", "high", "unable-to-assess")[number % 3],
        code=concept(coding(SNOMED, "293707005"), text="Ketamine allergy, reported"),
        patient=subject,
        recordedDate=instant(at),
    )


def consent(number: int, at: int, subject: Json, visit: Visit) -> Json:
    """The consent to the procedure."""
    return resource(
        "Consent",
        number,
        at,
        status="active",
        scope=hl7("consentscope", "treatment"),
        category=[concept(coding(LOINC, "64293-4", "Procedure consent"))],
        patient=subject,
        dateTime=instant(at, visit.site),
        performer=[subject],
        organization=[reference("Organization", visit.site)],
        policyRule={"text": "Off-label infusion: risks, benefits, alternatives, no driving until the next day"},
    )


def risk(number: int, at: int, subject: Json, visit: Visit) -> Json:
    """How likely a critical blood pressure was thought to be."""
    return resource(
        "RiskAssessment",
        number,
        at,
        status="final",
        subject=subject,
        occurrenceDateTime=instant(at, visit.site),
        performer=reference("Practitioner", visit.physician),
        prediction=[{"outcome": {"text": "Critical blood pressure"}, "probabilityDecimal": Decimal(probability(number)).scaleb(-3)}],
    )


def order(number: int, at: int, subject: Json, visit: Visit, drawn: Json) -> Json:
    """The order for the series."""
    return resource(
        "MedicationRequest",
        number,
        at,
        identifier=[identifier("order", f"RX-{number:07d}")],
        status="active" if number % 4 else "completed",
        intent="order",
        medicationReference=drawn,
        subject=subject,
        authoredOn=instant(at, visit.site),
        requester=reference("Practitioner", visit.physician),
        dosageInstruction=[{"text": "0.5 mg/kg IV over 40 to 80 min", "doseAndRate": [{"doseQuantity": quantity(40, "mg")}]}],
    )


def access(number: int, at: int, subject: Json, visit: Visit) -> Json:
    """The catheter of the first visit."""
    return resource(
        "Procedure",
        number,
        at,
        status="completed",
        code=concept(coding(LOCAL, "piv-insertion", "Peripheral IV catheter insertion")),
        subject=subject,
        performedDateTime=instant(visit.start + 300, visit.site),
        performer=[{"actor": reference("Practitioner", visit.nurse)}],
        location=reference("Location", visit.room),
        bodySite=[concept(coding(SNOMED, "85562004", "Hand structure (body structure)"))],
    )
