"""The second person at a form, and the Provenance that both sign.

The second person types name, password and code into the form of the first one (`sign_in.cosigned`), and must be able to see what is
witnessed. What both sign is written in the commit of what they sign, and names its exact versions. Each signature has a meaning, an instant
and a name (21 CFR 11.50); its proof is the entry of the audit trail that tells of the sign-in. https://hl7.org/fhir/R4/provenance.html
"""

from collections.abc import Sequence
from dataclasses import replace

from service.clock import to_text
from service.records import sessions, sign_in, witness
from service.records.change import Create
from service.records.context import Context
from service.records.entering import elements
from service.records.entering.elements import Occasion, Tree
from service.records.sign_in import Attempt
from service.security.caller import Caller

_PURPOSES = "urn:iso-astm:E1762-95:2013"
_AUTHOR = ("1.2.840.10065.1.12.1.1", "Author's Signature")
_WITNESS = ("1.2.840.10065.1.12.1.9", "Event Witness Signature")


def second(ctx: Context, attempt: Attempt, seen: Sequence[str]) -> Caller:
    """Who signs beside the caller. Raises Unauthorized for who is not believed or is the same person, Forbidden for who may not see what
    is witnessed: `seen`, as `Type/id`."""
    person = sessions.beside(ctx.service, sign_in.cosigned(ctx.service, ctx.caller, attempt), attempt.address)
    for name in seen:
        witness.require_sight(ctx, name, person)
    return person


def together(ctx: Context, occasion: Occasion) -> Context:
    """The request of the first person, with the second one beside: what it writes may hold the signatures of both."""
    other = occasion.signers.witness
    return ctx if other is None or other.user is None else replace(ctx, beside=frozenset({other.user}))


def signatures(occasion: Occasion, reason: str) -> list[Create]:
    """The Provenance of everything else that the commit makes; none where nobody witnessed."""
    first, other = occasion.signers.performer, occasion.signers.witness
    if other is None:
        return []
    at = to_text(occasion.now)
    tree = {
        "resourceType": "Provenance",
        "recorded": at,
        "reason": [{"text": reason}],
        "agent": witness.agents(first, other),
        "signature": [_signature(_AUTHOR, first, at), _signature(_WITNESS, other, at)],
    }
    return [elements.create(tree, attests=True)]


def _signature(purpose: tuple[str, str], person: Caller, at: str) -> Tree:
    code, display = purpose
    return {"type": [{"system": _PURPOSES, "code": code, "display": display}], "when": at, "who": elements.who(person)}
