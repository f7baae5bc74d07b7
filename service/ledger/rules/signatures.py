"""The signature of a witness: by whom, and when (CS-11).

It is a signature of type 1.2.840.10065.1.12.1.9 (event witness, ASTM E1762) in a Provenance about the record, in the same commit or in a
later one. https://hl7.org/fhir/R4/datatypes.html#Signature
"""

from collections.abc import Iterator

from service.errors import Issue
from service.fhir import temporal
from service.ledger import reading
from service.ledger.policy import OFF, Policy
from service.ledger.reading import WITNESS
from service.ledger.rules import acts, findings
from service.ledger.scene import LEDGER_ENTRY, Scene, Tree, Written

WITNESS_SIGNATURE = "1.2.840.10065.1.12.1.9"
_KINDS = frozenset({"cs-waste", "cs-destroyed", "cs-broken", "cs-adjust"})
"""What two people answer for."""
_JUDGED = ("performer", "effectiveDateTime", "effectiveInstant", "effectivePeriod")


def signed(scene: Scene, written: Written) -> Iterator[Issue]:
    """CS-11, policy: the named witness of a waste, destruction, breakage or adjustment signs, after the event and within the time set.

    No signature yet is a warning: it may come in a later commit. One that comes too late needs a reason in the record (late-entry-reason).
    """
    if written.type == "Provenance" and written.after is not None:
        yield from _from_provenance(scene, written, written.after)
        return
    tree = acts.act(written, LEDGER_ENTRY)
    if tree is None or reading.local_code(tree.get("code")) not in _KINDS or not acts.is_fresh(written, *_JUDGED):
        return
    witnesses = acts.takers(scene, tree, WITNESS)
    found = acts.policies(scene, tree)
    if witnesses and found.action("cs-11") != OFF:
        yield from _from_entry(scene, written, found, witnesses[0].expression)


def _from_entry(scene: Scene, written: Written, found: Policy, where: str) -> Iterator[Issue]:
    """What signatures there are; those that come in this commit are judged with their own Provenance."""
    here = {one.reference for one in scene.writes if one.type == "Provenance"}
    has_signature = False
    for provenance in scene.pointing("Provenance", written.reference):
        for _, signature in _signatures(provenance):
            has_signature = True
            if f"Provenance/{provenance.get('id')}" not in here and written.after is not None:
                yield from _judged(scene, written, found, written.after, signature, where)
    if not has_signature:
        says = f"The witness of {written.reference} has not signed yet. It is due within {found.witness_minutes} minutes of the event."
        yield from findings.doubt(found, written, "cs-11", says, where)


def _from_provenance(scene: Scene, written: Written, provenance: Tree) -> Iterator[Issue]:
    signatures = list(_signatures(provenance))
    targets = reading.referred(provenance.get("target", ()), "Observation") if signatures else ()
    for target in targets:
        tree = scene.get(target)
        if tree is None or scene.role(tree) != LEDGER_ENTRY or reading.local_code(tree.get("code")) not in _KINDS:
            continue
        found = acts.policies(scene, tree)
        for place, signature in signatures:
            yield from _forged(scene, written, signature, f"Provenance.signature[{place}].who")
            yield from _judged(scene, written, found, tree, signature, f"Provenance.signature[{place}]")


def _forged(scene: Scene, written: Written, signature: Tree, where: str) -> Iterator[Issue]:
    """CS-13, law (45 CFR 164.312(d)): nobody signs for another person. A person signs, or signs in beside the one who writes.

    A system with `ledger.write` answers for the signatures that it took.
    """
    actor, who = scene.actor, reading.target(signature.get("who"))
    if actor.is_internal or actor.may_delegate:
        return
    signer = acts.practitioner(scene, who) if who else None
    if signer is None or signer not in {actor.user, *actor.beside}:
        says = f"{who or 'Somebody unnamed'} has not signed in for this. Have the witness send the signature, or sign in at the form."
        yield findings.law(written, "cs-13", says, where)


def _judged(scene: Scene, written: Written, found: Policy, tree: Tree, signature: Tree, where: str) -> Iterator[Issue]:
    named = [one.person for one in acts.takers(scene, tree, WITNESS)]
    who, when = reading.target(signature.get("who")), signature.get("when")
    if named and (who is None or acts.practitioner(scene, who) not in named):
        says = f"{who or 'Somebody unnamed'} signed as the witness, but the record names {', '.join(named)}. Have the witness sign."
        yield from findings.policy(found, written, "cs-11", says, where)
        return
    if not isinstance(when, str):
        return
    event, instant = acts.span(scene, tree)[1], temporal.interval(when, scene.zone).lo
    if instant < event:
        says = "The witness signed before it happened. Have the witness sign afterwards, or correct the time."
        yield from findings.policy(found, written, "cs-11", says, where)
    elif instant > event + found.witness_minutes * acts.MINUTE:
        yield from _late(written, found, tree, where)


def _late(written: Written, found: Policy, tree: Tree, where: str) -> Iterator[Issue]:
    says = f"The witness signed later than {found.witness_minutes} minutes after the event."
    if reading.extension(tree, reading.LATE_REASON) is not None:
        yield from findings.doubt(found, written, "cs-11", f"{says} The record says why.", where)
    else:
        yield from findings.policy(found, written, "cs-11", f"{says} Say why in the extension late-entry-reason of the record.", where)


def witnesses(provenance: Tree | None) -> bool:
    """Whether a Provenance holds the signature of a witness."""
    return provenance is not None and any(_signatures(provenance))


def _signatures(provenance: Tree) -> Iterator[tuple[int, Tree]]:
    """Each signature of a witness, with its place."""
    for place, one in enumerate(provenance.get("signature", ())):
        if any(coding.get("code") == WITNESS_SIGNATURE for coding in one.get("type", ())):
            yield place, one
