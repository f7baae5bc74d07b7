"""What rules ask of every write: whether something happened, when, who took part, and whether an amendment changes what is judged."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from service.fhir import temporal
from service.ledger import reading
from service.ledger.policy import Policy
from service.ledger.scene import Scene, Tree, Written

MINUTE = 60 * temporal.SECOND
HOUR = 60 * MINUTE

_HAPPENED: Mapping[str, frozenset[str]] = {
    "SupplyDelivery": frozenset({"completed"}),
    "MedicationDispense": frozenset({"in-progress", "on-hold", "completed", "stopped"}),
    "MedicationAdministration": frozenset({"in-progress", "on-hold", "completed", "stopped"}),
    "Observation": frozenset({"preliminary", "final", "amended", "corrected"}),
    "List": frozenset({"current", "retired"}),
}
"""The statuses by which a record says that something happened, or has begun."""
_DONE = frozenset({"completed", "stopped", "final", "amended", "corrected"})

YES, NO, UNSURE = "yes", "no", "unsure"


def act(written: Written, *roles: str) -> Tree | None:
    """The content of a write with one of the roles that says that something happened; None of any other."""
    tree = written.after
    return tree if tree is not None and written.role in roles and _says_so(tree) else None


def is_done(tree: Tree) -> bool:
    """Whether the record says that it is over."""
    return tree.get("status") in _DONE


def is_fresh(written: Written, *elements: str) -> bool:
    """Whether the write tells of something new, or changes one of the elements of what was told."""
    before, after = written.before, written.after
    if before is None or after is None or not _says_so(before):
        return True
    return any(before.get(name) != after.get(name) for name in elements)


def _says_so(tree: Tree) -> bool:
    return tree.get("status") in _HAPPENED.get(tree["resourceType"], ())


def span(scene: Scene, tree: Tree) -> tuple[int, int]:
    """From when to when it happened, in microseconds; the instant of the commit where nothing says so."""
    return reading.happened(tree, scene.zone) or (scene.now, scene.now)


def policies(scene: Scene, tree: Tree) -> Policy:
    """The policies for the vial of an act, as they were when it happened."""
    named = reading.medication(tree) if tree["resourceType"] != "List" else None
    vial = scene.vial_of(named) if named else None
    return scene.policy(vial or "", span(scene, tree)[1])


@dataclass(frozen=True, slots=True)
class Taker:
    """Who took part: as the record names him or her (`Type/id`), the practitioner behind it, and the element that says so."""

    named: str
    person: str
    expression: str


def takers(scene: Scene, tree: Tree, function: str) -> list[Taker]:
    """Who took part with a function, PERFORMER or WITNESS of `service.ledger.reading`, in the order of the record."""
    return [Taker(named, practitioner(scene, named), expression) for named, expression in _named(tree, function)]


def _named(tree: Tree, function: str) -> Iterator[tuple[str, str]]:
    kind = tree["resourceType"]
    if kind == "SupplyDelivery":
        for place, one in enumerate(tree.get("receiver", ())):
            found = reading.target(one)
            if found and (place == 0) == (function == reading.PERFORMER):
                yield found, f"{kind}.receiver[{place}]"
    elif kind == "List":
        yield from ((found, "List.source") for found in reading.actors(tree, function))
    else:
        for place, one in enumerate(tree.get("performer", ())):
            for found in reading.actors({"resourceType": kind, "performer": [one]}, function):
                yield found, f"{kind}.performer[{place}]"


def practitioner(scene: Scene, named: str) -> str:
    """The practitioner that a PractitionerRole stands for; anything else is itself."""
    if not named.startswith("PractitionerRole/"):
        return named
    role = scene.get(named)
    return (reading.target(role.get("practitioner")) if role else None) or named


def held(scene: Scene, reference: str, element: str, values: frozenset[object], instant: int) -> str:
    """Whether an element of a resource had one of `values` at an instant: YES, NO, or UNSURE where its version is newer than that.

    The record is asked as it is and, for what this commit writes, as it was: not for older versions. So what has had the value since before
    the instant had it then, and what got it in this commit did not.
    """
    tree, before = scene.get(reference), scene.prior(reference)
    if tree is None or tree.get(element) not in values:
        return NO
    if before is not None and before.get(element) not in values:
        return NO
    since = version_since(scene, reference)
    return YES if since is not None and since <= instant else UNSURE


def version_since(scene: Scene, reference: str) -> int | None:
    """When the version was written that the record held before this commit, in microseconds; None when there was none."""
    since = (scene.prior(reference) or {}).get("meta", {}).get("lastUpdated")
    return temporal.interval(since, scene.zone).lo if isinstance(since, str) else None
