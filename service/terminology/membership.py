"""Whether a code belongs to a value set: in it, not in it, or not known here, with the reason. Never silently valid.

    membership(lookup, "http://hl7.org/fhir/ValueSet/observation-vitalsignresult", "http://loinc.org", "8867-4")

A value set is compiled when it is first asked for and kept by the lookup; a code is then a question of dictionaries. What a definition
lists or selects from code systems that are stored here is decided; what it takes from others (SNOMED CT, LOINC, RxNorm: licensed and
large) is unknown for codes of those systems alone. https://hl7.org/fhir/R4/terminologies.html
"""

from service.terminology import expansion, grammar, judge
from service.terminology.lookup import Codes, Json, Lookup, Unanswerable
from service.terminology.part import CodeJudge, Unknown, own
from service.terminology.verdict import IN, OUT, UNKNOWN, Answer, Verdict

__all__ = ["IN", "OUT", "UNKNOWN", "Answer", "Verdict", "listed", "membership", "of_system", "of_tree"]

_MOST_LISTED = 10_000


def membership(lookup: Lookup, url: str, system: str | None, code: str) -> Verdict:
    """Whether the value set `url` or `url|version` has the code. Without a system, any of the value set's own counts."""
    return _asked(lookup.compiled.get(url) or judge.named(lookup, url), system, code)


def of_tree(lookup: Lookup, tree: Json, system: str | None, code: str) -> Verdict:
    """Whether the value set of a ValueSet resource has the code."""
    return _asked(judge.of(lookup, tree), system, code)


def of_system(lookup: Lookup, system: str, code: str, version: str | None = None) -> Verdict:
    """Whether the code system has the code."""
    key = f"system {system}|{version or ''}"
    decide: CodeJudge | None = lookup.compiled.get(key)
    if decide is None:
        decide = own(lookup, {"system": system, "version": version})
        if not isinstance(decide, Unknown):
            lookup.compiled[key] = decide
    return decide(code)


def listed(lookup: Lookup, url: str) -> Codes | None:
    """All codes of the value set as (system, code), when looking one up among them decides as `membership` does; else None."""
    try:
        found = expansion.expanded(lookup, url, expansion.Limits(codes=_MOST_LISTED, details=False))
    except Unanswerable:
        return None
    systems = {system for system, _ in found.members}
    if found.fragments or any(_folds(lookup, system) for system in systems):
        return None
    return frozenset(found.members)


def _folds(lookup: Lookup, system: str) -> bool:
    """Whether one code of the system may be written in several ways."""
    stored, written = lookup.code_system(system, None), grammar.of(system)
    return not stored.case_sensitive if stored else written is not None and written.key is not str


def _asked(decide: judge.Compiled, system: str | None, code: str) -> Verdict:
    return decide.anywhere(code) if system is None else decide(system, code)
