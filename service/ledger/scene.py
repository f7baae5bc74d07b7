"""What a rule may look at: the writes of a commit, and the record as it will be when they are done.

Rules judge the whole commit at once, so that both sides of a transaction Bundle are there: `get` and `pointing` answer with the
content after the commit, `prior` with that before it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Protocol

from service.ledger.policy import Policy

Tree = Mapping[str, Any]

VIAL, SYRINGE, RECEIPT, DRAW, ADMINISTRATION, SEGMENT = "vial", "syringe", "receipt", "draw", "administration", "segment"
LEDGER_ENTRY, INVENTORY, VISIT, OTHER = "entry", "inventory", "visit", ""
CONTROLLED = frozenset({VIAL, SYRINGE, RECEIPT, DRAW, ADMINISTRATION, SEGMENT, LEDGER_ENTRY, INVENTORY})
"""The roles of resources that are controlled-substance records."""


@dataclass(frozen=True, slots=True)
class Written:
    """One write of the commit.

    `entry` is the place of its change in the request, for Issue.entry. `role` says what the resource is to the register: vial, syringe,
    receipt (SupplyDelivery), draw (MedicationDispense), administration (a parent), segment (a part of one), entry (an Observation
    of the ledger), inventory (List), visit (Encounter), or "" for anything else. `after` is None for a deletion, `before` None for
    something new. `version` is the number that it gets. `if_match`: the request named the version that it replaces.
    """

    entry: int
    type: str
    id: str
    role: str
    after: Tree | None
    before: Tree | None
    version: int
    if_match: bool

    @property
    def reference(self) -> str:
        """`Type/id`."""
        return f"{self.type}/{self.id}"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes the commit. `user` is `Practitioner/id` of a person, None for a system; `may_delegate`: a system with the
    scope `ledger.write`, which writes for others.

    `is_internal`: the service itself. `beside`: people who signed in beside the person, as witnesses.
    """

    client: str
    user: str | None
    may_delegate: bool
    is_internal: bool
    beside: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Drawn:
    """What became of a draw, in micrograms, after the commit. `draw` is the id of the MedicationDispense, `vial` of the Medication.

    `left_ug` is what is still in the syringe: 0 when everything is accounted for. `residual_ug` is what was posted as unaccounted: out
    of the syringe, or, less than nothing, into it.
    """

    draw: str
    vial: str
    drawn_ug: int
    given_ug: int
    wasted_ug: int
    returned_ug: int
    left_ug: int
    residual_ug: int = 0


class Scene(Protocol):
    """The record around a commit. References are `Type/id`."""

    @property
    def now(self) -> int:
        """The instant of the commit, in microseconds."""

    @property
    def zone(self) -> tzinfo:
        """The clinic's time zone."""

    @property
    def actor(self) -> Actor:
        """Who makes the commit."""

    @property
    def writes(self) -> Sequence[Written]:
        """All writes of the commit."""

    def get(self, reference: str) -> Tree | None:
        """The resource after the commit; None when it is not there."""

    def prior(self, reference: str) -> Tree | None:
        """The resource before the commit; None when it was not there."""

    def pointing(self, type: str, reference: str) -> Sequence[Tree]:
        """The resources of `type` that refer to `reference`, after the commit, oldest first."""

    def recorded(self, tree: Tree) -> int:
        """When it was first written down: now. Of the operator's own import the extension `recorded` says it, if it is there."""

    def role(self, tree: Tree) -> str:
        """The role of any resource: as of Written.role."""

    def policy(self, vial: str, instant: int) -> Policy:
        """The policies for the substance and the site of a vial (id of its Medication; "" for those of all), in force at `instant`."""

    def draws(self, encounter: str) -> Sequence[Drawn]:
        """What became of each draw of a visit (`Encounter/id`), after the commit."""

    def opened(self, vial: str) -> int | None:
        """When the first draw from the vial happened that stands after the commit, in microseconds; None when there is none."""

    def vial_of(self, medication: str) -> str | None:
        """The id of the first vial behind `Medication/id`: itself, or what the syringe was filled from. None when there is none."""
