"""The rules of controlled substances, each a function of the scene and one write, each with its id in what it says.

people      who may draw, give, waste and witness
signatures  what the witness signs, and when
moment      when: order of events, late entries, expiry
orders      under which order, consent and weight
segments    the parts of an infusion against the whole
volumes     a mass and a volume that are stated together
finishing   what must be settled before a visit is finished
amendments  how a posted record is corrected, and that it is never deleted
"""

from collections.abc import Callable, Iterable

from service.errors import Issue
from service.ledger.rules import amendments, finishing, moment, orders, people, segments, volumes
from service.ledger.scene import Scene, Written

Rule = Callable[[Scene, Written], Iterable[Issue]]

RULES: tuple[Rule, ...] = (
    *people.RULES,
    *moment.RULES,
    *orders.RULES,
    *segments.RULES,
    *volumes.RULES,
    *finishing.RULES,
    *amendments.RULES,
)
"""Every rule. Each is asked about every write of a commit that touches controlled substances; the balance of vials is the book's own."""
