"""The lines of the ledger. Each belongs to a vial, is numbered without a gap, and holds the hash of the one before it.

An entry moves an amount from one account into another, so that the accounts of a vial always sum to zero; a count moves nothing. A
correction is an entry that moves the same amount back (`reverses`). Amounts are whole micrograms and never negative: the direction is in
the accounts.
"""

import json
from dataclasses import dataclass, fields
from hashlib import sha256

RECEIVED, OPENED, DRAWN, GIVEN, WASTED, RETURNED = "received", "opened", "drawn", "given", "wasted", "returned"
COUNTED, ADJUSTED, TRANSFERRED = "counted", "adjusted", "transferred"
DESTROYED, LOST, BROKEN, UNACCOUNTED = "destroyed", "lost", "broken", "unaccounted"
KINDS = (
    *(RECEIVED, OPENED, DRAWN, GIVEN, WASTED, RETURNED, COUNTED, ADJUSTED, TRANSFERRED),
    *(DESTROYED, LOST, BROKEN, UNACCOUNTED),
)
"""What an entry tells of. `opened`: a vial first met without a receipt, at what its label says."""

SUPPLIER, OPENING, VIAL, SYRINGE = "supplier", "opening-unreceived", "vial", "syringe"
LATE, AMENDED, UNWITNESSED, UNRECEIVED = "late", "amended", "unwitnessed", "unreceived"
FLAGS = (LATE, AMENDED, UNWITNESSED, UNRECEIVED)

FIRST = "0" * 64
"""Stands for the hash before the first entry of a vial."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where an amount is. `kind`: supplier, opening-unreceived, vial, syringe, or what became of it (given, wasted, ...).

    `owner` is the id of the vial's Medication, or of the MedicationDispense that filled the syringe; `place` the id of the Location: the
    safe of a vial, the site of the rest; both "" where there is none.
    """

    kind: str
    owner: str = ""
    place: str = ""

    def __str__(self) -> str:
        return f"{self.kind}/{self.owner}@{self.place}"

    @classmethod
    def read(cls, text: str) -> "Account":
        """The account that `str` wrote."""
        kind, _, rest = text.partition("/")
        owner, _, place = rest.partition("@")
        return cls(kind, owner, place)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. Instants are microseconds since the epoch, references are `Type/id`, "" where there is none.

    `vial`: id of the Medication. `number`: from 1, without gaps, per vial. `kind`: one of KINDS. `reverses`: the number of the entry that
    this one moves back, 0 otherwise. `source`: the resource that says so, as `Type/id/_history/version`. `draw`: id of the
    MedicationDispense whose syringe is concerned. `occurred`: when it happened; `recorded`: when the record took it. `origin`, `target`:
    accounts ("" for a count, whose `amount_ug` is what was counted). `volume_ul`: of the vial's solution. `site`, `safe`: ids of
    Locations. `flags`: of FLAGS, in their order, with blanks. `policy`: the version of the policies that were in force.
    """

    vial: str
    number: int
    kind: str
    reverses: int
    source: str
    draw: str
    occurred: int
    recorded: int
    origin: str
    target: str
    amount_ug: int
    volume_ul: int
    site: str
    safe: str
    patient: str
    encounter: str
    performer: str
    witness: str
    flags: str
    policy: str
    previous: str = FIRST
    hash: str = ""

    @property
    def reference(self) -> str:
        """`Type/id` of the resource that says so."""
        return self.source.partition("/_history/")[0]


_HASHED = tuple(field.name for field in fields(Entry) if field.name != "hash")


def digest(entry: Entry) -> str:
    """The SHA-256 of everything that the entry says, the hash of the one before it included, in hexadecimal."""
    said = [getattr(entry, name) for name in _HASHED]
    return sha256(json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()
