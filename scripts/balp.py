"""Writes `fhir_profiles/balp/1.1.ndjson`: the audit profiles of IHE's Basic Audit Log Patterns (BALP) 1.1.4 that the service claims.

    python -m scripts.balp [--output FILE]

No package registry that this project uses carries BALP. The rules below were read in the definitions that IHE publishes at
https://profiles.ihe.net/ITI/BALP and are written down here as facts: paths, cardinalities, slices, patterns, bindings, one invariant.
The ten profiles of interactions follow one pattern, so they are made from one description. The output is deterministic.
"""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scripts.packages import TABLES
from scripts.trimming import write_table

Tree = dict[str, Any]

BASE = "https://profiles.ihe.net/ITI/BALP/"
VERSION = "1.1.4"
OUTPUT = TABLES / "balp" / "1.1.ndjson"
AUDIT_EVENT = "http://hl7.org/fhir/StructureDefinition/AuditEvent"
PATIENT = "http://hl7.org/fhir/StructureDefinition/Patient"
DICOM = "http://dicom.nema.org/resources/ontology/DCM"
SNOMED = "http://snomed.info/sct"
INTERACTION = "http://hl7.org/fhir/restful-interaction"
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
CUSTODIAN = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
ENTITY_TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
OBJECT_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
SOURCE, DESTINATION = (DICOM, "110153"), (DICOM, "110152")
RECIPIENT = {"patternCodeableConcept": {"coding": [{"system": PARTICIPATION, "code": "IRCP"}]}}
INTERACTIONS: Mapping[str, Tree] = {
    "Create": {"action": "C", "subtype": {"anyCreate": "create"}, "client": SOURCE, "server": DESTINATION},
    "Read": {"action": "R", "subtype": {"anyRead": "AllReadVS"}, "client": DESTINATION, "server": SOURCE},
    "Update": {"action": "U", "subtype": {"anyUpdate": "AllUpdateVS"}, "client": SOURCE, "server": DESTINATION},
    "Delete": {"action": "D", "subtype": {"anyDelete": "delete"}, "client": (DICOM, "110150"), "server": (CUSTODIAN, "custodian")},
    "Query": {"action": "E", "subtype": {"anySearch": "AllSearchVS"}, "client": SOURCE, "server": DESTINATION},
}
"""Per interaction: the action, the slice of the subtype with its code or value set, and which agent is the source of the data."""


def element(path: str, **rules: Any) -> Tree:
    """One element of a differential by its id; the path and the slice's name follow from it."""
    whole = f"AuditEvent.{path}" if path else "AuditEvent"
    last = whole.rsplit(".", 1)[-1]
    named = {"sliceName": last.split(":")[1]} if ":" in last else {}
    return {"id": whole, "path": ".".join(part.split(":")[0] for part in whole.split("."))} | named | rules


def sliced(path: str, discriminator: str = "type", **rules: Any) -> Tree:
    """An element that is sliced by value, openly."""
    return element(path, slicing={"discriminator": [{"type": "value", "path": discriminator}], "rules": "open"}, **rules)


def coding(system: str, code: str) -> Tree:
    """The pattern of a Coding."""
    return {"patternCoding": {"system": system, "code": code}}


def concept(system: str, code: str) -> Tree:
    """The pattern of a CodeableConcept."""
    return {"patternCodeableConcept": {"coding": [{"system": system, "code": code}]}}


def bound(value_set: str) -> Tree:
    """A required binding to one of BALP's value sets."""
    return {"binding": {"strength": "required", "valueSet": f"{BASE}ValueSet/{value_set}"}}


def agent(name: str, kind: tuple[str, str]) -> list[Tree]:
    """A machine that takes part: known, and reached over a network."""
    where = f"agent:{name}"
    return [
        element(where, min=1, max="1"),
        element(f"{where}.type", min=1, **concept(*kind)),
        element(f"{where}.who", min=1),
        element(f"{where}.media", max="0"),
        element(f"{where}.network", min=1),
    ]


def user(kind: Tree) -> list[Tree]:
    """The person on whose behalf it happened, where there is one."""
    return [
        element("agent:user", min=0, max="1"),
        element("agent:user.type", min=1, **kind),
        element("agent:user.role", mustSupport=True),
        element("agent:user.who", min=1),
        element("agent:user.name", mustSupport=True),
        element("agent:user.requestor", patternBoolean=True),
        element("agent:user.media", max="0"),
        element("agent:user.network", max="0"),
        element("agent:user.purposeOfUse", mustSupport=True),
    ]


def data(role_minimum: int) -> list[Tree]:
    """The resource that the interaction was about."""
    minimum = {"min": role_minimum} if role_minimum else {}
    return [
        element("entity:data", min=1, max="1"),
        element("entity:data.what", min=1),
        element("entity:data.type", min=1, **coding(ENTITY_TYPE, "2")),
        element("entity:data.role", **minimum, **bound("RestObjectRoles")),
    ]


def query() -> list[Tree]:
    """The search that was asked."""
    return [
        element("entity:query", min=1, max="1"),
        element("entity:query.what", max="0"),
        element("entity:query.type", min=1, **coding(ENTITY_TYPE, "2")),
        element("entity:query.role", min=1, **coding(OBJECT_ROLE, "24")),
        element("entity:query.lifecycle", max="0"),
        element("entity:query.query", min=1),
        element("entity:query.detail", max="0"),
    ]


def transaction() -> list[Tree]:
    """The X-Request-Id."""
    return [
        element("entity:transaction", min=0, max="1"),
        element("entity:transaction.what.identifier.value", min=1),
        element("entity:transaction.type", min=1, **coding(f"{BASE}CodeSystem/BasicAuditEntityType", "XrequestId")),
    ]


def patient() -> list[Tree]:
    """The patient whom it concerns."""
    return [
        element("entity:patient", min=1, max="1"),
        element("entity:patient.what", min=1, type=[{"code": "Reference", "targetProfile": [PATIENT]}]),
        element("entity:patient.type", min=1, **coding(ENTITY_TYPE, "1")),
        element("entity:patient.role", min=1, **coding(OBJECT_ROLE, "1")),
    ]


def interaction(name: str) -> list[Tree]:
    """The differential of one RESTful interaction that succeeded."""
    facts = INTERACTIONS[name]
    [(slice_name, code)] = facts["subtype"].items()
    return [
        element("type", **coding("http://terminology.hl7.org/CodeSystem/audit-event-type", "rest")),
        sliced("subtype", "$this", min=1),
        element(f"subtype:{slice_name}", min=1, max="1", **(bound(code) if code.endswith("VS") else coding(INTERACTION, code))),
        element("action", patternCode=facts["action"]),
        element("outcome", min=1, patternCode="0"),
        sliced("agent", min=2),
        *agent("client", facts["client"]),
        *agent("server", facts["server"]),
        *user(RECIPIENT if name in {"Read", "Query"} else bound("DataSources")),
        element("source", mustSupport=True),
        sliced("entity", min=1),
        *transaction(),
        *(query() if name == "Query" else data(0 if name == "Read" else 1)),
    ]


def token(*rules: Tree) -> list[Tree]:
    """What is recorded of an OAuth token: its user, and which token."""
    kind = concept(f"{BASE}CodeSystem/UserAgentTypes", "UserOauthAgent")
    return [
        sliced("agent"),
        element("agent:oUser", min=1, max="*"),
        element("agent:oUser.type", min=1, **kind),
        element("agent:oUser.requestor", patternBoolean=True),
        *rules,
    ]


def disclosure() -> list[Tree]:
    """A disclosure, recorded where the data came from."""
    same = {
        "key": "val-audit-source",
        "severity": "error",
        "human": "The one who recorded the event is this agent too.",
        "expression": "$this.who = %resource.source.observer",
    }
    optional = [
        rule
        for name, code in (("custodian", "159541003"), ("authorizer", "429577009"))
        for rule in (
            element(f"agent:{name}", min=0, max="1"),
            element(f"agent:{name}.type", min=1, **concept(SNOMED, code)),
            element(f"agent:{name}.who", min=1),
        )
    ]
    source, *rest = [one for one in agent("source", SOURCE) if not one["id"].endswith(".media")]
    return [
        element("modifierExtension", max="0"),
        element("type", **coding(DICOM, "110106")),
        sliced("subtype", "$this", min=1),
        element("subtype:disclosure", min=1, max="1", **coding("http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle", "disclose")),
        element("action", patternCode="R"),
        element("outcome", min=1),
        element("outcomeDesc", mustSupport=True),
        element("purposeOfEvent", mustSupport=True),
        sliced("agent", min=2),
        source | {"constraint": [same]},
        *rest,
        *(one for one in agent("recipient", DESTINATION) if not one["id"].endswith(".media")),
        *optional,
        sliced("entity", min=2),
        *patient(),
    ]


def profile(id: str, name: str, base: str, elements: list[Tree]) -> Tree:
    """A StructureDefinition on AuditEvent."""
    return definition("StructureDefinition", id, name) | {
        "fhirVersion": "4.0.1",
        "kind": "resource",
        "abstract": False,
        "type": "AuditEvent",
        "baseDefinition": base,
        "derivation": "constraint",
        "differential": {"element": [element(""), *elements]},
    }


def definition(type: str, id: str, name: str) -> Tree:
    """What every definition begins with."""
    return {"resourceType": type, "url": f"{BASE}{type}/{id}", "version": VERSION, "id": id, "name": name, "status": "active"}


def value_set(name: str, system: str, codes: Mapping[str, str | None]) -> Tree:
    """A value set of some codes of one system, with displays where BALP states them."""
    concepts = [{"code": code} | ({"display": display} if display else {}) for code, display in codes.items()]
    return definition("ValueSet", name, name) | {"compose": {"include": [{"system": system, "concept": concepts}]}}


def code_system(name: str, case_sensitive: bool, codes: Mapping[str, str]) -> Tree:
    """A code system of BALP."""
    concepts = [{"code": code, "display": display} for code, display in codes.items()]
    return definition("CodeSystem", name, name) | {"caseSensitive": case_sensitive, "content": "complete", "concept": concepts}


def terminology() -> Iterator[Tree]:
    """The codes that the profiles use."""
    yield value_set("AllReadVS", INTERACTION, {"read": None, "vread": None})
    yield value_set("AllUpdateVS", INTERACTION, {"update": None, "patch": None})
    yield value_set("AllSearchVS", INTERACTION, {"search": None, "search-type": None, "search-system": None})
    yield value_set("DataSources", PARTICIPATION, {"AUT": "author (originator)", "INF": "Informant", "CST": "Custodian"})
    yield value_set("RestObjectRoles", OBJECT_ROLE, {"4": "Domain Resource", "3": "Report", "20": "Job"})
    request_id = "transport specific unique identifier where http X-Request-Id is used"
    yield code_system("BasicAuditEntityType", True, {"XrequestId": request_id})
    kinds = {"UserSamlAgent": "User SAML Agent participant", "UserOauthAgent": "User OAuth Agent participant"}
    yield code_system("UserAgentTypes", False, kinds | {"AuthzOauthService": "OAuth Authorization Server"})


def definitions() -> Iterator[Tree]:
    """Every profile and the terminology of the profiles."""
    for name in INTERACTIONS:
        yield profile(f"IHE.BasicAudit.{name}", name, AUDIT_EVENT, interaction(name))
        base = f"{BASE}StructureDefinition/IHE.BasicAudit.{name}"
        yield profile(f"IHE.BasicAudit.Patient{name}", f"Patient{name}", base, [element("entity", min=2), *patient()])
    fragment = element("agent:oUser.policy", min=1, max="1", mustSupport=True)
    opaque = token(fragment, element("agent:oUser.purposeOfUse", mustSupport=True))
    yield profile("IHE.BasicAudit.OAUTHaccessTokenUse.Opaque", "OAUTHaccessTokenUseOpaque", AUDIT_EVENT, opaque)
    nothing = [element("agent:oUser.media", max="0"), element("agent:oUser.network", max="0")]
    minimal = token(element("agent:oUser.policy", min=1, max="1"), *nothing)
    yield profile("IHE.BasicAudit.OAUTHaccessTokenUse.Minimal", "OAUTHaccessTokenUseMinimal", AUDIT_EVENT, minimal)
    yield profile("IHE.BasicAudit.PrivacyDisclosure.Source", "AuditPrivacyDisclosureSource", AUDIT_EVENT, disclosure())
    yield from terminology()


def main() -> None:
    """Writes the table and prints how large it is."""
    parser = argparse.ArgumentParser(prog="python -m scripts.balp", description="Write the table of IHE's audit profiles.")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="the table (default: %(default)s)")
    target = parser.parse_args().output
    target.parent.mkdir(parents=True, exist_ok=True)
    path = write_table(target, definitions())
    print(f"{path.name}: {path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
