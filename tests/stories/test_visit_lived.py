"""The same visit lived through: written down as it happens, each change on the version that was read."""

from collections.abc import Iterator
from typing import Any

from service.fhir.document import Document, encode
from service.fhir.rewrite import replaced, spliced
from tests.stories.client import Client
from tests.stories.visit import address, conditions, entries, tokens

_TIMES = (
    "effectiveDateTime",
    "performedDateTime",
    "authoredOn",
    "authored",
    "dateTime",
    "whenPrepared",
    "sent",
    "identifiedDateTime",
    "recordedDate",
    "recorded",
)
_PLANNED = ("resourceType", "identifier", "class", "type", "serviceType", "subject", "episodeOfCare", "reasonReference", "serviceProvider")


def test_ends_in_the_same_record(charting: Client, year: int) -> None:
    """Planned, arrived, in progress, segments, vitals, two adverse events, finished: the record is that of the transaction."""
    places: dict[str, str] = {}
    versions: dict[str, str] = {}
    known = conditions(year)
    for _, url, stage in sorted(_stages(year), key=lambda one: one[0]):
        body = _linked(stage, places)
        if url not in places:
            condition = {"If_None_Exist": known[url]} if url in known else {}
            answer = charting.send("POST", stage.tree["resourceType"], body.text.encode(), **condition)
            assert answer.status == 201 or (condition and answer.status == 200), answer.tree
            places[url] = address(answer.headers["Location"])
        else:
            answer = charting.send("PUT", places[url], _with_id(body, places[url]), If_Match=versions[url])
            assert answer.status == 200, answer.tree
        versions[url] = answer.headers["ETag"]
    for url, resource in entries(year):
        stored = charting.get(places[url]).document
        assert stored is not None
        assert tokens(stored, {}) == tokens(resource, places), url
    encounter = next(place for place in places.values() if place.startswith("Encounter/"))
    past = charting.get(f"{encounter}/_history").resources()
    assert [one["status"] for one in past] == ["finished", "in-progress", "arrived", "planned"]


def test_a_stale_version_is_refused(charting: Client) -> None:
    """Who changes what somebody else changed meanwhile gets 412 and loses nothing."""
    patient = charting.send("POST", "Patient", {"resourceType": "Patient", "gender": "female"})
    place, first = address(patient.headers["Location"]), patient.headers["ETag"]
    body = {**patient.tree, "gender": "other"}
    assert charting.send("PUT", place, body, If_Match=first).status == 200
    assert charting.send("PUT", place, {**body, "gender": "unknown"}, If_Match=first).status == 412
    assert charting.get(place).tree["gender"] == "other"


def _stages(year: int) -> Iterator[tuple[tuple[str, int], str, Document]]:
    """Every state in which a resource of the visit is written down: ((when, order), fullUrl, resource)."""
    for order, (url, resource) in enumerate(entries(year)):
        tree = resource.tree
        before = list(_before(tree))
        for time, earlier in before:
            yield (time, order), url, spliced(resource, earlier)
        yield (_end(tree) if before else _when(tree), order), url, resource


def _before(tree: Any) -> Iterator[tuple[str, Any]]:
    """The states of a resource before its last, with their instants."""
    kind = tree["resourceType"]
    if kind == "Encounter":
        plan = {name: tree[name] for name in _PLANNED} | {"status": "planned"}
        arrived, _, under_way = (one["period"]["start"] for one in tree["statusHistory"])
        yield "", plan
        yield arrived, plan | {"status": "arrived", "period": {"start": arrived}}
        yield under_way, plan | {"status": "in-progress", "period": {"start": arrived}}
    elif kind == "MedicationAdministration":
        start = tree["effectivePeriod"]["start"]
        running = {name: value for name, value in tree.items() if name not in ("note", "dosage")}
        yield start, running | {"status": "in-progress", "effectivePeriod": {"start": start}}
    elif kind == "AdverseEvent":
        yield tree["detected"], _known_at_once(tree)
    elif kind == "DetectedIssue":
        yield tree["identifiedDateTime"], {**{name: value for name, value in tree.items() if name != "mitigation"}, "status": "preliminary"}
    elif kind == "Flag":
        yield tree["period"]["start"], {**tree, "status": "active", "period": {"start": tree["period"]["start"]}}
    elif kind == "MedicationRequest":
        yield tree["authoredOn"], {**tree, "status": "active"}


def _known_at_once(tree: Any) -> Any:
    """An adverse event as the nurse writes it down while it goes on."""
    known = {name: value for name, value in tree.items() if name not in ("extension", "outcome", "suspectEntity", "recordedDate")}
    code = {**tree["outcome"]["coding"][0], "code": "ongoing", "display": "Ongoing"}
    return known | {"outcome": {"coding": [code]}, "recordedDate": tree["detected"]}


def _when(tree: Any) -> str:
    if tree["resourceType"] in ("RelatedPerson", "EpisodeOfCare", "Condition", "Medication", "Patient"):
        return ""
    return next((tree[name] for name in _TIMES if name in tree), "")


def _end(tree: Any) -> str:
    """When the last state is reached."""
    if tree["resourceType"] == "MedicationRequest":
        return f"{tree['authoredOn'][:10]}T10:47:00-08:00"
    if tree["resourceType"] == "AdverseEvent":
        return str(tree["extension"][0]["valueDateTime"])
    if tree["resourceType"] == "DetectedIssue":
        return str(tree["mitigation"][0]["date"])
    return str((tree.get("period") or tree["effectivePeriod"])["end"])


def _linked(resource: Document, places: dict[str, str]) -> Document:
    """The resource with the addresses of what is there already."""
    return replaced(resource, {path: places[text] for path, text in _strings(resource.tree, ()) if text in places})


def _strings(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _strings(inner, (*path, key))


def _with_id(resource: Document, place: str) -> bytes:
    members = {name: one.text for name, one in resource.members().items()}
    ordered = {"resourceType": members.pop("resourceType"), "id": encode(place.split("/")[1]), **members}
    return ("{" + ",".join(f"{encode(name)}:{text}" for name, text in ordered.items()) + "}").encode()
