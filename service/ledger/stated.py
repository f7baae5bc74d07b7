"""What a record states for the ledger: an amount that can be posted, or why it cannot be."""

from service.ledger.amount import Inexact, micrograms


class Unpostable(ValueError):
    """The record cannot be put into the ledger: the rule that it breaks, what to do, and the element."""

    def __init__(self, rule: str, text: str, expression: str) -> None:
        super().__init__(text)
        self.rule = rule
        self.expression = expression


def amount(quantity: object, where: str, may_be_nothing: bool = False) -> int:
    """Micrograms that were moved. Raises Unpostable, naming the element `where`."""
    found = _micrograms(quantity, where)
    if found < 0 or (found == 0 and not may_be_nothing):
        raise Unpostable("cs-02", "The amount is not more than nothing. State what was moved.", where)
    return found


def signed(quantity: object, where: str, may_be_negative: bool, may_be_nothing: bool) -> int:
    """Micrograms of an entry of the ledger, which may be less than nothing. Raises Unpostable, naming the element `where`."""
    found = _micrograms(quantity, where)
    if (found < 0 and not may_be_negative) or (found == 0 and not may_be_nothing):
        raise Unpostable("cs-02", "Only an adjustment may be negative, and only a count nothing. State what was moved.", where)
    return found


def _micrograms(quantity: object, where: str) -> int:
    try:
        return micrograms(quantity)
    except Inexact as error:
        raise Unpostable("cs-02", str(error), where) from None
