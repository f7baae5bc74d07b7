"""What a search for AuditEvents may ask, and the refusal of everything else, which names what may be asked.

The query itself is read by the one parser; this stands before it. https://hl7.org/fhir/R4/auditevent.html#search
"""

from collections.abc import Sequence
from dataclasses import replace

from service.errors import BadRequest, Issue
from service.search.apart import TYPE
from service.search.parameter import Registry, SearchParameter

MODIFIERS = {
    "_id": (),
    "_lastUpdated": (),
    "action": ("missing", "not"),
    "address": ("contains", "exact", "missing"),
    "agent": ("identifier", "missing"),
    "agent-name": ("contains", "exact", "missing"),
    "agent-role": ("missing", "not"),
    "date": (),
    "entity": ("missing",),
    "entity-role": ("missing", "not"),
    "entity-type": ("missing", "not"),
    "outcome": ("missing", "not"),
    "patient": ("missing",),
    "purpose": ("missing", "not"),
    "subtype": ("missing", "not"),
    "type": ("missing", "not"),
}
"""The search parameters, with the modifiers that each takes."""
RESULT = ("_count", "_cursor", "_elements", "_sort", "_summary", "_total")
SORTED_BY = ("date", "_lastUpdated")
TOGETHER = ("_type",)

Pairs = Sequence[tuple[str, str]]


def offered(registry: Registry) -> list[SearchParameter]:
    """The search parameters of AuditEvent that there are, by name."""
    known = registry.for_type(TYPE)
    return [known[name] for name in sorted(MODIFIERS) if name in known]


def understood(pairs: Pairs, lenient: bool) -> tuple[list[tuple[str, str]], tuple[Issue, ...]]:
    """The pairs that a search for AuditEvents takes, and warnings about those that a lenient one leaves out. Raises BadRequest."""
    kept: list[tuple[str, str]] = []
    warnings: list[Issue] = []
    for name, text in pairs:
        refusal = _refusal(name, text)
        if refusal is None:
            kept.append((name, text))
        elif lenient and name != "_cursor":
            warnings += [
                replace(issue, severity="warning", diagnostics=f"{issue.diagnostics} It was left out.") for issue in refusal.issues
            ]
        else:
            raise refusal
    return kept, tuple(warnings)


def _refusal(name: str, text: str) -> BadRequest | None:
    head, _, chain = name.partition(".")
    code, _, modifier = head.partition(":")
    if code in RESULT or code in TOGETHER:
        return _unsorted(text) if code == "_sort" else None
    if code not in MODIFIERS:
        return _refused(name, "search-parameter", f"A search for {TYPE} has no parameter {code[:60]!r}. It has: {told()}.")
    if chain:
        return _refused(name, "search-chain", f"'{code}' of {TYPE} takes no chain. Give the id or the reference itself.")
    if modifier and modifier not in MODIFIERS[code] and not _is_type(code, modifier):
        valid = ", ".join(f":{one}" for one in MODIFIERS[code])
        return _refused(name, "search-modifier", f"'{code}' of {TYPE} takes no ':{modifier[:40]}'. It takes: {valid or 'no modifier'}.")
    return None


def told() -> str:
    """All that a search may have, for a message."""
    return f"{', '.join(MODIFIERS)}; and for the result: {', '.join(RESULT)}, where _sort takes {' and '.join(SORTED_BY)}"


def _is_type(code: str, modifier: str) -> bool:
    """`agent:Practitioner=x`."""
    return code in ("agent", "entity", "patient") and modifier[:1].isupper()


def _unsorted(text: str) -> BadRequest | None:
    for part in text.split(","):
        if part.strip().removeprefix("-") not in SORTED_BY:
            return _refused("_sort", "search-sort", f"{TYPE} is sorted by {' or '.join(SORTED_BY)}, not by {part[:60]!r}.")
    return None


def _refused(name: str, rule: str, told: str) -> BadRequest:
    return BadRequest.of("not-supported", rule, told, f"http.{name[:80]}")
