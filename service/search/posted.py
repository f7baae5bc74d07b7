"""SearchParameter resources that clients stored: which of them can become parameters here, and what is wrong with the others.

Only those of status `active` count. Of two with the same code for a type the older one counts; none may take the place of a parameter
that R4 or the clinic defines. They are used when `infusion-records reindex` has taken them up.
https://hl7.org/fhir/R4/searchparameter.html
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from service.search.activation import Key, Row
from service.search.types import IMPLEMENTED
from service.search.types.protocol import SearchParameter

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}", re.ASCII)
_KINDS = sorted(IMPLEMENTED)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A parameter of one type that a resource defines. `refusal` says why it cannot be taken up."""

    type: str
    code: str
    row: Row
    digest: str | None = None
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class Proposals:
    """What the stored resources propose: the first for each (type, code), and `others`, which are all refused."""

    first: Mapping[Key, Proposal] = field(default_factory=dict)
    others: tuple[Proposal, ...] = ()

    def usable(self) -> dict[Key, Proposal]:
        """Those that can be taken up."""
        return {key: one for key, one in self.first.items() if one.refusal is None}

    def refused(self) -> list[Proposal]:
        """Those that cannot."""
        return [one for one in (*self.first.values(), *self.others) if one.refusal]


Compiled = Callable[[str, Row], tuple[str | None, str | None]]
"""(type, resource) -> digest, and why it cannot be compiled."""
Defined = Callable[[str, str], SearchParameter | None]


def proposals(posted: Iterable[Row], types: Iterable[str], defined: Defined, compiled: Compiled) -> Proposals:
    """What `posted` (oldest first) propose for the served `types`."""
    first: dict[Key, Proposal] = {}
    others: list[Proposal] = []
    served = frozenset(types)
    for row in posted:
        if row.get("status") != "active":
            continue
        for type in _bases(row, served):
            one = _proposal(type, row, defined, compiled)
            earlier = first.get((type, one.code))
            if earlier is None or (earlier.refusal and not one.refusal):
                first[type, one.code] = one
                others += [earlier] if earlier else []
            else:
                others.append(_later(one, earlier))
    return Proposals(first, tuple(others))


def _bases(row: Row, served: frozenset[str]) -> list[str]:
    """The served types that it is meant for; `Resource` and `DomainResource` are all of them."""
    named = {one for one in row.get("base") or () if isinstance(one, str)}
    return sorted(served if named & {"Resource", "DomainResource"} else named & served)


def _proposal(type: str, row: Row, defined: Defined, compiled: Compiled) -> Proposal:
    code = str(row.get("code") or "")
    problem = _problem(type, code, row, defined)
    if problem:
        return Proposal(type, code, row, refusal=problem)
    digest, refusal = compiled(type, row)
    return Proposal(type, code, row, digest, refusal)


def _problem(type: str, code: str, row: Row, defined: Defined) -> str | None:
    if not _CODE.fullmatch(code):
        return "its code must be letters, digits and hyphens, and begin with a letter"
    if (known := defined(type, code)) is not None:
        return f"{type} has a parameter '{code}' already ({known.url}); give it another code"
    if row.get("type") not in _KINDS:
        return f"parameters of type {row.get('type')} cannot be added; the types are {', '.join(_KINDS)}"
    if not isinstance(row.get("expression"), str):
        return "it has no expression, so that nothing can be indexed"
    return None


def _later(one: Proposal, earlier: Proposal) -> Proposal:
    taken = f"SearchParameter/{earlier.row.get('id')} defines '{one.code}' for {one.type} already; give it another code"
    return Proposal(one.type, one.code, one.row, refusal=one.refusal or taken)
