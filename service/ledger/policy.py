"""What a clinic decides for itself about controlled substances, with a version. Law is not here: it cannot be switched off.

Amounts are micrograms, times minutes unless the name says otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from service.ledger.basis import BASES, OFF, REFUSE, WARN

__all__ = ["OFF", "REFUSE", "WARN", "Policy"]


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of the policies, as they hold for a substance at a site.

    `actions` maps the id of a rule (`cs-10`) to what happens when it is broken: refuse, warn or off; for what is not in it, see BASES.
    """

    version: str = "1"
    tolerance_ug: int = 100
    tolerance_permille: int = 5
    witness_minutes: int = 60
    skew_minutes: int = 5
    late_hours: int = 24
    open_vial_days: int = 28
    draw_open_hours: int = 12
    weight_days: int = 30
    count_estimate_permille: int = 50
    roles: frozenset[str] = frozenset({"RN", "NP", "PA", "MD", "DO", "CRNA"})
    actions: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def action(self, rule: str) -> str:
        """What happens when the rule is broken. Law, and what is not known, refuses whatever is set."""
        basis = BASES.get(rule)
        if basis is None or not basis.may_be_set:
            return REFUSE
        return self.actions.get(rule, basis.action)

    def tolerance(self, amount_ug: int) -> int:
        """The largest difference that is posted as unaccounted: the larger of 0.1 mg and 0.5 % of `amount_ug`, unless set otherwise."""
        return max(self.tolerance_ug, amount_ug * self.tolerance_permille // 1000)
