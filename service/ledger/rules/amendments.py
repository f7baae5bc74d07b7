"""How a posted record is corrected, that it is never deleted, and that it stays (CS-30, CS-31, CS-34).

Law: records are complete, accurate and kept (21 CFR 1304.04(a), 1304.21(a); 45 CFR 164.312(c)); that a change leaves what was there before
readable, and says who changed it and why, is measured by 21 CFR 11.10(e). So an amendment names the version that it replaces, and a
Provenance in the same commit names its target, the version before (entity, role revision) and the reason. Both versions stay readable.
Policy: that the Provenance is signed as a modification (`cs-30-signature`, a warning unless the clinic sets otherwise).

A record is posted once it says that something happened: a draw or receipt completed, an administration completed or stopped, an
observation of the ledger final, amended or corrected, an inventory current. Finishing what was in progress is no amendment. What a vial or
a syringe is (substance, strength, amount, lot, serial) is posted with the first record that refers to it; opening it or setting it aside
is no amendment.

CS-33 is the ledger's own: identifiers are unique. CS-34 needs no rule: there is no operation, setting or job that purges a version, and
rows of versions, audit trail and ledger are only ever added. Nothing is kept for less than the law's two years, since nothing is let go.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from service.errors import Issue
from service.ledger import reading
from service.ledger.rules import findings
from service.ledger.scene import (
    ADMINISTRATION,
    CONTROLLED,
    DRAW,
    INVENTORY,
    LEDGER_ENTRY,
    RECEIPT,
    SEGMENT,
    SYRINGE,
    VIAL,
    Scene,
    Tree,
    Written,
)

SIGNATURE_TYPES = "urn:iso-astm:E1762-95:2013"
SIGNED_AS = ("1.2.840.10065.1.12.1.16", "1.2.840.10065.1.12.1.17")
"""Modification signature, administrative (error or edit) signature: https://hl7.org/fhir/R4/valueset-signature-type.html."""
_POSTED: Mapping[str, frozenset[str]] = {
    RECEIPT: frozenset({"completed"}),
    DRAW: frozenset({"completed"}),
    ADMINISTRATION: frozenset({"completed", "stopped"}),
    SEGMENT: frozenset({"completed", "stopped"}),
    LEDGER_ENTRY: frozenset({"final", "amended", "corrected"}),
    INVENTORY: frozenset({"current", "retired"}),
}
_NAMES: Mapping[str, str] = {
    VIAL: "a vial",
    SYRINGE: "a prepared syringe",
    RECEIPT: "a receipt",
    DRAW: "a draw",
    ADMINISTRATION: "a whole administration",
    SEGMENT: "a part of an administration",
    LEDGER_ENTRY: "an entry of the ledger",
    INVENTORY: "an inventory",
}
_DISCREPANCY = "cs-discrepancy"
_TAKEN_BACK = frozenset({"entered-in-error", "cancelled", "declined", "not-done", "unknown"})
_FACTS = ("identifier", "code", "form", "amount", "ingredient", "batch")
"""What a vial or a syringe is."""
_USES: Mapping[str, Sequence[str]] = {
    VIAL: ("SupplyDelivery", "MedicationDispense", "Observation"),
    SYRINGE: ("MedicationAdministration",),
}
"""The types whose resources post a vial or a syringe."""


def amended(scene: Scene, written: Written) -> Iterator[Issue]:
    """Law (21 CFR 1304.21(a); 45 CFR 164.312(c); 21 CFR 11.10(e) as the measure): see above. The signature is policy."""
    if written.after is None or written.before is None or not _amends(scene, written, written.before, written.after):
        return
    if not written.if_match:
        says = f"{written.reference} is posted. Read it, and send If-Match with the version that you read."
        yield findings.law(written, "cs-30", says, None, "conflict")
    told = [one.after for one in scene.writes if one.type == "Provenance" and one.after and written.reference in _targets(one.after)]
    if not told:
        yield findings.law(written, "cs-30", f"{written.reference} is posted, and its amendment is explained. {_MEND}")
        return
    yield from _explained(written, told)
    if not any(_is_signed(one) for one in told):
        yield from _unsigned(scene, written)


_MEND = (
    "Send a Provenance with it, in the same transaction or as X-Provenance: target, entity of role revision with the version before, "
    "reason, and a signature of the type modification."
)


def _amends(scene: Scene, written: Written, before: Tree, after: Tree) -> bool:
    if written.role in _POSTED:
        return _was_posted(written.role, before, after) and _content(before) != _content(after)
    if written.role not in _USES or all(before.get(name) == after.get(name) for name in _FACTS):
        return False
    return any(scene.pointing(type, written.reference) for type in _USES[written.role])


def _was_posted(role: str, before: Tree, after: Tree) -> bool:
    """Whether it stands as posted, or was taken back and is to stand again: that is an amendment as well."""
    posted, status = _POSTED[role], before.get("status")
    return status in posted or (status in _TAKEN_BACK and after.get("status") in posted)


def _content(tree: Tree) -> dict[str, Any]:
    """What a resource says, apart from what the service itself keeps about it."""
    return {name: value for name, value in tree.items() if name != "meta"}


def _targets(provenance: Tree) -> list[str | None]:
    return [reading.target(one) for one in provenance.get("target", ())]


def _explained(written: Written, told: Sequence[Tree]) -> Iterator[Issue]:
    """One Provenance must have everything: what it followed and why."""
    lacks = min((_lacking(written, one) for one in told), key=len)
    if lacks:
        yield findings.law(written, "cs-30", f"The Provenance of the amendment of {written.reference} lacks {' and '.join(lacks)}.")


def _lacking(written: Written, provenance: Tree) -> list[str]:
    revised = [one for one in provenance.get("entity", ()) if one.get("role") == "revision"]
    lacks = []
    if not any(_is_before(written, one.get("what")) for one in revised):
        lacks.append(f"an entity of role revision that is {written.reference}/_history/{written.version - 1}")
    if not any(_says_something(one) for one in provenance.get("reason", ())):
        lacks.append("a reason")
    return lacks


def _is_before(written: Written, what: object) -> bool:
    """Whether it is the version that is replaced, or the resource without a version."""
    if reading.target(what) != written.reference or not isinstance(what, Mapping):
        return False
    _, versioned, version = str(what["reference"]).partition("/_history/")
    return not versioned or version == str(written.version - 1)


def _says_something(concept: Tree) -> bool:
    return bool(str(concept.get("text", "")).strip()) or any(code for _, code in reading.codings(concept))


def _is_signed(provenance: Tree) -> bool:
    types = [kind for one in provenance.get("signature", ()) for kind in one.get("type", ())]
    return any(kind.get("system") == SIGNATURE_TYPES and kind.get("code") in SIGNED_AS for kind in types)


def _unsigned(scene: Scene, written: Written) -> Iterator[Issue]:
    says = f"The amendment of {written.reference} is not signed. Sign its Provenance as a modification."
    yield from findings.policy(scene.policy(_vial(scene, written), scene.now), written, "cs-30", says, part="signature")


def _vial(scene: Scene, written: Written) -> str:
    tree = written.after or written.before or {}
    if written.type == "Medication":
        return scene.vial_of(written.reference) or ""
    medication = reading.medication(tree) if written.role in _POSTED and written.role != INVENTORY else None
    return scene.vial_of(medication) or "" if medication else ""


def withdrawn(scene: Scene, written: Written) -> Iterator[Issue]:
    """Law (21 CFR 1304.04(a), records are kept): what is marked as entered in error says why, also where it was never posted."""
    after, before = written.after, written.before
    if (
        written.role not in _POSTED
        or not after
        or not before
        or after.get("status") != "entered-in-error"
        or before.get("status") == after["status"]
    ):
        return
    reasons = [*after.get("statusReason", ()), after.get("statusReasonCodeableConcept", {})]
    told = any(_says_something(one) for one in reasons) or any(str(one.get("text", "")).strip() for one in after.get("note", ()))
    told = told or any(
        _says_something(reason) for one in scene.writes if _is_about(one, written) for reason in (one.after or {}).get("reason", ())
    )
    if not told:
        says = f"{written.reference} becomes entered-in-error without a reason. Say why: in a status reason, a note or a Provenance."
        yield findings.law(written, "cs-31", says, f"{written.type}.status")


def _is_about(one: Written, written: Written) -> bool:
    return one.type == "Provenance" and one.after is not None and written.reference in _targets(one.after)


def deletion(written: Written) -> Issue:
    """Why a record of a controlled substance is not deleted: the answer to DELETE, with 405 (CS-31)."""
    says = (
        f"{written.reference} is a record of a controlled substance and is not deleted. "
        "Mark it entered-in-error with a reason: the ledger moves its amount back, and both versions stay readable."
    )
    return findings.law(written, "cs-31", says, None, "not-supported")


BESIDE = frozenset({"DetectedIssue", "Provenance", "Task"})
"""The types of what explains records: discrepancies, signatures and reasons, and what is still to be done."""


def is_beside(scene: Scene, written: Written) -> bool:
    """Whether it was a discrepancy, a Task about one or about a record, or the Provenance of a record."""
    tree = written.before or {}
    if written.type == "DetectedIssue":
        return reading.local_code(tree.get("code")) == _DISCREPANCY
    named = _targets(tree) if written.type == "Provenance" else [reading.target(tree.get("focus"))] if written.type == "Task" else []
    found = (scene.prior(one) for one in named if one)
    return any(tree is not None and _is_told_of(scene, tree) for tree in found)


def _is_told_of(scene: Scene, tree: Tree) -> bool:
    is_discrepancy = tree["resourceType"] == "DetectedIssue" and reading.local_code(tree.get("code")) == _DISCREPANCY
    return is_discrepancy or scene.role(tree) in CONTROLLED


def deletion_beside(written: Written) -> Issue:
    """Why what explains a record is not deleted: 405 (CS-31)."""
    says = (
        f"{written.reference} explains a record of a controlled substance and is not deleted. "
        "Settle a discrepancy with a mitigation, a Task with its status; what was signed stays."
    )
    return findings.law(written, "cs-31", says, None, "not-supported")


def steady(scene: Scene, written: Written) -> Iterator[Issue]:
    """Law (21 CFR 1304.21(a)): a record stays what it is. A vial becomes no syringe, a whole no part of another.

    Its lines follow from what it is: they would be lost, or counted twice.
    """
    if written.before is None or written.after is None or written.role not in CONTROLLED:
        return
    now = scene.role(written.after)
    if now != written.role:
        becomes = f"become {_NAMES[now]}" if now in _NAMES else "stop being one"
        says = f"{written.reference} is {_NAMES[written.role]} and cannot {becomes}. Mark it entered-in-error, and record what it was anew."
        yield findings.law(written, "cs-30", says)


def kept(scene: Scene, written: Written) -> Iterator[Issue]:
    """Law (21 CFR 1304.04(a)): no record of a controlled substance is deleted, whoever asks, and however."""
    del scene
    if written.after is None and written.role in CONTROLLED:
        yield deletion(written)


RULES: tuple[Callable[[Scene, Written], Iterable[Issue]], ...] = (amended, withdrawn, steady, kept)
