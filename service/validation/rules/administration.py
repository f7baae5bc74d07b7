"""Invariants of administrative resources: people, places, appointments, lists, consent, audit."""

from service.validation.invariant import Rule, all_or_none, at_most_one, both, codings, custom, either, is_one_of, no, objects, some, when
from service.validation.structure import Node

_NOT_HOME = custom(lambda node: node.get("use") != "home")


def _patient_unless(scope_code: str) -> Rule:
    """As R4 words it: the rule speaks of the code system `something`, so that it seldom applies."""
    return either(some("patient"), custom(lambda node: not _has_scope(node, scope_code)))


def _has_scope(node: Node, code: str) -> bool:
    return any(coding.get("system") == "something" and coding.get("code") == code for coding in codings(node.get("scope")))


def _none_of_entries_has(member: str) -> Rule:
    names = {member, "_" + member}
    return custom(lambda node: all(names.isdisjoint(entry) for entry in objects(node.get("entry"))))


RULES: dict[str, Rule] = {
    "app-1": some("type", "actor"),
    "app-2": all_or_none("start", "end"),
    "app-3": either(both("start", "end"), is_one_of("status", "proposed", "cancelled", "waitlist")),
    "app-4": when(some("cancelationReason"), is_one_of("status", "no-show", "cancelled")),
    "apr-1": some("participantType", "actor"),
    "grp-1": either(no("member"), is_one_of("actual", True)),
    "lnk-1": custom(lambda node: len(objects(node.get("item"))) > 1),
    "lst-1": at_most_one("emptyReason", "entry"),
    "lst-2": either(is_one_of("mode", "changes"), _none_of_entries_has("deleted")),
    "lst-3": either(is_one_of("mode", "working"), _none_of_entries_has("date")),
    "org-1": some("identifier", "name"),
    "org-2": _NOT_HOME,
    "org-3": _NOT_HOME,
    "pat-1": some("name", "telecom", "address", "organization"),
    "ppc-1": some("policy", "policyRule"),
    "ppc-2": _patient_unless("patient-privacy"),
    "ppc-3": _patient_unless("research"),
    "ppc-4": _patient_unless("adr"),
    "ppc-5": _patient_unless("treatment"),
    "sev-1": at_most_one("name", "query"),
}
