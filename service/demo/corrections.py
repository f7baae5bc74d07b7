"""Visits that are not finished at once: one that nobody witnessed the waste of, and one whose waste was corrected first.

The nurse had typed one milligram too little for the waste. The mended record is a new version with a Provenance that names the version
before it, the reason and who signs; both versions stay readable (https://hl7.org/fhir/R4/provenance-definitions.html#Provenance.entity.role).
"""

from collections.abc import Iterator
from typing import Any

from fhir.resources.R4B.provenance import Provenance

from service.demo import codes, premises, visit
from service.demo.elements import concept, quantity, tree
from service.demo.transaction import Transaction
from service.demo.visit import Visit

Tree = dict[str, Any]

_WASTE = "waste-ketamine"
_MISTYPED_MG = 1
"""As many millilitres: the syringe holds one milligram in each."""
_SIGNED_AT = 100
_ENDS = ("length", "hospitalization")


def corrected(of: Visit) -> Iterator[Tree]:
    """The visit with the mistyped waste and still open, then the correction that finishes it."""
    waste, encounter = _entry(of, "Observation", _WASTE), _entry(of, "Encounter", "encounter")
    id = f"waste-{of.number.lower()}"
    yield _instead(of, _mistyped(waste, id), _open(encounter))
    yield _correction(of, id, waste, encounter)


def unfinished(of: Visit) -> Tree:
    """The visit as it stands while something keeps it from being finished."""
    return _instead(of, _open(_entry(of, "Encounter", "encounter")))


def _instead(of: Visit, *entries: Tree) -> Tree:
    """The Bundle of the visit with other entries in the place of its own."""
    by_url = {entry["fullUrl"]: entry for entry in entries}
    whole = of.transaction.tree()
    return whole | {"entry": [by_url.get(entry["fullUrl"], entry) for entry in whole["entry"]]}


def _entry(of: Visit, type: str, key: str) -> Tree:
    url = of.transaction.reference(type, key).reference
    return next(entry for entry in of.transaction.entries if entry["fullUrl"] == url)


def _mistyped(entry: Tree, id: str) -> Tree:
    """The waste as it was first written: under an id of the client's, so that the correction can name its version."""
    resource = entry["resource"]
    volume, *rest = resource["component"]
    less = tree(quantity(resource["valueQuantity"]["value"] - _MISTYPED_MG, "mg"))
    thinner = volume | {"valueQuantity": tree(quantity(volume["valueQuantity"]["value"] - _MISTYPED_MG, "mL"))}
    return _put(entry, f"Observation/{id}", {"id": id, "valueQuantity": less, "component": [thinner, *rest]})


def _open(entry: Tree) -> Tree:
    """The visit before it was finished."""
    left = {name: inner for name, inner in entry["resource"].items() if name not in _ENDS}
    return entry | {"resource": left | visit.unfinished(left)}


def _correction(of: Visit, id: str, waste: Tree, encounter: Tree) -> Tree:
    mending = Transaction(f"{of.transaction.name}/correction")
    number = encounter["resource"]["identifier"][0]
    note = [
        {"time": of.at(_SIGNED_AT), "text": f"Corrected: the label of the container says {waste['resource']['valueQuantity']['value']} mg"}
    ]
    mended = _put(waste, f"Observation/{id}", {"id": id, "status": "amended", "note": note})
    mended["request"]["ifMatch"] = 'W/"1"'
    mending.entries += [mended, _put(encounter, f"Encounter?identifier={number['system']}|{number['value']}", {})]
    _add_reason(of, mending, mended["fullUrl"], id)
    names = {entry["fullUrl"]: _name(entry["resource"]) for entry in of.transaction.entries}
    inside = {entry["fullUrl"] for entry in mending.entries}
    bundle: Tree = _renamed(mending.tree(), {url: name for url, name in names.items() if url not in inside})
    return bundle


def _add_reason(of: Visit, mending: Transaction, target: str, id: str) -> None:
    when = of.at(_SIGNED_AT)
    mending.add(
        "reason",
        Provenance,
        target=[{"reference": target, "type": "Observation"}],
        occurredDateTime=when,
        recorded=when,
        reason=[concept(text="Typing error, found when the container was weighed")],
        activity=concept(codes.hl7("v3-DataOperation", "UPDATE")),
        agent=[
            {"type": concept(codes.hl7("provenance-participant-type", role)), "who": who, "onBehalfOf": premises.clinic()}
            for role, who in (("author", of.nurse), ("verifier", of.witness))
        ],
        entity=[{"role": "revision", "what": {"reference": f"Observation/{id}/_history/1", "type": "Observation"}}],
        signature=[
            {
                "type": [{"system": codes.SIGNATURE_TYPE, "code": code, "display": display}],
                "when": when,
                "who": who,
                "sigFormat": "application/jose",
                "data": "ZXhhbXBsZS1zaWduYXR1cmU=",
            }
            for code, display, who in (
                ("1.2.840.10065.1.12.1.16", "Modification Signature", of.nurse),
                ("1.2.840.10065.1.12.1.9", "Event Witness Signature", of.witness),
            )
        ],
    )


def _put(entry: Tree, url: str, changed: Tree) -> Tree:
    return {"fullUrl": entry["fullUrl"], "resource": entry["resource"] | changed, "request": {"method": "PUT", "url": url}}


def _name(resource: Tree) -> str:
    """The conditional reference to what an earlier Bundle brought."""
    listed = resource.get("identifier")
    first: Tree = listed[0] if isinstance(listed, list) else {}
    return f"{resource['resourceType']}?identifier={first.get('system')}|{first.get('value')}"


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            name: names.get(inner, inner) if name == "reference" and isinstance(inner, str) else _renamed(inner, names)
            for name, inner in value.items()
        }
    return [_renamed(one, names) for one in value] if isinstance(value, list) else value
