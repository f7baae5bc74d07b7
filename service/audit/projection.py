"""One entry of the audit trail -> the AuditEvents that readers see: one per patient, and of a query only its kind.

An entry may name many patients: a page of a search has all that were on it. Who may see the events of one of them must not learn of the
others, so each patient has an AuditEvent of its own (`{entry}-{place}`), in which the other patients do not occur. An entry that names one
patient or none is one AuditEvent, with the id of the entry.

What was searched for may tell more of patients than who searched (a name, a number). Without the right to it a reader sees the type
and the names of the parameters, `Patient?birthdate=***&name=***`.
https://profiles.ihe.net/ITI/BALP/, https://hl7.org/fhir/R4/auditevent.html
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterator, Mapping
from typing import Any
from urllib.parse import unquote_plus

Tree = dict[str, Any]

HIDDEN = "***"
"""Stands for a value that the reader may not see."""
_BALP = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
_PATIENT = re.compile(r"(?:^|/)Patient/(?P<id>[A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?$")
_CONDITION = "condition"
"""The detail of a conditional write: the search that it depended on."""
_SEGMENT = re.compile(r"_history|_search|metadata|audit|disclosures|\*|")


def projected(tree: Tree, id: str, patient: str | None) -> Tree:
    """The AuditEvent `id` of an entry: no patient but `patient` is in it. One version, of the instant that was recorded.

    It claims the profile of BALP for one patient, and none where the resource that it was about is itself another patient.
    """
    entities = [one for one in tree.get("entity", ()) if patient is None or _patient(one) in (None, patient)]
    is_whole = any(_is_resource(one) for one in entities) or not any(map(_is_resource, tree.get("entity", ())))
    claimed = [_of_patient(url, patient) for url in tree.get("meta", {}).get("profile", ())] if is_whole else []
    meta = {"versionId": "1", "lastUpdated": tree["recorded"], **({"profile": claimed} if claimed else {})}
    rest = {member: value for member, value in tree.items() if member not in ("resourceType", "id", "meta", "entity")}
    return {"resourceType": "AuditEvent", "id": id, "meta": meta, **rest, **({"entity": entities} if entities else {})}


def masked(tree: Tree, known: Collection[str]) -> Tree:
    """`tree` without the values that were searched for. `known`: names of types, parameters and modifiers."""
    entities = [_masked(one, known) for one in tree.get("entity", ())]
    return {**tree, "entity": entities} if entities else tree


def asked(entity: Mapping[str, Any]) -> str:
    """What an entity of a query asked for, as it came."""
    return b64decode(entity.get("query", "")).decode("utf-8", "replace")


def kind(text: str, known: Collection[str]) -> str:
    """A query without its values: `Patient/***?name=***`. Names that no search has are values too."""
    address, mark, query = text.partition("?")
    return f"{_places(address, known)}{mark}{'&'.join(_pairs(query, known))}"


def _of_patient(url: str, patient: str | None) -> str:
    """The profile for an event about one patient, in the place of the one for any event."""
    name = url.removeprefix(_BALP)
    return url if name == url or patient is None or name.startswith("Patient") else f"{_BALP}Patient{name}"


def _is_resource(entity: Tree) -> bool:
    return bool(entity.get("role", {}).get("code") == "4")


def _patient(entity: Tree) -> str | None:
    found = _PATIENT.search(entity.get("what", {}).get("reference", ""))
    return found["id"] if found else None


def _masked(entity: Tree, known: Collection[str]) -> Tree:
    changed = dict(entity)
    if "query" in entity:
        changed["query"] = b64encode(kind(asked(entity), known).encode()).decode()
        changed.pop("description", None)
    if "detail" in entity:
        changed["detail"] = [_detail(one, known) for one in entity["detail"]]
    return changed


def _detail(detail: Tree, known: Collection[str]) -> Tree:
    if detail.get("type") != _CONDITION:
        return detail
    return {**detail, "valueString": "&".join(_pairs(str(detail.get("valueString", "")), known))}


def _places(address: str, known: Collection[str]) -> str:
    """The way to what was asked for: types and operations stand, ids do not."""
    return "/".join(one if one in known or _SEGMENT.fullmatch(one) else HIDDEN for one in address.split("/"))


def _pairs(query: str, known: Collection[str]) -> Iterator[str]:
    for pair in query.split("&") if query else ():
        given, mark, _ = pair.partition("=")
        parts = re.split(r"[.:]", unquote_plus(given))
        yield f"{given if all(part in known for part in parts) else HIDDEN}{mark}{HIDDEN if mark else ''}"
