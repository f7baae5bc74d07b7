"""Who may draw, give, waste and witness (CS-10, CS-12, CS-13). Who signs is in `signatures` (CS-11)."""

from collections.abc import Callable, Iterable, Iterator

from service.errors import Issue
from service.ledger import reading
from service.ledger.policy import OFF, Policy
from service.ledger.reading import PERFORMER, WITNESS
from service.ledger.rules import acts, credentials, findings, signatures
from service.ledger.rules.acts import Taker
from service.ledger.scene import ADMINISTRATION, DRAW, INVENTORY, LEDGER_ENTRY, RECEIPT, SEGMENT, Scene, Tree, Written

_ACTS = (RECEIPT, DRAW, ADMINISTRATION, SEGMENT, LEDGER_ENTRY, INVENTORY)
_NAMED = (DRAW, ADMINISTRATION, LEDGER_ENTRY)
_WHO = ("performer", "receiver", "source")
_WHEN = ("effectiveDateTime", "effectivePeriod", "effectiveInstant", "whenHandedOver", "whenPrepared", "occurrenceDateTime", "date")
_INACTIVE = frozenset({False})


def witnessed(scene: Scene, written: Written) -> Iterator[Issue]:
    """CS-10, policy; law for the destruction of inventory (21 CFR 1317.95(d)).

    A witness is a member of staff, another one than whoever did it, active and licensed at the time.
    """
    tree = acts.act(written, RECEIPT, DRAW, ADMINISTRATION, LEDGER_ENTRY)
    if tree is None or not acts.is_fresh(written, *_WHO, *_WHEN):
        return
    witnesses = acts.takers(scene, tree, WITNESS)
    if not witnesses:
        return
    found, doers = acts.policies(scene, tree), {one.person for one in acts.takers(scene, tree, PERFORMER)}
    for witness in witnesses:
        if witness.person in doers:
            says = f"{witness.named} did it and cannot witness it as well. Name another member of staff as the witness."
        elif not witness.person.startswith("Practitioner/"):
            says = (
                f"{witness.named} cannot witness this: a witness is one of the staff, never the patient or a relative. Name a Practitioner."
            )
        else:
            yield from _fitness(scene, written, witness, found)
            continue
        yield from _settled(tree, written, found, says, witness.expression)


def _settled(tree: Tree, written: Written, found: Policy, says: str, expression: str) -> Iterator[Issue]:
    if reading.local_code(tree.get("code")) == "cs-destroyed":
        yield findings.law(written, "cs-10", f"{says} Two employees take part in a destruction (21 CFR 1317.95(d)).", expression)
    else:
        yield from findings.policy(found, written, "cs-10", says, expression)


def _fitness(scene: Scene, written: Written, witness: Taker, found: Policy) -> Iterator[Issue]:
    """Whether the witness was active and licensed when it happened."""
    if found.action("cs-10") == OFF or written.after is None:
        return
    instant = acts.span(scene, written.after)[1]
    person = scene.get(witness.person)
    if person is None:
        says = f"The witness {witness.person} is not in this record. Record the Practitioner with the licence first."
        yield from findings.policy(found, written, "cs-10", says, witness.expression)
        return
    yield from _active(scene, written, witness, found, "cs-10")
    verdict = credentials.licence(scene, witness.person, person, found.roles, instant)
    yield from _licensed(written, witness, found, "cs-10", verdict)


def performed(scene: Scene, written: Written) -> Iterator[Issue]:
    """CS-12, policy: who did it has a permitted role, in force at the time. Law: the record names who did it (21 CFR 1304.22(c))."""
    tree = acts.act(written, *_ACTS)
    if tree is None or not acts.is_fresh(written, "status", *_WHO, *_WHEN):
        return
    doers = acts.takers(scene, tree, PERFORMER)
    if not doers and written.role in _NAMED and acts.is_done(tree):
        says = f"{written.reference} does not name who did it (21 CFR 1304.22(c)). Name the performer by a reference to a Practitioner."
        yield findings.law(written, "cs-12", says, f"{written.type}.performer")
    found = acts.policies(scene, tree)
    if found.action("cs-12") != OFF:
        for doer in doers:
            yield from _permitted(scene, written, doer, found)


def _permitted(scene: Scene, written: Written, doer: Taker, found: Policy) -> Iterator[Issue]:
    person = scene.get(doer.person) if doer.person.startswith("Practitioner/") else None
    if person is None or written.after is None:
        says = f"{doer.named} is no member of staff in this record. Name the Practitioner who did it; record him or her first."
        yield from findings.policy(found, written, "cs-12", says, doer.expression)
        return
    yield from _active(scene, written, doer, found, "cs-12")
    verdict = credentials.standing(scene, doer.person, person, found.roles, acts.span(scene, written.after)[0])
    yield from _licensed(written, doer, found, "cs-12", verdict)


def _active(scene: Scene, written: Written, who: Taker, found: Policy, rule: str) -> Iterator[Issue]:
    instant = acts.span(scene, written.after)[1] if written.after else scene.now
    state = acts.held(scene, who.person, "active", _INACTIVE, instant)
    if state == acts.YES:
        yield from findings.policy(
            found, written, rule, f"{who.person} was not active when this happened. Name who did it.", who.expression
        )
    elif state == acts.UNSURE:
        says = f"{who.person} is not active any more. Make sure that he or she still was when this happened."
        yield from findings.doubt(found, written, rule, says, who.expression)


def _licensed(written: Written, who: Taker, found: Policy, rule: str, verdict: str) -> Iterator[Issue]:
    wanted = f"one of {', '.join(sorted(found.roles))}" if rule == "cs-12" else "a licence"
    if verdict == credentials.UNDATED:
        says = (
            f"The licence of {who.person} has no period, so that nobody can tell whether it was in force. Give the qualification a period."
        )
        yield from findings.doubt(found, written, rule, says, who.expression)
    elif verdict == credentials.EXPIRED:
        says = f"The licence of {who.person} was not in force when this happened. Correct the qualification's period, or who did it."
        yield from findings.policy(found, written, rule, says, who.expression)
    elif verdict == credentials.NONE:
        says = f"The record does not say that {who.person} is {wanted}. Add the qualification to the Practitioner."
        yield from findings.policy(found, written, rule, says, who.expression)


def delegated(scene: Scene, written: Written) -> Iterator[Issue]:
    """CS-13, law (45 CFR 164.312(d)): who writes is who is said to have done it, or holds `ledger.write` and may write for others.

    An amendment that leaves the performer as it was claims nothing new of anybody; who makes it stands in its Provenance.
    """
    actor, tree = scene.actor, acts.act(written, *_ACTS)
    if tree is None or actor.is_internal or actor.may_delegate or not acts.is_fresh(written, *_WHO):
        return
    doers = acts.takers(scene, tree, PERFORMER)
    if actor.user is not None and actor.user in {one.person for one in doers}:
        return
    where = doers[0].expression if doers else f"{written.type}.{'source' if written.type == 'List' else 'performer'}"
    who = actor.user or "this client"
    says = (
        f"{who} is not who is said to have done it, and may not write for others. Write your own acts, or ask for the scope ledger.write."
    )
    yield findings.law(written, "cs-13", says, where)


RULES: tuple[Callable[[Scene, Written], Iterable[Issue]], ...] = (witnessed, signatures.signed, performed, delegated)
