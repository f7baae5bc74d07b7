"""What each rule of controlled substances stands on: law, or policy of the clinic; the source, and the rule in one sentence.

The one table of it: settings, reports, documentation and the rules themselves ask here. A rule that is law always refuses. So does a
policy without which the register would not be one (`is_fixed`). What else is policy may be set to refuse, warn or off, for substances and
sites, by version (service.ledger.policies). `is_read` is False where the wording of the source was not read but is known from elsewhere:
have counsel confirm those. This is engineering, not legal advice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

LAW, POLICY = "law", "policy"
REFUSE, WARN, OFF = "refuse", "warn", "off"


@dataclass(frozen=True, slots=True)
class Basis:
    """What a rule stands on. `kind`: LAW or POLICY. `action`: what a breach leads to unless a clinic sets otherwise."""

    kind: str
    source: str
    says: str
    action: str = REFUSE
    is_fixed: bool = False
    is_read: bool = True

    @property
    def may_be_set(self) -> bool:
        """Whether a clinic may have a breach warned of, or passed over."""
        return self.kind == POLICY and not self.is_fixed


_PRACTICE = "good practice"

BASES: Mapping[str, Basis] = MappingProxyType(
    {
        "cs-01": Basis(LAW, "21 CFR 1304.21(a), 1304.22(c)", "What was drawn was given, wasted or returned, within the tolerance."),
        "cs-02": Basis(LAW, "21 CFR 1304.21(a)", "What a vial held at first is drawn, destroyed, lost or still in it."),
        "cs-03": Basis(POLICY, _PRACTICE, "The dose of a part of an infusion is its rate times its time, within the tolerance."),
        "cs-03-sum": Basis(LAW, "21 CFR 1304.21(a)", "The parts of an infusion follow each other, and sum to the dose that is stated."),
        "cs-04": Basis(
            LAW, "21 CFR 1304.21(a), 1304.22(c)", "A mass and a volume that are stated together are one amount, within the tolerance."
        ),
        "cs-05": Basis(LAW, "21 CFR 1304.21(a)", "No vial gives more than it holds, in the order of events and of commits."),
        "cs-10": Basis(POLICY, _PRACTICE, "A witness is another licensed member of staff than whoever did it."),
        "cs-10-destruction": Basis(
            LAW, "21 CFR 1317.95(d)", "Two employees take part in the destruction of inventory: its witness is another one.", is_read=False
        ),
        "cs-11": Basis(POLICY, "21 CFR 11.50, 11.70, as a benchmark", "The named witness signs after the event and soon.", is_read=False),
        "cs-12": Basis(
            POLICY, "state law on the scope of practice", "Who draws, gives or wastes has a permitted role, in force at the time."
        ),
        "cs-12-named": Basis(LAW, "21 CFR 1304.22(c)", "The record names who administered or disposed of the substance."),
        "cs-13": Basis(LAW, "45 CFR 164.312(d)", "Who writes is who is said to have done it, or may write for others."),
        "cs-20": Basis(
            LAW, "21 CFR 1304.21(d)", "An event has the time at which it happened: not ahead, in order with what came before it."
        ),
        "cs-21": Basis(POLICY, _PRACTICE, "What is recorded long after the event is marked as late and says why.", WARN),
        "cs-22": Basis(POLICY, _PRACTICE, "Nothing is drawn or given after its expiry, or from a vial open for too long."),
        "cs-23": Basis(POLICY, _PRACTICE, "Nothing is drawn or given from a vial that was set aside, as after a recall."),
        "cs-24": Basis(
            POLICY, _PRACTICE, "A visit is finished with witnesses named, grave alerts answered, and the patient fit to leave and fetched."
        ),
        "cs-24-open": Basis(LAW, "21 CFR 1304.21(a)", "A visit ends with every draw accounted for and every administration ended."),
        "cs-25": Basis(POLICY, _PRACTICE, "A finished visit takes amendments only, a cancelled one nothing."),
        "cs-26": Basis(
            POLICY, "state law and standards of care", "Nothing is given without order and consent, against an allergy or above a limit."
        ),
        "cs-30": Basis(
            LAW,
            "45 CFR 164.312(b), (c); 21 CFR 11.10(e), as a benchmark",
            "An amendment is a new version that says who, why, and what it follows.",
        ),
        "cs-30-signature": Basis(POLICY, "21 CFR 11.10(e), as a benchmark", "Who amends a record signs it.", WARN),
        "cs-31": Basis(LAW, "21 CFR 1304.04(a)", "A record is kept: a mistake is marked as entered in error, never deleted."),
        "cs-32": Basis(
            POLICY, "45 CFR 164.312(c), as a benchmark", "The entries of a vial are numbered without gaps and chained.", is_fixed=True
        ),
        "cs-33": Basis(POLICY, _PRACTICE, "What happened once is posted once.", is_fixed=True),
        "cs-34": Basis(LAW, "21 CFR 1304.04(a)", "Records are kept for at least two years."),
        "cs-35": Basis(LAW, "21 CFR 1301.76(b)", "A count that differs from the book is looked into within one business day."),
        "cs-tag": Basis(LAW, "21 CFR 1304.04(f), (g)", "Records of controlled substances are marked, so that they are readily told apart."),
    }
)
"""Every rule by its id. An id with a word behind its number is a part of the rule that is set, or cited, for itself."""
