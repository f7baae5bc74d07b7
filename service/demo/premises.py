"""The clinic's rooms and devices, and a practice that refers patients to it.

What the example visit brings (room 3, its pump and monitor, the safe) is not repeated.
"""

from fhir.resources.R4B.device import Device
from fhir.resources.R4B.location import Location
from fhir.resources.R4B.organization import Organization
from fhir.resources.R4B.reference import Reference

from service.demo import codes
from service.demo.elements import concept, identifier, named
from service.demo.transaction import Transaction

CLINIC = (codes.NPI, "1234567893")
ADDRESS = {"use": "work", "line": ["100 Example Ave"], "city": "Los Angeles", "state": "CA", "postalCode": "90001", "country": "US"}
_TELECOM = [{"system": "phone", "value": "+1-555-0199", "use": "work"}]


def clinic() -> Reference:
    """The reference to the clinic's Organization."""
    return named("Organization", *CLINIC)


def room(number: int) -> Reference:
    """The reference to an infusion room."""
    return named("Location", "location", f"ROOM-{number}")


def safe() -> Reference:
    """The reference to the controlled-substance safe."""
    return named("Location", "location", "CS-SAFE-1")


def pump(number: int) -> Reference:
    """The reference to the syringe pump of a room."""
    return named("Device", "asset", f"PUMP-{number + 4:02d}")


def monitor(number: int) -> Reference:
    """The reference to the bedside monitor of a room."""
    return named("Device", "asset", f"MON-{number:02d}")


def rules_engine() -> Reference:
    """The reference to the software that raises vital-sign alerts."""
    return named("Device", "asset", "CLIN-RECORDS-SVC")


def add_premises(master: Transaction) -> None:
    """Rooms 1 and 2 with pump and monitor, and the referring practice."""
    for number in (1, 2):
        master.ensure(
            f"room/{number}",
            Location,
            identifier=[identifier("location", f"ROOM-{number}")],
            status="active",
            name=f"Infusion room {number} (private)",
            physicalType=concept(codes.hl7("location-physical-type", "ro", "Room")),
            telecom=_TELECOM,
            address=ADDRESS,
            managingOrganization=clinic(),
            partOf=named("Location", "location", "SITE-1"),
        )
        _add_device(master, f"PUMP-{number + 4:02d}", f"SP-00077{number + 4}", "Digital syringe pump", codes.PUMP)
        _add_device(master, f"MON-{number:02d}", f"PM-00030{number}", "Bedside monitor NIBP/SpO2/ECG", codes.MONITOR)
    master.ensure(
        "practice",
        Organization,
        identifier=[identifier("organization", "PRACTICE-1")],
        active=True,
        name="Example Family Practice",
        telecom=[{"system": "phone", "value": "+1-555-0142", "use": "work"}],
        address=[{**ADDRESS, "line": ["200 Example Ave"]}],
    )


def _add_device(master: Transaction, asset: str, serial: str, name: str, kind: codes.Code) -> None:
    master.ensure(
        f"device/{asset}",
        Device,
        identifier=[identifier("asset", asset)],
        status="active",
        manufacturer="ExampleMed",
        serialNumber=serial,
        deviceName=[{"name": name, "type": "user-friendly-name"}],
        type=concept(kind, text=name),
    )
