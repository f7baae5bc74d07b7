"""What two people saw together: a Provenance on one exact version of a resource, by its author and a witness.

The second person signs inside the first one's form (`sign_in.cosigned`) and must be able to see what is witnessed. The form lends the scope
to write this one Provenance: nobody's role has it. https://hl7.org/fhir/R4/provenance.html
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from service.audit.event import Event
from service.audit.kinds import REST
from service.clock import to_text
from service.errors import BadRequest, Conflict, Forbidden, Gone, NotFound
from service.fhir import document
from service.records import trail
from service.records.change import Create
from service.records.commit import commit
from service.records.context import Context
from service.records.read import Version, read
from service.records.write import Committed
from service.security.caller import Caller
from service.security.grant import Grant

LEAST_CHARACTERS = 10
MOST_CHARACTERS = 500
_TARGET = re.compile(r"(?P<type>[A-Z][A-Za-z]{1,63})/(?P<id>[A-Za-z0-9.-]{1,64})")
_LENT = "user/Provenance.c"
_PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"


@dataclass(frozen=True, slots=True)
class Statement:
    """What is witnessed: `target` is `Type/id`, `version` the one that was on the page, `reason` what both say they saw."""

    target: str
    version: int
    reason: str


def target(ctx: Context, name: str) -> Version:
    """The current version of what is to be witnessed. Raises BadRequest for a malformed name, and what reading it raises."""
    found = _TARGET.fullmatch(name)
    if found is None or found["type"] not in ctx.service.definitions.types:
        raise BadRequest.of("invalid", "witness-target", "Say what is witnessed as Type/id, of a type that is kept here.")
    seen = read(ctx, found["type"], found["id"])
    trail.note(ctx, Event(REST["read"], reference=name, type=found["type"], patients=trail.seen(ctx)))
    return seen


def witnessed(ctx: Context, statement: Statement, second: Caller) -> Committed:
    """Write the Provenance down. Raises BadRequest without a reason, Conflict when the resource has changed since it was looked at, and
    Forbidden when the second person may not see it."""
    reason = " ".join(statement.reason.split())
    if not LEAST_CHARACTERS <= len(reason) <= MOST_CHARACTERS:
        raise BadRequest.of("invalid", "reason", f"Say what was witnessed, in {LEAST_CHARACTERS} to {MOST_CHARACTERS} characters.")
    seen = target(ctx, statement.target)
    if seen.version != statement.version:
        raise Conflict.of("conflict", "witness-version", f"{statement.target} was changed meanwhile. Look at it again.")
    require_sight(ctx, statement.target, second)
    tree = _provenance(ctx, f"{statement.target}/_history/{seen.version}", reason, second)
    lent = Grant.of(ctx.service.identity.grammar.scopes(_LENT))
    lending = replace(ctx, caller=replace(ctx.caller, grant=ctx.caller.grant | lent))
    return commit(lending, [Create("Provenance", document.stored(document.encode(tree)))])[0]


def require_sight(ctx: Context, name: str, second: Caller) -> None:
    """Raises Forbidden when the second person may not see the resource `Type/id`, whether it is there or not."""
    try:
        target(replace(ctx, caller=second), name)
    except (Forbidden, NotFound, Gone):
        raise Forbidden.of("forbidden", "witness", "The second person may not see this, and so cannot witness it.") from None


def _provenance(ctx: Context, version: str, reason: str, second: Caller) -> dict[str, Any]:
    return {
        "resourceType": "Provenance",
        "target": [{"reference": version}],
        "recorded": to_text(ctx.service.clock()),
        "reason": [{"text": reason}],
        "agent": agents(ctx.caller, second),
    }


def agents(first: Caller, second: Caller) -> list[dict[str, Any]]:
    """Author and witness, as a Provenance names them."""
    return [_agent(_PARTICIPANT, "author", "Author", first), _agent(_PARTICIPATION, "WIT", "witness", second)]


def _agent(system: str, code: str, display: str, who: Caller) -> dict[str, Any]:
    return {
        "type": {"coding": [{"system": system, "code": code, "display": display}]},
        "who": {"reference": who.user, "display": who.name} if who.name else {"reference": who.user},
    }
