"""What the index of a database holds, as data: which parameters, by which definition, and how far each is.

A parameter can be searched on a type when the list has its present digest as ACTIVE; then every resource of the type has its rows.

    INDEXING   every write makes its rows; older resources may lack them: refused
    ACTIVE     every resource has its rows: searched
    RETIRING   every write still makes its rows, for who has not heard yet; refused
    DROPPING   no write makes its rows any more; what is left of them is being removed

The digest covers all that decides the rows: the expression, the parameters that share rows, the clinic's time zone, the main date of the
type, and the version of the extractors. `docs/decisions/0011-active-parameters.md` has the protocol.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from service.search.types.protocol import SearchParameter

INDEXING, ACTIVE, RETIRING, DROPPING = "indexing", "active", "retiring", "dropping"
FOREIGN = ""
"""The digest of an entry that another version of the service could not keep up."""

FORMATS: Mapping[str, int] = {}
"""By type of parameter, how often the form of its rows has changed since the first release: raise it with every such change."""

NOT_INDEXED = "it is not indexed yet; an administrator must run 'infusion-records reindex'"
BEING_INDEXED = "it is being indexed; it can be searched when 'infusion-records reindex' has finished"
CHANGED = "its SearchParameter was changed or retired since it was indexed; an administrator must run 'infusion-records reindex'"
AWAITED = frozenset({NOT_INDEXED, BEING_INDEXED, CHANGED})
"""Refusals that a reindex ends."""

Row = Mapping[str, Any]
Key = tuple[str, str]
"""(type, code)"""


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry of the list. `definition` is the SearchParameter resource of a parameter that a client posted."""

    type: str
    code: str
    digest: str
    state: str
    definition: Row | None = None

    @property
    def key(self) -> Key:
        """Type and code."""
        return self.type, self.code


@dataclass(frozen=True, slots=True)
class Listing:
    """The list at one generation, and the SearchParameter resources of the record, oldest first. Every change is a new generation."""

    generation: int = 0
    entries: Mapping[Key, Listed] = field(default_factory=dict)
    posted: tuple[Row, ...] = ()


def digest(parameter: SearchParameter, row: Row, owners: Iterable[SearchParameter], main: SearchParameter | None, zone: str) -> str | None:
    """What the rows of `parameter` depend on, in short; None for one that has no rows."""
    if not parameter.keys:
        return None
    stated = [
        FORMATS.get(parameter.kind, 1),
        zone,
        [main.code, main.expression, FORMATS.get("date", 1)] if main else None,
        parameter.kind,
        parameter.expression,
        sorted([owner.code, owner.kind, owner.expression] for owner in owners),
        row.get("components") or row.get("component"),
        row.get("extension"),
    ]
    return blake2b(json.dumps(stated, sort_keys=True, default=str).encode(), digest_size=12).hexdigest()


def refusal(entry: Listed | None, digest: str) -> str | None:
    """Why a parameter of this digest cannot be searched, if so."""
    if entry is None or entry.digest != digest:
        return NOT_INDEXED
    return {ACTIVE: None, INDEXING: BEING_INDEXED}.get(entry.state, CHANGED)
