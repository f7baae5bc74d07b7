"""Invariants of financial resources."""

from service.validation.invariant import Rule, exactly_one, some

RULES: dict[str, Rule] = {
    "ces-1": exactly_one("category", "productOrService"),
    "ipn-1": some("identifier", "name"),
}
