"""What belongs to the chart of a visit: more than R4's compartment of an Encounter, which forgets half of an infusion.

The chart is what says that it belongs to the visit (`encounter`, `context`, or a reference that no search parameter covers); the
alerts about it (DetectedIssue, by what is implicated or evidence); the patient's consents that covered it; what it refers to in
the patient's own record (the patient, the episode, the condition, the escort); and the Provenance of all of it.
https://hl7.org/fhir/R4/encounter-operation-everything.html
"""

from collections.abc import Sequence
from functools import lru_cache

from service.fhir.document import stored
from service.records import patient_record, visit_consent
from service.records.context import Context
from service.records.supporting import of_patients
from service.search import links
from service.search.links import Node
from service.search.parameter import Registry
from service.storage.database import Transaction
from service.storage.versions import Key

_KIND = "Encounter"
_ABOUT_VISITS = frozenset({"encounter", "context"})
_NOT_CHARTED = frozenset({"AuditEvent"})
"""Who looked at the chart is no part of it."""
_ABOUT_MANY = frozenset({"List", "Provenance"})
"""Types that may refer to much that has nothing to do with the visit."""


def core(ctx: Context, tx: Transaction, visit: Node) -> list[Node]:
    """The chart without the Encounter and without signatures, oldest first."""
    registry = ctx.service.registry
    charted = [visit, *links.pointing(tx, _visit_keys(registry), [visit.key])]
    charted = _distinct([*charted, *links.pointing(tx, _issue_keys(registry), [node.key for node in charted])])
    patients = links.cited(tx, [visit.res_id], [registry.definitions.type_number("Patient")])
    background = _background(ctx, tx, charted, patients)
    consents = [node for patient in patients for node in _consents(ctx, tx, visit, patient)]
    return [node for node in _distinct([*charted, *background, *consents]) if node != visit]


def signatures(ctx: Context, tx: Transaction, nodes: Sequence[Node]) -> list[Node]:
    """The Provenance of the chart; that of the patient's background belongs to other charts."""
    numbers = {ctx.service.definitions.type_number(name) for name in ("Patient", "RelatedPerson", "EpisodeOfCare")}
    return patient_record.signatures(ctx, tx, [node for node in nodes if node.type not in numbers])


def _background(ctx: Context, tx: Transaction, charted: Sequence[Node], patients: set[Key]) -> list[Node]:
    """What the chart refers to in the record of its own patients, and the patients."""
    registry = ctx.service.registry
    many = {registry.definitions.type_number(name) for name in _ABOUT_MANY}
    keys = links.cited(tx, [node.res_id for node in charted if node.type not in many], of_patients(registry))
    found = links.standing(tx, keys - {node.key for node in charted})
    own = {node.res_id for node in found if node.key in patients}
    for patient in patients:
        own |= links.among(tx, [node.res_id for node in found], patient_record.keys(registry), patient)
    return [node for node in found if node.res_id in own]


def _consents(ctx: Context, tx: Transaction, visit: Node, patient: Key) -> list[Node]:
    found = links.pointing(tx, ctx.service.registry.keys_of("Consent", "patient"), [patient])
    trees = {row.res_id: stored(row.body).tree for row in links.bodies(tx, [node.res_id for node in found])}
    covering = visit_consent.covering(trees, visit.lo, visit.hi, ctx.service.settings.zone)
    return [node for node in found if node.res_id in covering]


def _distinct(nodes: Sequence[Node]) -> list[Node]:
    return sorted({node.res_id: node for node in nodes}.values(), key=lambda node: node.res_id)


@lru_cache(maxsize=8)
def _visit_keys(registry: Registry) -> tuple[int, ...]:
    """The index parameters by which a resource says that it belongs to a visit."""
    found: set[int] = set()
    for name in registry.definitions.types:
        if name in _NOT_CHARTED:
            continue
        codes = {*registry.compartment(_KIND, name), *_ABOUT_VISITS}
        parameters = [one for code in sorted(codes) if (one := registry.parameter(name, code))]
        found.update(key for one in parameters if not one.targets or _KIND in one.targets for key in registry.keys_of(name, one.code))
        found.add(registry.other_key(name))
    return tuple(sorted(found))


@lru_cache(maxsize=8)
def _issue_keys(registry: Registry) -> tuple[int, ...]:
    """The index parameters by which a DetectedIssue names what it is about: `implicated`, and evidence, which has no parameter in R4."""
    named = (key for code in ("implicated", "evidence") for key in registry.keys_of("DetectedIssue", code))
    return tuple(sorted({registry.other_key("DetectedIssue"), *named}))
