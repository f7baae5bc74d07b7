"""Capabilities: https://hl7.org/fhir/R4/http.html#capabilities, https://hl7.org/fhir/R4/capabilitystatement.html."""

from typing import Any

from flask.testing import FlaskClient

from service.demo import claims, clinic
from service.rest.routes import ROUTES
from service.search import adoption
from service.search.reindex import reindex
from tests.rest.made import BASE, issue


def resources(api: FlaskClient) -> dict[str, Any]:
    return {one["type"]: one for one in api.get("/fhir/metadata").json["rest"][0]["resource"]}


def test_the_statement_says_what_the_routes_offer(api: FlaskClient) -> None:
    answer = api.get("/fhir/metadata")
    assert (answer.status_code, answer.json["resourceType"]) == (200, "CapabilityStatement")
    assert answer.json["implementation"]["url"] == BASE
    stated = {one["code"] for one in resources(api)["Patient"]["interaction"]} | {
        one["code"] for one in answer.json["rest"][0]["interaction"]
    }
    assert stated | {"capabilities", "operation"} == {route.interaction for route in ROUTES} | {"batch"}


def test_read_only_types_offer_no_writes(api: FlaskClient) -> None:
    audit = resources(api)["AuditEvent"]
    assert {one["code"] for one in audit["interaction"]}.isdisjoint({"create", "update", "patch", "delete"})
    assert (audit["updateCreate"], audit["conditionalCreate"], audit["conditionalDelete"]) == (False, False, "not-supported")
    assert "Subscription" not in resources(api)


def test_every_parameter_that_is_stated_can_be_searched(api: FlaskClient) -> None:
    for name in ("Encounter", "Observation"):
        for parameter in resources(api)[name]["searchParam"]:
            assert "not a search parameter" not in api.get(f"/fhir/{name}?{parameter['name']}:missing=true").text
    assert "Encounter:subject" in resources(api)["Encounter"]["searchInclude"]
    assert "Observation:subject" in resources(api)["Patient"]["searchRevInclude"]


def test_the_statement_passes_the_gate_of_the_service(api: FlaskClient) -> None:
    gate = api.application.extensions["infusion_records"].gate
    assert [one for one in gate.check(api.get("/fhir/metadata").json, "CapabilityStatement") if one.severity == "error"] == []


def test_modes_and_parameters(api: FlaskClient) -> None:
    assert api.get("/fhir/metadata?mode=normative&_format=json").status_code == 200
    assert "SUBSETTED" in api.get("/fhir/metadata?_summary=true").text
    issue(api.get("/fhir/metadata?mode=nonsense"), 400)
    issue(api.post("/fhir/metadata"), 405)


def test_what_every_search_takes_and_the_compartments_are_told(api: FlaskClient) -> None:
    rest = api.get("/fhir/metadata").json["rest"][0]
    assert [one["name"] for one in rest["searchParam"]] == ["_filter", "_has", "_list", "_type"]
    assert "http://hl7.org/fhir/CompartmentDefinition/patient" in rest["compartment"]
    assert len(rest["compartment"]) == 5


def test_parameters_of_the_clinic_are_listed_with_their_definitions(api: FlaskClient) -> None:
    stated = {one["name"]: one for one in resources(api)["MedicationAdministration"]["searchParam"]}
    for code in ("lot", "witness", "entry-lag", "recorded"):
        assert stated[code]["definition"] == f"https://clinic.example/fhir/SearchParameter/MedicationAdministration-{code}"
    assert "MedicationAdministration:witness" in resources(api)["MedicationAdministration"]["searchInclude"]


def test_a_posted_parameter_is_listed_once_it_is_active(api: FlaskClient) -> None:
    posted = {
        "resourceType": "SearchParameter",
        "url": "https://clinic.example/fhir/SearchParameter/Slot-remark",
        "name": "SlotRemark",
        "status": "active",
        "description": "Words on the slot.",
        "code": "remark",
        "base": ["Slot"],
        "type": "string",
        "expression": "Slot.comment",
    }
    assert api.post("/fhir/SearchParameter", json=posted, content_type="application/fhir+json").status_code == 201
    assert "infusion-records reindex" in issue(api.get("/fhir/Slot?remark=x"), 400)["diagnostics"]
    assert "remark" not in {one["name"] for one in resources(api)["Slot"]["searchParam"]}
    registries = api.application.extensions["infusion_records"].registries
    for type in adoption.prepare(registries):
        list(reindex(registries, type))
    assert {one["name"]: one["definition"] for one in resources(api)["Slot"]["searchParam"]}["remark"] == posted["url"]
    assert api.get("/fhir/Slot?remark=x").status_code == 200
    assert api.get("/fhir/SearchParameter?code=remark").json["entry"][0]["resource"]["url"] == posted["url"]


def test_a_draft_parameter_is_kept_and_the_answer_says_that_it_is_not_used(api: FlaskClient) -> None:
    draft = {
        "resourceType": "SearchParameter",
        "url": "https://clinic.example/fhir/SearchParameter/Slot-note",
        "name": "SlotNote",
        "status": "draft",
        "description": "Words on the slot.",
        "code": "note",
        "base": ["Slot"],
        "type": "string",
        "expression": "Slot.comment",
    }
    answer = api.post(
        "/fhir/SearchParameter", json=draft, content_type="application/fhir+json", headers={"Prefer": "return=OperationOutcome"}
    )
    assert answer.status_code == 201
    assert ["only active" in one["diagnostics"] for one in answer.json["issue"] if one["severity"] == "warning"] == [True]


COMBINATION = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-search-parameter-combination"


def combinations(resource: dict[str, Any]) -> set[tuple[str, ...]]:
    return {tuple(part["valueString"] for part in one["extension"]) for one in resource.get("extension", ()) if one["url"] == COMBINATION}


def test_profiles_supported_are_the_clinics_and_those_that_its_records_claim(api: FlaskClient) -> None:
    stated = {url for one in resources(api).values() for url in one.get("supportedProfile", ())}
    claimed = {
        url for bundle in clinic.bundles() for entry in bundle["entry"] for url in entry["resource"].get("meta", {}).get("profile", ())
    }
    assert claimed <= stated
    assert {url for url in stated - claimed if not url.startswith("https://clinic.example/")} == {claims.R4 + "vitalsigns"}
    library = api.application.extensions["infusion_records"].library
    own = [one.tree for one in library.all("StructureDefinition", "clinic") if one.tree["kind"] == "resource"]
    assert own
    assert {tree["url"] for tree in own} <= stated
    for type, resource in resources(api).items():
        for url in resource.get("supportedProfile", ()):
            assert library.find("StructureDefinition", url).tree["type"] == type


def test_us_core_is_followed_and_its_combinations_are_named(api: FlaskClient) -> None:
    statement = api.get("/fhir/metadata").json
    assert statement["instantiates"] == ["http://hl7.org/fhir/us/core/CapabilityStatement/us-core-server"]
    assert "http://hl7.org/fhir/us/core/ImplementationGuide/hl7.fhir.us.core|6.1.0" in statement["implementationGuide"]
    stated = resources(api)
    assert combinations(stated["Patient"]) >= {("birthdate", "name"), ("gender", "name")}
    assert combinations(stated["Observation"]) >= {("patient", "category", "date"), ("patient", "category"), ("patient", "code")}
    assert not combinations(stated["Slot"])
    for resource in stated.values():
        codes = {one["name"] for one in resource["searchParam"]}
        assert {code for parts in combinations(resource) for code in parts} <= codes


def test_what_the_terminology_operations_can_do(api: FlaskClient) -> None:
    told = api.get("/fhir/metadata?mode=terminology").json
    gate = api.application.extensions["infusion_records"].gate
    assert [one for one in gate.check(told, "TerminologyCapabilities") if one.severity == "error"] == []
    systems = {one["uri"]: one for one in told["codeSystem"]}
    assert systems["http://hl7.org/fhir/observation-status"]["version"] == [{"code": "4.0.1"}]
    assert {"http://unitsofmeasure.org", "https://clinic.example/fhir/CodeSystem/ketamine-clinic"} < systems.keys()
    assert not {"http://snomed.info/sct", "http://loinc.org"} & systems.keys()
    for uri in ("http://hl7.org/fhir/observation-status", "http://unitsofmeasure.org"):
        assert api.get(f"/fhir/CodeSystem/$validate-code?url={uri}&code=x-x").json["resourceType"] == "Parameters"
    for parameter in told["expansion"]["parameter"]:
        assert "has no parameter" not in api.get(f"/fhir/ValueSet/$expand?{parameter['name']}=true").text
    assert "SUBSETTED" in api.get("/fhir/metadata?mode=terminology&_summary=true").text
    assert api.get("/fhir/metadata?mode=terminology", headers={"Accept": "text/html"}).mimetype == "text/html"
