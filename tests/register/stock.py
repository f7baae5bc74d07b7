"""A small clinic for the tests of the ledger, and the records of its vials: each function makes the JSON of one, or posts it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from flask.testing import FlaskClient

LOCAL = "https://clinic.example/fhir/CodeSystem/ketamine-clinic"
SIDS = "https://clinic.example/fhir/sid/"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
PARTS = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
UCUM = "http://unitsofmeasure.org"
CRITERIA = ("alert", "dissociation", "vitals", "gait", "nausea", "iv", "escort", "nodrive", "contact")
TAGGED = {"tag": [{"system": ACT, "code": "CTLSUB"}]}
START = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=20)

Body = dict[str, Any]
_numbers = count(1)


def at(minute: float) -> str:
    """The instant `minute` minutes after START, which is less than a day ago: nothing is late."""
    return (START + timedelta(minutes=minute)).isoformat()


def quantity(value: object, code: str = "mg") -> Body:
    return {"value": value, "unit": code, "system": UCUM, "code": code}


def local(code: str) -> Body:
    return {"coding": [{"system": LOCAL, "code": code}]}


def number(system: str = "cs-ledger") -> list[Body]:
    """An identifier that no other record of the test run has."""
    return [{"system": f"{SIDS}{system}", "value": f"T-{next(_numbers)}"}]


def ketamine() -> Body:
    return {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "6130"}]}


def nurse(name: str) -> Body:
    """A registered nurse whose licence is valid for years."""
    licence = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0360", "code": "RN"}]}
    years = {"start": "2020-01-01", "end": "2035-12-31"}
    return {
        "resourceType": "Practitioner",
        "active": True,
        "name": [{"family": name}],
        "qualification": [{"code": licence, "period": years}],
    }


@dataclass
class Clinic:
    """A clinic with a site, two safes, two nurses, a patient with consent and order, and a visit; `client` posts for it."""

    client: FlaskClient
    places: dict[str, str] = field(default_factory=dict)

    @classmethod
    def opened(cls, client: FlaskClient) -> "Clinic":
        """Everything but vials."""
        clinic = cls(client)
        clinic.add("clinic", {"resourceType": "Organization", "name": "Clinic"})
        site = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/location-physical-type", "code": "si"}]}
        managed = {"managingOrganization": clinic.to("clinic")}
        clinic.add("site", {"resourceType": "Location", "name": "Site", "physicalType": site, **managed})
        for safe in ("safe", "other-safe"):
            clinic.add(safe, {"resourceType": "Location", "name": safe, "partOf": clinic.to("site")})
        for name in ("chen", "okafor"):
            clinic.add(name, nurse(name))
        clinic.add("patient", {"resourceType": "Patient", "name": [{"family": "Sample"}]})
        clinic.add("consent", clinic._consent())
        clinic.add("visit", clinic._visit())
        clinic.add("order", clinic._order())
        return clinic

    def to(self, name: str) -> Body:
        """A reference to what was posted under a name, or to a `Type/id`."""
        return {"reference": self.places.get(name, name)}

    def id(self, name: str) -> str:
        return self.places[name].partition("/")[2]

    def add(self, name: str, body: Body) -> Any:
        """Post what has to be taken; its answer."""
        answer = self.post(body)
        assert answer.status_code == 201, answer.json
        self.places[name] = f"{body['resourceType']}/{answer.json['id']}"
        return answer

    def post(self, body: Body) -> Any:
        return self.client.post(f"/fhir/{body['resourceType']}", json=body, headers={"Prefer": "return=representation"})

    def transaction(self, **bodies: Body) -> Any:
        """Post several at once; each may refer to another by `urn:uuid:` and its name."""
        entries = [
            {"fullUrl": f"urn:uuid:{name}", "resource": body, "request": {"method": "POST", "url": body["resourceType"]}}
            for name, body in bodies.items()
        ]
        answer = self.client.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": entries})
        if answer.status_code == 200:
            for name, entry in zip(bodies, answer.json["entry"], strict=True):
                self.places[name] = "/".join(entry["response"]["location"].split("/")[-4:-2])
        return answer

    def vial(self, content_ml: int = 10, **more: Any) -> Body:
        """A vial of 50 mg/mL."""
        return {
            "resourceType": "Medication",
            "meta": TAGGED,
            "identifier": number("vial"),
            "code": ketamine(),
            "status": "active",
            "amount": {"numerator": quantity(content_ml, "mL"), "denominator": quantity(1, "1")},
            "ingredient": [
                {"itemCodeableConcept": ketamine(), "strength": {"numerator": quantity(50), "denominator": quantity(1, "mL")}},
            ],
            "batch": {"lotNumber": "LOT-1", "expirationDate": "2035-08-31"},
            **more,
        }

    def receipt(self, vial: str, amount: object = 500, minute: float = 0, safe: str = "safe") -> Body:
        return {
            "resourceType": "SupplyDelivery",
            "meta": TAGGED,
            "identifier": number(),
            "status": "completed",
            "suppliedItem": {"quantity": quantity(amount), "itemReference": self.to(vial)},
            "occurrenceDateTime": at(minute),
            "supplier": self.to("clinic"),
            "destination": self.to(safe),
            "receiver": [self.to("chen"), self.to("okafor")],
        }

    def draw(self, vial: str, amount: object, minute: float = 60, safe: str = "safe", visit: str = "visit") -> Body:
        return {
            "resourceType": "MedicationDispense",
            "meta": TAGGED,
            "identifier": number(),
            "status": "completed",
            "medicationReference": self.to(vial),
            "subject": self.to("patient"),
            "context": self.to(visit),
            "performer": [{"actor": self.to("chen")}],
            "location": self.to(safe),
            "authorizingPrescription": [self.to("order")],
            "type": {"coding": [{"system": ACT, "code": "FS"}]},
            "quantity": quantity(amount),
            "whenHandedOver": at(minute),
        }

    def given(self, vial: str, draws: list[str], amount: object, minute: float = 70, status: str = "completed") -> Body:
        return {
            "resourceType": "MedicationAdministration",
            "meta": TAGGED,
            "identifier": number("mar"),
            "status": status,
            "medicationReference": self.to(vial),
            "subject": self.to("patient"),
            "context": self.to("visit"),
            "supportingInformation": [self.to(draw) for draw in draws],
            "effectivePeriod": {"start": at(minute), "end": at(minute + 2)},
            "performer": [{"actor": self.to("chen")}],
            "request": self.to("order"),
            "dosage": {"dose": quantity(amount)},
        }

    def entry(self, kind: str, vial: str, amount: object, minute: float = 80, **more: Any) -> Body:
        """An entry of the ledger (`waste`, `count`, ...), witnessed."""
        return {
            "resourceType": "Observation",
            "meta": TAGGED,
            "identifier": number(),
            "status": "final",
            "category": [local("cs-ledger")],
            "code": local(f"cs-{kind}"),
            "subject": self.to("safe"),
            "focus": [self.to(vial)],
            "effectiveDateTime": at(minute),
            "issued": at(minute),
            "performer": [self._acting("chen", "PRF"), self._acting("okafor", "WIT")],
            "valueQuantity": quantity(amount),
            **more,
        }

    def of_draw(self, draw: str) -> Body:
        """What an entry has that is about a syringe."""
        return {"partOf": [self.to(draw)], "subject": self.to("patient"), "encounter": self.to("visit")}

    def to_safe(self, safe: str) -> Body:
        """What a transfer has besides."""
        url = "https://clinic.example/fhir/StructureDefinition/transfer-destination"
        return {"extension": [{"url": url, "valueReference": self.to(safe)}]}

    def amend(self, name: str, **changes: Any) -> Any:
        """Replace what was posted under a name, as an amendment: with If-Match and the Provenance of the revision."""
        place = self.places[name]
        now = self.client.get(f"/fhir/{place}").json
        version = now["meta"]["versionId"]
        revision = {"role": "revision", "what": {"reference": f"{place}/_history/{version}"}}
        provenance = {
            "resourceType": "Provenance",
            "target": [{"reference": place}],
            "recorded": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "reason": [{"text": "Typed wrongly"}],
            "agent": [{"who": self.to("chen")}],
            "entity": [revision],
        }
        entries = [
            {"resource": {**now, **changes}, "request": {"method": "PUT", "url": place, "ifMatch": f'W/"{version}"'}},
            {"resource": provenance, "request": {"method": "POST", "url": "Provenance"}},
        ]
        return self.client.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": entries})

    def discharge(self, visit: str) -> Body:
        """The discharge checklist of a visit, all met."""
        return {
            "resourceType": "QuestionnaireResponse",
            "questionnaire": "https://clinic.example/fhir/Questionnaire/discharge-criteria|1.0",
            "status": "completed",
            "subject": self.to("patient"),
            "encounter": self.to(visit),
            "item": [{"linkId": one, "answer": [{"valueBoolean": True}]} for one in CRITERIA],
        }

    def finished(self, escort: str) -> Body:
        """A visit that is finished, with the adult who takes the patient home."""
        role = {"coding": [{"system": PARTS, "code": "ESC"}]}
        return {**self._visit(), "status": "finished", "participant": [{"type": [role], "individual": self.to(escort)}]}

    def _acting(self, who: str, code: str) -> Body:
        function = {"coding": [{"system": PARTS, "code": code}]}
        url = "http://hl7.org/fhir/StructureDefinition/event-performerFunction"
        return {**self.to(who), "extension": [{"url": url, "valueCodeableConcept": function}]}

    def _consent(self) -> Body:
        return {
            "resourceType": "Consent",
            "status": "active",
            "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "treatment"}]},
            "category": [{"coding": [{"system": "http://loinc.org", "code": "64293-4"}]}],
            "patient": self.to("patient"),
            "dateTime": at(-60),
            "policyRule": {"text": "Ketamine infusions"},
        }

    def _visit(self) -> Body:
        ambulatory = {"system": ACT, "code": "AMB"}
        return {"resourceType": "Encounter", "status": "in-progress", "class": ambulatory, "subject": self.to("patient")}

    def _order(self) -> Body:
        return {
            "resourceType": "MedicationRequest",
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": ketamine(),
            "subject": self.to("patient"),
            "encounter": self.to("visit"),
            "authoredOn": at(-30),
            "requester": self.to("chen"),
        }


def rules(answer: Any) -> set[str]:
    """The rules that an answer names."""
    issues = answer.json.get("issue", ()) if answer.json.get("resourceType") == "OperationOutcome" else ()
    return {coding["code"] for issue in issues for coding in issue.get("details", {}).get("coding", ())}
