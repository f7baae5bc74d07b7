"""What the visits share: organizations, people, rooms, monitors, questionnaires, and the vials with their lots."""

from collections.abc import Iterator

from benchmarks.search.dataset.clinic import FIRST_DAY, NURSES, STAFF, Clinic, lot_of_vial
from benchmarks.search.dataset.elements import ACT_CODE, MDC, OPENED, RXNORM, Json, coding, concept, day, identifier, reference, resource
from benchmarks.search.dataset.people import family, given

CONTROLLED = {"tag": [coding(ACT_CODE, "CTLSUB", "Controlled Substance")]}
KETAMINE = coding(RXNORM, "6130", "ketamine")
ONDANSETRON = coding(RXNORM, "26225", "ondansetron")
_STAFF_NUMBER = 1_000_000_000


def premises(clinic: Clinic) -> Iterator[Json]:
    """Everything that is there before the first visit, what is referred to first."""
    for site in range(clinic.sites):
        yield resource("Organization", site, OPENED, identifier=[identifier("site", f"S-{site:04d}")], active=True, name=f"Clinic {site}")
        yield from (practitioner(site * STAFF + place) for place in range(STAFF))
        for room in (site * 2, site * 2 + 1):
            yield location(room, site)
            yield monitor(room)
        yield questionnaire(site)


def practitioner(number: int) -> Json:
    """A nurse or a physician."""
    return resource(
        "Practitioner",
        number,
        OPENED,
        identifier=[{"system": "http://hl7.org/fhir/sid/us-npi", "value": npi(number)}],
        active=True,
        name=[{"family": family(_STAFF_NUMBER + number), "given": [given(_STAFF_NUMBER + number)]}],
        qualification=[{"code": {"text": "Registered nurse" if number % STAFF < NURSES else "Physician"}}],
    )


def npi(number: int) -> str:
    """The identifier of a practitioner."""
    return f"{1_999_000_000 + number}"


def location(room: int, site: int) -> Json:
    """An infusion room."""
    return resource(
        "Location",
        room,
        OPENED,
        identifier=[identifier("room", f"R-{room:05d}")],
        status="active",
        name=f"Infusion room {room % 2 + 1}",
        mode="instance",
        managingOrganization=reference("Organization", site),
    )


def monitor(room: int) -> Json:
    """The bedside monitor of a room."""
    return resource(
        "Device",
        room,
        OPENED,
        identifier=[identifier("asset", f"MON-{room:05d}")],
        status="active",
        deviceName=[{"name": "Bedside monitor", "type": "user-friendly-name"}],
        type=concept(coding(MDC, "69965", "MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS")),
        location=reference("Location", room),
    )


def questionnaire(site: int) -> Json:
    """A site's own questionnaire, known by its URL."""
    return resource(
        "Questionnaire",
        site,
        OPENED,
        url=questionnaire_url(site),
        version="1.0",
        name=f"Mood{site}",
        status="active",
        subjectType=["Patient"],
        date=day(OPENED),
        item=[{"linkId": "1", "text": "How was your week?", "type": "string"}],
    )


def questionnaire_url(site: int) -> str:
    """The canonical URL of a site's questionnaire."""
    return f"https://clinic.example/fhir/Questionnaire/mood-{site}"


def vial(number: int, opened: int) -> Json:
    """A vial, as its first visit finds it: one in seven holds something else than ketamine."""
    ketamine = is_ketamine(number)
    return resource(
        "Medication",
        number,
        opened,
        CONTROLLED if ketamine else None,
        identifier=[identifier("vial", f"V-{number:07d}")],
        code=concept(KETAMINE if ketamine else ONDANSETRON, text="Ketamine 50 mg/mL, 10 mL vial" if ketamine else "Ondansetron 2 mg/mL"),
        status="active",
        amount={"numerator": {"value": 10, "unit": "mL"}, "denominator": {"value": 1}},
        batch={"lotNumber": lot_number(lot_of_vial(number)), "expirationDate": day(FIRST_DAY + (number % 900 + 1600) * 86_400)},
    )


def is_ketamine(vial: int) -> bool:
    """What a vial holds."""
    return vial % 7 != 6


def lot_number(lot: int) -> str:
    """A lot number as it is printed."""
    return f"KET{lot:06d}"
